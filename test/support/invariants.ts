// What has to hold of a stack's tables whenever it has nothing left to send.

import { TIME_WAIT_RECORDS } from "../../src/features"
import { nextHop } from "../../src/net/arp"
import { Neighbour, NeighbourState } from "../../src/net/neighbour-record"
import type { Stack } from "../../src/net/stack"
import type { Connection } from "../../src/tcp/context"
import {
    Ahead,
    ConnFlag,
    ConnOption,
    Half,
    HalfFlag,
    Listener,
    SendFlag,
    State,
    stateName,
    Tcb,
    TimeWaitRecord,
} from "../../src/tcp/records"

/** A text, or what makes it: the texts of what holds are never made, because tests check after each frame. */
type Text = string | (() => string)

function textOf(text: Text): string {
    return typeof text === "string" ? text : text()
}

/** Everything that is wrong with a record, collected. */
class Findings {
    readonly wrong: string[] = []
    constructor(private readonly where: Text) {}

    check(holds: boolean, what: Text): void {
        if (!holds) this.wrong.push(`${textOf(this.where)}: ${textOf(what)}`)
    }
}

/** Throws an Error that names everything that is wrong. To be called when `transmit` has given 0. */
export function checkInvariants(s: Stack, now: number): void {
    const all = [
        ...ofStack(s),
        ...ofConnections(s, now | 0),
        ...ofHalves(s, now | 0),
        ...ofWaits(s, now | 0),
        ...ofNeighbours(s, now | 0),
    ]
    if (all.length > 0) throw new Error(`invariants broken:\n${all.join("\n")}`)
}

function ofStack(s: Stack): string[] {
    const f = new Findings("stack")
    f.check(!s.dirty, "dirty, although transmit had nothing")
    f.check(!s.asking, "a neighbour is to be asked for")
    f.check(s.frameLength === 0, "an answer was not sent")
    f.check(s.replyLength === 0, "a segment without a connection was not sent")
    f.check(
        Number.isInteger(s.cursor) && s.cursor >= 0 && s.cursor <= Math.max(0, s.connsEnd - 1),
        () => `cursor ${s.cursor}`
    )
    f.check(
        Number.isInteger(s.connsEnd) && s.connsEnd >= 0 && s.connsEnd <= s.conns.length,
        () => `connections end at ${s.connsEnd}`
    )
    f.check(
        s.halvesEnd % Half.Size === 0 && s.halvesEnd <= s.halves.length,
        () => `half-open records end at ${s.halvesEnd}`
    )
    for (let i = s.connsEnd; i < s.conns.length; i++) {
        f.check(s.conns[i].getAt(Tcb.Id, "u16") === 0, () => `connection at ${i} is behind the end`)
    }
    for (let h = s.halvesEnd; h < s.halves.length; h += Half.Size) {
        f.check(
            s.halves.getAt(h + Half.Listener, "u16") === 0,
            () => `half-open record at ${h} is behind the end`
        )
    }
    const ids: number[] = []
    for (let l = 0; l < s.listeners.length; l += Listener.Size) {
        const id = s.listeners.getAt(l + Listener.Id, "u16")
        if (id > 0) ids.push(id)
    }
    for (const c of s.conns) {
        const id = c.getAt(Tcb.Id, "u16")
        if (id > 0) ids.push(id)
    }
    f.check(new Set(ids).size === ids.length, () => `ids are not unique: ${ids}`)
    const tuples: [number, number][] = []
    for (const c of s.conns) {
        if (c.getAt(Tcb.State, "u8") !== State.Closed)
            tuples.push([c.getAt(Tcb.RemoteIp, "i32"), c.getAt(Tcb.Ports, "i32")])
    }
    for (let w = 0; w < s.waits.length; w += TimeWaitRecord.Size) {
        const id = s.waits.getAt(w + TimeWaitRecord.Id, "u16")
        if (id === 0) continue
        ids.push(id)
        tuples.push([
            s.waits.getAt(w + TimeWaitRecord.RemoteIp, "i32"),
            s.waits.getAt(w + TimeWaitRecord.Ports, "i32"),
        ])
    }
    f.check(new Set(ids).size === ids.length, () => `ids are not unique: ${ids}`)
    for (let h = 0; h < s.halves.length; h += Half.Size) {
        if (s.halves.getAt(h + Half.Listener, "u16") > 0)
            tuples.push([s.halves.getAt(h + Half.RemoteIp, "i32"), s.halves.getAt(h + Half.Ports, "i32")])
    }
    const twice = tuples.some(([ip, ports], i) =>
        tuples.slice(0, i).some(other => other[0] === ip && other[1] === ports)
    )
    f.check(!twice, () => `two records for one connection: ${tuples.join(" ")}`)
    return f.wrong
}

function ofConnections(s: Stack, now: number): string[] {
    const wrong: string[] = []
    for (const c of s.conns) {
        const id = c.getAt(Tcb.Id, "u16")
        const state = c.getAt(Tcb.State, "u8")
        const f = new Findings(() => `connection ${id} at ${s.conns.indexOf(c)} in ${stateName(state)}`)
        if (id === 0) free(c, f)
        else if (state === State.Closed) over(s, c, f)
        else alive(s, c, state, now, f)
        wrong.push(...f.wrong)
    }
    return wrong
}

function free(c: Connection, f: Findings): void {
    const flags = c.getAt(Tcb.Flags, "u8")
    f.check(c.getAt(Tcb.State, "u8") === State.Closed, "free, and not CLOSED")
    f.check(
        (flags & (ConnFlag.Due | ConnFlag.Timer | ConnFlag.Pending | ConnFlag.Held)) === 0,
        () => `flags ${flags}`
    )
    f.check((c.getAt(Tcb.SendFlags, "u8") & SendFlag.ResetDue) === 0, "an RST is due")
    f.check(c.getAt(Tcb.Ports, "i32") === 0, "ports are left")
}

function over(s: Stack, c: Connection, f: Findings): void {
    const flags = c.getAt(Tcb.Flags, "u8")
    const resetDue = (c.getAt(Tcb.SendFlags, "u8") & SendFlag.ResetDue) !== 0
    f.check((flags & ConnFlag.Timer) === 0, "a timer is armed")
    f.check((flags & ConnFlag.Held) !== 0 || resetDue, "nobody needs it, and it is not free")
    f.check(((flags & ConnFlag.Due) !== 0) === resetDue, "Due and ResetDue differ")
    f.check(!resetDue || asked(s, c), "an RST was not sent")
    f.check(c.getAt(Tcb.SendLength, "u16") === 0, "bytes are left to send")
    receiveRing(s, c, f)
}

function receiveRing(s: Stack, c: Connection, f: Findings): void {
    const head = c.getAt(Tcb.ReceiveHead, "u16")
    const length = c.getAt(Tcb.ReceiveLength, "u16")
    f.check(head < s.receiveSize && length <= s.receiveSize, () => `receive ring ${head}+${length}`)
}

/** Whether what this connection waits for is an answer to an ARP request. */
function asked(s: Stack, c: Connection): boolean {
    const hop = nextHop(s, c.getAt(Tcb.RemoteIp, "i32"))
    for (let n = 0; n < s.neighbours.length; n += Neighbour.Size) {
        if (s.neighbours.getAt(n + Neighbour.Ip, "i32") !== hop) continue
        if (s.neighbours.getAt(n + Neighbour.State, "u8") === NeighbourState.Waiting) return true
    }
    return false
}

function alive(s: Stack, c: Connection, state: State, now: number, f: Findings): void {
    const i32 = (field: number) => c.getAt(field, "i32")
    const u16 = (field: number) => c.getAt(field, "u16")
    const flags = c.getAt(Tcb.Flags, "u8")
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    const connOptions = c.getAt(Tcb.Options, "u8")
    const timer = (flags & ConnFlag.Timer) !== 0
    const opening = state === State.SynSent || state === State.SynReceived
    const finSent = state === State.FinWait1 || state === State.Closing || state === State.LastAck

    f.check(state <= State.TimeWait && state !== State.Listen, "no such state for a connection")
    f.check((sendFlags & SendFlag.ResetDue) === 0, "an RST is due on a connection that lives")

    // sequence numbers
    const toNxt = (i32(Tcb.SndNxt) - i32(Tcb.SndUna)) | 0
    const toMax = (i32(Tcb.SndMax) - i32(Tcb.SndUna)) | 0
    f.check(toNxt >= 0 && toNxt <= toMax, () => `SND.UNA, next and SND.NXT: 0, ${toNxt}, ${toMax}`)
    f.check(
        toMax <= u16(Tcb.SendLength) + (opening || finSent ? 1 : 0),
        () => `${toMax} in flight of ${u16(Tcb.SendLength)}`
    )
    if (state !== State.SynSent) {
        const window = u16(Tcb.RcvWnd)
        f.check(
            window + u16(Tcb.ReceiveLength) <= s.receiveSize,
            () => `window ${window} and ${u16(Tcb.ReceiveLength)} unread`
        )
        f.check(u16(Tcb.SndWnd) <= u16(Tcb.MaxSndWnd), "SND.WND and its maximum")
        f.check(u16(Tcb.Mss) >= 52 && u16(Tcb.Mss) <= s.config.mtu - 40, () => `MSS ${u16(Tcb.Mss)}`)
    }

    // rings
    f.check(u16(Tcb.SendHead) < s.sendSize && u16(Tcb.SendLength) <= s.sendSize, "send ring")
    f.check(u16(Tcb.ReceiveLimit) >= 1 && u16(Tcb.ReceiveLimit) <= s.receiveSize, "receive limit")
    receiveRing(s, c, f)

    // what came ahead: in the window, in no order but apart from each other; a hole is among what is in flight
    let blocks = 0
    const spans: [number, number][] = []
    for (let b = 0; b < Ahead.All; b += Ahead.Size) {
        const start = u16(Tcb.Ahead + b + Ahead.Start)
        const end = u16(Tcb.Ahead + b + Ahead.End)
        if (end === 0) {
            // with no block at all two fields are something else (Tcb.AckAt, Tcb.Bulk)
            f.check(start === 0 || blocks === 0, "a free block with a start")
            continue
        }
        f.check(blocks === b, "a block behind a free one")
        blocks += Ahead.Size
        f.check(start > 0 && start < end, () => `block ${start} to ${end}`)
        f.check(
            end <= u16(Tcb.RcvWnd) + (connOptions & ConnOption.FinAhead ? 1 : 0),
            () => `block to ${end} beyond the window`
        )
        f.check(!spans.some(([from, to]) => start <= to && end >= from), "blocks that touch")
        spans.push([start, end])
    }
    f.check(!(connOptions & ConnOption.FinAhead) || blocks > 0, "a FIN ahead of nothing")
    const recovering = (sendFlags & SendFlag.Recovery) !== 0
    f.check(!recovering || u16(Tcb.Recover) > 1, "recovery from nothing")
    f.check(!(sendFlags & SendFlag.Resend) || recovering, "a hole without recovery")
    f.check(!recovering || u16(Tcb.RtxEnd) <= toMax, () => `hole to ${u16(Tcb.RtxEnd)} of ${toMax}`)

    // timers: whatever is not acknowledged yet, or not sent yet, is looked at again
    const owes = opening || finSent || u16(Tcb.SendLength) > 0
    f.check(!owes || timer, "something is to be sent or acknowledged, and no timer is armed")
    f.check(state !== State.TimeWait || timer, "TIME-WAIT without end")
    f.check(
        !TIME_WAIT_RECORDS ||
            state !== State.TimeWait ||
            (flags & ConnFlag.Held) !== 0 ||
            !isKnown(s, nextHop(s, i32(Tcb.RemoteIp))),
        "a whole record for TIME-WAIT that nobody holds"
    )
    f.check(
        state !== State.FinWait2 || timer === ((flags & ConnFlag.ReadClosed) !== 0),
        "the timer of FIN-WAIT-2"
    )
    if (state === State.Established || state === State.CloseWait)
        f.check(
            owes || timer === ((connOptions & ConnOption.KeepAlive) !== 0),
            "a timer for nothing, or no keep-alive"
        )
    if ((flags & ConnFlag.AckDelayed) !== 0) {
        const wait = (u16(Tcb.AckAt) - now) & 0xffff
        if ((flags & ConnFlag.AckNow) === 0) {
            f.check(wait > 0 && wait <= s.config.delayedAck, "a delayed ACK and its deadline")
            f.check(s.timerArmed && ((now + wait - s.nextTimer) | 0) >= 0, "nobody looks at the delayed ACK")
        }
    }
    if (timer) {
        const wait = (i32(Tcb.Deadline) - now) | 0
        f.check(wait > 0, "a timer is overdue")
        f.check(s.timerArmed && ((i32(Tcb.Deadline) - s.nextTimer) | 0) >= 0, "nobody looks at its timer")
    }
    const lowest = Math.min(s.config.rtoMin, s.config.rtoInitial)
    f.check(u16(Tcb.Rto) >= lowest && u16(Tcb.Rto) <= Math.max(s.config.rtoMax, s.config.rtoInitial), "RTO")

    // who has it
    const held = (flags & ConnFlag.Held) !== 0
    const pending = (flags & ConnFlag.Pending) !== 0
    f.check(!(held && pending), "accepted and not")
    f.check(held || pending || (flags & ConnFlag.ReadClosed) !== 0, "nobody has it, and nobody closed it")
    f.check(!pending || listenerIds(s).includes(u16(Tcb.Listener)), "waits for a listener that is gone")

    // what is due waits for ARP; an ACK that nobody answered for waits for the peer to come back
    const due =
        (flags & (ConnFlag.Due | ConnFlag.AckNow)) !== 0 ||
        (sendFlags & (SendFlag.Probe | SendFlag.Resend)) !== 0
    f.check(!due || !isKnown(s, nextHop(s, i32(Tcb.RemoteIp))), "something due was not sent")
}

function listenerIds(s: Stack): number[] {
    const ids: number[] = []
    for (let l = 0; l < s.listeners.length; l += Listener.Size)
        ids.push(s.listeners.getAt(l + Listener.Id, "u16"))
    return ids
}

function ofHalves(s: Stack, now: number): string[] {
    const wrong: string[] = []
    for (let h = 0; h < s.halves.length; h += Half.Size) {
        const listener = s.halves.getAt(h + Half.Listener, "u16")
        if (listener === 0) continue
        const f = new Findings(() => `half-open record at ${h}`)
        const deadline = s.halves.getAt(h + Half.Deadline, "i32")
        f.check(listenerIds(s).includes(listener), "its listener is gone")
        f.check(
            s.halves.getAt(h + Half.Retries, "u8") <= Math.max(1, s.config.synAckRetries),
            "too many retries"
        )
        f.check(((deadline - now) | 0) > 0, "its timer is overdue")
        f.check(s.timerArmed && ((deadline - s.nextTimer) | 0) >= 0, "nobody looks at its timer")
        const due = s.halves.getAt(h + Half.Flags, "u8") & (HalfFlag.Due | HalfFlag.Challenge)
        const known = isKnown(s, nextHop(s, s.halves.getAt(h + Half.RemoteIp, "i32")))
        f.check(due === 0 || !known, "something due was not sent")
        wrong.push(...f.wrong)
    }
    return wrong
}

function ofWaits(s: Stack, now: number): string[] {
    const wrong: string[] = []
    const f = new Findings("TIME-WAIT records")
    f.check(
        s.waitsEnd % TimeWaitRecord.Size === 0 && s.waitsEnd <= s.waits.length,
        () => `they end at ${s.waitsEnd}`
    )
    for (let w = 0; w < s.waits.length; w += TimeWaitRecord.Size) {
        if (s.waits.getAt(w + TimeWaitRecord.Id, "u16") === 0) continue
        f.check(w < s.waitsEnd, () => `record at ${w} is behind the end`)
        const left =
            ((s.waits.getAt(w + TimeWaitRecord.Deadline, "u16") - (now >> TimeWaitRecord.Shift)) << 16) >> 16
        f.check(left > 0, () => `the timer of the record at ${w} is overdue`)
        f.check(s.timerArmed, "nobody looks at it")
    }
    wrong.push(...f.wrong)
    return wrong
}

function isKnown(s: Stack, hop: number): boolean {
    for (let n = 0; n < s.neighbours.length; n += Neighbour.Size) {
        if (s.neighbours.getAt(n + Neighbour.Ip, "i32") !== hop) continue
        if (s.neighbours.getAt(n + Neighbour.State, "u8") >= NeighbourState.Known) return true
    }
    return false
}

function ofNeighbours(s: Stack, now: number): string[] {
    const f = new Findings("neighbours")
    const addresses: number[] = []
    for (let n = 0; n < s.neighbours.length; n += Neighbour.Size) {
        const state = s.neighbours.getAt(n + Neighbour.State, "u8")
        f.check(state <= NeighbourState.Doubting, () => `no such state: ${state}`)
        if (state === NeighbourState.Free) continue
        addresses.push(s.neighbours.getAt(n + Neighbour.Ip, "i32"))
        f.check(s.neighbours.getAt(n + Neighbour.Tries, "u8") <= 3, "asked too often")
        f.check((s.neighbours.getAt(n + Neighbour.Mac, "u8") & 1) === 0, "a group address")
        const due = state === NeighbourState.Asking || state === NeighbourState.Doubted
        f.check(!due, "a request was not sent")
        if (state === NeighbourState.Waiting || state === NeighbourState.Doubting) {
            const field = state === NeighbourState.Waiting ? Neighbour.Time : Neighbour.Heard
            const deadline = s.neighbours.getAt(n + field, "i32")
            f.check(((deadline - now) | 0) > 0, "a request is overdue")
            f.check(s.timerArmed && ((deadline - s.nextTimer) | 0) >= 0, "nobody looks at a request's timer")
        }
    }
    f.check(new Set(addresses).size === addresses.length, "two records for one address")
    return f.wrong
}
