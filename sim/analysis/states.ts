// Infers the states of both ends (RFC 9293 section 3.3.2) from the segments that were seen between them. Each segment is assumed
// to have arrived, unless the sequence numbers show that it waits for an earlier one.

import { type Connection, type End, other, type State, UNKNOWN } from "./connection"
import { after, Bit, occupied, type Segment } from "./segment"

/** An end went from one state to another. */
export interface StateChange {
    readonly end: 0 | 1
    readonly from: State
    readonly to: State
    /** True when the other end's last SYN caused the change, which only the answer shows. */
    readonly bySyn?: boolean
}

type Transitions = { readonly [from in State]?: State }

/** The state after the peer's FIN has arrived, by the state before (RFC 9293 section 3.3.2, figure 5). */
const AFTER_FIN: Transitions = {
    "SYN-RECEIVED": "CLOSE-WAIT",
    ESTABLISHED: "CLOSE-WAIT",
    "FIN-WAIT-1": "CLOSING",
    "FIN-WAIT-2": "TIME-WAIT",
}
/** The state after the end's own FIN was acknowledged. */
const AFTER_ACK_OF_FIN: Transitions = {
    "FIN-WAIT-1": "FIN-WAIT-2",
    CLOSING: "TIME-WAIT",
    "LAST-ACK": "CLOSED",
}

/**
 * The time after a reset, ns, from which on an end that still sends has not accepted the reset; earlier segments were on their
 * way.
 */
const CROSSING = 200e6

/** The changes of state that a segment causes. */
interface Steps {
    readonly changes: readonly StateChange[]
    /** The changes if no end has taken the reset before the segment; undefined without such a reset. */
    readonly unreset: readonly StateChange[] | undefined
    /** The packet of a reset of which the segment shows that no end has taken it. */
    readonly refuted: number | undefined
}

/**
 * Returns the state changes that a segment, already passed to `analyze`, causes, the sender's first. `isResetTaken` is true for a
 * reset that its receiver accepts.
 */
export function follow(connection: Connection, from: 0 | 1, segment: Segment, isResetTaken = false): Steps {
    const { ends } = connection
    const { bits } = segment
    if (ends[0].segments + ends[1].segments === 1) begin(connection, from, segment)
    if (bits & Bit.Syn) ends[from].stateBeforeReset = undefined
    const before = ends.map(({ state }) => state)
    const isReset = ends.some(({ stateBeforeReset }) => stateBeforeReset !== undefined)
    if (bits & Bit.Rst) {
        const changes: StateChange[] = []
        reset(connection, from, isResetTaken, changes)
        return { changes, unreset: [], refuted: undefined }
    }
    const refuted = isReset ? refute(connection, from, segment) : undefined
    const isAlive = (end: 0 | 1) => refuted !== undefined || goesOn(connection, end, from, segment)
    const all: StateChange[] = []
    for (const end of ends) end.state = end.stateBeforeReset ?? end.state
    send(connection, from, segment, all)
    arrive(connection, from, segment, all)
    if (!isReset) return { changes: all, unreset: undefined, refuted }
    const changes = all.filter(({ end }) => ends[end].stateBeforeReset === undefined)
    for (const end of [from, other(from)]) {
        const { state, stateBeforeReset } = ends[end]
        if (stateBeforeReset === undefined) continue
        if (isAlive(end)) {
            changes.push({ end, from: before[end]!, to: state })
            ends[end].stateBeforeReset = undefined
        } else {
            ends[end].stateBeforeReset = state
            ends[end].state = before[end]!
        }
    }
    return { changes, unreset: all, refuted }
}

function change(connection: Connection, end: 0 | 1, to: State, changes: StateChange[], bySyn = false): void {
    const from = connection.ends[end].state
    connection.ends[end].state = to
    const last = changes.find(one => one.end === end)
    // two at once, such as FIN-WAIT-1 to FIN-WAIT-2 to TIME-WAIT, are shown as one
    if (last !== undefined) changes.splice(changes.indexOf(last), 1, { ...last, to })
    else changes.push(bySyn ? { end, from: "LISTEN", to, bySyn } : { end, from, to })
}

/** Sets the states before the first segment that was captured. */
function begin(connection: Connection, from: 0 | 1, { bits }: Segment): void {
    if (bits & Bit.Syn && (bits & Bit.Ack) === 0) return
    connection.isMidway = true
    if (bits & Bit.Rst) return
    if (bits & Bit.Syn) connection.ends[other(from)].state = "SYN-SENT"
    else for (const end of connection.ends) end.state = "ESTABLISHED"
}

/** Returns true when a segment shows that its sender, at which a reset arrived, did not take it. */
function goesOn({ ends }: Connection, end: 0 | 1, from: 0 | 1, { time }: Segment): boolean {
    return end === from && time - ends[other(from)].time >= CROSSING
}

/**
 * Returns the packet of a reset whose sender goes on, and forgets the reset: an end that sends a reset has no connection any more
 * (RFC 9293 section 3.10.5), so something on the way has sent it, and its receiver has not taken it.
 */
function refute(connection: Connection, from: 0 | 1, segment: Segment): number | undefined {
    const { resetBy, ends } = connection
    if (resetBy?.end !== from || ends[from].stateBeforeReset === undefined) return undefined
    // a segment that was sent before the reset may be captured after it
    const end = segment.seq + occupied(segment)
    const isBeyond = occupied(segment) > 0 && after(end, resetBy.seq) > 0
    if (!isBeyond && segment.time - resetBy.time < CROSSING) return undefined
    connection.refutedReset = from
    connection.reset = undefined
    connection.resetBy = undefined
    return resetBy.packet
}

function reset(connection: Connection, from: 0 | 1, isTaken: boolean, changes: StateChange[]): void {
    const to = other(from)
    const receiver = connection.ends[to]
    const sender = connection.ends[from]
    if (isSynchronized(sender.state)) sender.stateBeforeReset = sender.state
    if (sender.state !== "CLOSED") change(connection, from, "CLOSED", changes)
    if (receiver.state === "CLOSED" || !isTaken) return
    receiver.stateBeforeReset = receiver.state
    // RFC 9293 section 3.10.7.4: a connection that a listener opened leaves the listener as it is
    const isPassive = receiver.state === "SYN-RECEIVED" && connection.client === from
    change(connection, to, isPassive ? "LISTEN" : "CLOSED", changes)
}

/** Returns true for a state after the handshake. */
function isSynchronized(state: State): boolean {
    return !["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED"].includes(state)
}

/** Applies what the sender of a segment must have done. */
function send(connection: Connection, from: 0 | 1, segment: Segment, changes: StateChange[]): void {
    const sender = connection.ends[from]
    const { bits, seq, length } = segment
    if (!connection.isSimultaneous && isRepeated(sender, segment)) {
        const before = stateBeforeAck(connection, from)
        if (before !== undefined) change(connection, from, before, changes)
    }
    if (bits & Bit.Syn) {
        const isOpen = sender.state === "CLOSED" || sender.state === "LISTEN"
        if ((bits & Bit.Ack) === 0) {
            if (connection.ends[other(from)].state === "SYN-SENT") connection.isSimultaneous = true
            if (isOpen) change(connection, from, "SYN-SENT", changes)
        } else if (isOpen) change(connection, from, "SYN-RECEIVED", changes, true)
        // the SYN of the other end has arrived while its own was on its way (RFC 9293 section 3.5, figure 7)
        else if (sender.state === "SYN-SENT") change(connection, from, "SYN-RECEIVED", changes)
        return
    }
    // the segment that would show it was not captured
    if (sender.state === "SYN-SENT" && bits & Bit.Ack) change(connection, from, "ESTABLISHED", changes)
    if ((bits & Bit.Fin) === 0 || sender.fin !== undefined) return
    sender.fin = (seq + length) >>> 0
    connection.closer ??= from
    connection.finTime ??= connection.lastTime
    if (sender.state === "ESTABLISHED" || sender.state === "SYN-RECEIVED")
        change(connection, from, "FIN-WAIT-1", changes)
    else if (sender.state === "CLOSE-WAIT") change(connection, from, "LAST-ACK", changes)
}

/** Returns true when a segment repeats its sender's SYN-ACK or FIN. */
function isRepeated({ fin, syns }: End, { bits, seq, length }: Segment): boolean {
    if (bits & Bit.Syn) return (bits & Bit.Ack) !== 0 && syns > 1
    return (bits & Bit.Fin) !== 0 && fin === (seq + length) >>> 0
}

/** Returns the state of an end that repeats its SYN-ACK or FIN: the ACK of it was captured, but has not arrived. */
function stateBeforeAck({ ends, client }: Connection, end: 0 | 1): State | undefined {
    const { state, fin, stateBeforeReset } = ends[end]
    if (fin === undefined) return state === "ESTABLISHED" && end !== client ? "SYN-RECEIVED" : undefined
    if (state === "FIN-WAIT-2") return "FIN-WAIT-1"
    return state === "CLOSED" && stateBeforeReset === undefined ? "LAST-ACK" : undefined
}

/** Applies the effects of a segment at its receiver: first what it acknowledges, then its FIN. */
function arrive(connection: Connection, from: 0 | 1, segment: Segment, changes: StateChange[]): void {
    const to = other(from)
    const sender = connection.ends[from]
    const receiver = connection.ends[to]
    const { bits, ack } = segment
    if (bits & Bit.Ack && receiver.next !== UNKNOWN) {
        const ofSyn = after(ack, receiver.base ?? 0) > 0 && after(ack, receiver.next) <= 0
        // an ACK that covers a FIN shows that the FIN has arrived, whatever is missing in the capture
        const ofFin = receiver.fin !== undefined && after(ack, receiver.fin) > 0
        if (ofFin && !receiver.finArrived) finArrives(connection, to, changes)
        if (ofFin) finIsAcknowledged(connection, to, changes)
        else if (receiver.state === "SYN-RECEIVED" && (ofSyn || connection.isMidway))
            change(connection, to, "ESTABLISHED", changes)
        else if (receiver.state === "SYN-SENT" && bits & Bit.Syn && ofSyn)
            change(connection, to, "ESTABLISHED", changes)
    }
    const isWhole = sender.fin !== undefined && after(sender.whole, sender.fin) > 0
    if (isWhole && !sender.finArrived) finArrives(connection, from, changes)
}

/** Applies the arrival of the FIN of `from` at the other end. */
function finArrives(connection: Connection, from: 0 | 1, changes: StateChange[]): void {
    connection.ends[from].finArrived = true
    changeBy(AFTER_FIN, connection, other(from), changes)
}

function finIsAcknowledged(connection: Connection, end: 0 | 1, changes: StateChange[]): void {
    changeBy(AFTER_ACK_OF_FIN, connection, end, changes)
}

/** Changes the state of an end as a table says; a state that is not in the table stays. */
function changeBy(table: Transitions, connection: Connection, end: 0 | 1, changes: StateChange[]): void {
    const to = table[connection.ends[end].state]
    if (to !== undefined) change(connection, end, to, changes)
}
