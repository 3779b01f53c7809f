// What TCP's functions work on: the tables, the rings and the two frame buffers, all taken once at start.

import { Buffer } from "@devicescript/core"
import { randomBuffer } from "@devicescript/crypto"
import { swap16 } from "../base/bytes"
import { Counter } from "../base/counters"
import { Event, EventKind, EventRing } from "../base/events"
import { COUNTERS, EVENTS, PASSIVE_OPENS, TIME_WAIT_RECORDS, USER_TIMEOUT } from "../features"
import { Flag, MssOption, Options, parseOptions, Tcp } from "../wire/tcp"
import type { Config } from "./config"
import { ConnFlag, ConnFlag2, ConnFlag3, Half, Listener, Pace, State, Tcb, TcpError, Wait } from "./records"
import { Seg } from "./segment"

/** Where headers stand in the transmit frame: neither IP nor Ethernet has options there. */
export const enum Frame {
    Ip = 14,
    Transport = 34,
}

/** A peer that keeps its window shut is asked within half of a user timeout, so that it can answer: ms for each second. */
export const enum Ask {
    Within = 500,
}

/** What became of a SYN that came for a connection in TIME-WAIT. */
export const enum Reopened {
    /** It does not open that anew, and is still to be handled. */
    No = 0,
    /** It might have, but was dropped: it comes again. */
    NotNow = 1,
    /** It did: the old record is to go. */
    Yes = 2,
}

/** Passive opens (listen.ts): who only connects has none of them in its image. */
export interface Passive {
    listenerFor(t: TcpContext, ports: number): number
    halfOpenFor(t: TcpContext, remoteIp: number, ports: number): number
    closeListener(t: TcpContext, id: number, now: number): boolean
    listenArrives(t: TcpContext, l: number, now: number): void
    halfOpenArrives(t: TcpContext, h: number, now: number): void
    reopen(
        t: TcpContext,
        rcvNxt: number,
        stamped: boolean,
        tsRecent: number,
        used: number,
        now: number
    ): Reopened
    runHalfTimers(t: TcpContext, now: number): void
    runPace(t: TcpContext, now: number): void
    halfOpenOut(t: TcpContext, h: number, now: number): number
    /** When all connections were looked at last (pace.ts), and milliseconds from then to the next look while none is scarce. */
    paceTime: number
    pacePeriod: number
    /** Somebody found all connection records taken, and none was free since. */
    scarce: boolean
}

/** TCP's memory. The fields that every segment needs come first: the VM searches an object's properties in order. */
export class TcpContext {
    /** Connections: records of Tcb. */
    readonly conns: Buffer
    /** The frame being received, and the frame to be sent. */
    readonly rx: Buffer
    readonly tx: Buffer
    /** Where the records in use end: behind them all are free, and no search looks there. */
    connsEnd = 0
    halvesEnd = 0
    waitsEnd = 0
    readonly counters: Buffer
    /** There with EVENTS. */
    readonly events!: EventRing
    /** Send and receive ring of each connection, one after the other. */
    readonly rings: Buffer
    readonly sendSize: number
    readonly receiveSize: number
    /** This host's address as the wire has it; 0 while it has none. */
    ip = 0
    /** This network's broadcast address; that of all networks while it has none of its own. */
    broadcast = -1
    /** Network mask as the wire has it. */
    netmask = 0
    /** Some record has ConnFlag.Due, or a half-open one HalfFlag.Due. */
    dirty = false
    /** The earliest of all timers, when `timerArmed`. */
    nextTimer = 0
    timerArmed = false
    /** A segment without a connection (an RST, a SYN cookie) stands in `tx` for `replyIp`: its length. */
    replyLength = 0
    replyIp = 0
    /** An answer that is not TCP's stands in `tx`, a whole frame: its length. */
    frameLength = 0
    /** The segment being handled: a record of Seg. */
    readonly segment = Buffer.alloc(Seg.Size)
    /** Half-open connections: records of Half. */
    readonly halves: Buffer
    /** What connections move: records of Pace, in the same order. */
    readonly pace: Buffer
    /** There from the first listener on. */
    passive: Passive | undefined = undefined
    /** Connections in TIME-WAIT that no program holds: records of Wait. */
    readonly waits: Buffer
    /** Listeners: records of Listener. */
    readonly listeners: Buffer
    /** Scratch for the options of a SYN. */
    readonly options = Buffer.alloc(Options.Size)
    /** Key and four-tuple that sequence numbers and ports are hashed from; random bytes and the Ethernet address at first (secret-numbers.ts). */
    readonly hashInput = Buffer.alloc(36)
    /** Counts connections opened, for RFC 6056 section 3.3.3. */
    portCounter = 0
    lastId = 0
    /** Connection that goes first in the next look for something to send. */
    cursor = 0
    /** The period in which challenge ACKs were sent last (challenge-ack.ts). */
    challengePeriod = 0
    /** When the last SYN cookie was sent, when `cookies`: one that comes back later than it may is none (syn-cookie.ts). */
    cookieTime = 0
    cookies = false

    constructor(
        readonly config: Config,
        frameSize: number
    ) {
        this.sendSize = config.sendBuffer
        this.receiveSize = config.receiveBuffer
        // a frame that is received may have a VLAN tag
        this.rx = Buffer.alloc(frameSize + 4)
        this.tx = Buffer.alloc(frameSize)
        this.counters = Buffer.alloc(COUNTERS ? Counter.Size : 0)
        if (EVENTS) this.events = new EventRing(config.events)
        this.conns = Buffer.alloc(config.connections * Tcb.Size)
        this.rings = Buffer.alloc(config.connections * (config.sendBuffer + config.receiveBuffer))
        this.pace = Buffer.alloc(PASSIVE_OPENS ? config.connections * Pace.Size : 0)
        this.halves = Buffer.alloc(config.halfOpen * Half.Size)
        this.waits = Buffer.alloc(config.timeWaits * Wait.Size)
        this.listeners = Buffer.alloc(config.listeners * Listener.Size)
        this.hashInput.blitAt(0, randomBuffer(16), 0, 16)
    }
}

/** Adds one to a counter. */
export function count(t: TcpContext, counter: Counter): void {
    if (COUNTERS) t.counters.setAt(counter, "i32", (t.counters.getAt(counter, "i32") + 1) | 0)
}

/** Counts what was dropped, and tells it. */
export function drop(t: TcpContext, reason: Counter, now: number): void {
    if (COUNTERS) count(t, reason)
    if (EVENTS) {
        if (!t.events.on) return
        const record = t.events.record
        record.fillAt(0, Event.Size, 0)
        record.setAt(Event.Time, "i32", now)
        record.setAt(Event.Kind, "u8", EventKind.Drop)
        record.setAt(Event.Mss, "u16", reason)
        t.events.push()
    }
}

/**
 * Tells of a segment of `length` bytes at `at` in the receive frame (SegmentIn) or the transmit frame (SegmentOut), of the
 * connection `id` in `state`.
 */
export function traceSegment(
    t: TcpContext,
    kind: EventKind,
    at: number,
    length: number,
    id: number,
    state: State,
    remoteIp: number,
    now: number
): void {
    // flat on purpose, part of the path of every segment while events are on
    const b = kind === EventKind.SegmentIn ? t.rx : t.tx
    const record = t.events.record
    const header = (b.getAt(at + Tcp.DataOffset, "u8") >> 4) << 2
    let mss = 0
    if (b.getAt(at + Tcp.Flags, "u8") & Flag.Syn) {
        // nearly everybody's first option, ours too: then the others need not be parsed for it
        if (header > Tcp.Size && b.getAt(at + Tcp.Size, "u16") === MssOption.Start) {
            mss = (b.getAt(at + Tcp.Size + 2, "u8") << 8) | b.getAt(at + Tcp.Size + 3, "u8")
        } else {
            parseOptions(b, at + Tcp.Size, at + header, t.options)
            mss = t.options.getAt(Options.MaximumSegmentSize, "u16")
        }
    }
    record.blitAt(Event.Ports, b, at, Tcp.Checksum)
    if (kind === EventKind.SegmentOut) {
        const ports = b.getAt(at, "i32")
        record.setAt(Event.Ports, "i32", (ports << 16) | ((ports >> 16) & 0xffff))
    }
    record.setAt(Event.Time, "i32", now)
    record.setAt(Event.Kind, "u8", kind)
    record.setAt(Event.After, "u8", state)
    record.setAt(Event.Mss, "u16", mss)
    record.setAt(Event.Id, "u16", id)
    record.setAt(Event.Length, "u16", length - header)
    record.setAt(Event.RemoteIp, "i32", remoteIp)
    t.events.push()
}

/** Tells of a change of state. `id` is 0 for a half-open connection. */
export function traceState(
    t: TcpContext,
    id: number,
    before: State,
    after: State,
    remoteIp: number,
    ports: number,
    now: number
): void {
    if (EVENTS) {
        if (!t.events.on) return
        const record = t.events.record
        record.fillAt(0, Event.Size, 0)
        record.setAt(Event.Time, "i32", now)
        record.setAt(Event.Kind, "u8", EventKind.State)
        record.setAt(Event.Before, "u8", before)
        record.setAt(Event.After, "u8", after)
        record.setAt(Event.Id, "u16", id)
        record.setAt(Event.RemoteIp, "i32", remoteIp)
        record.setAt(Event.Ports, "i32", ports)
        t.events.push()
    }
}

/** Source and destination the other way round. */
export function swapPorts(ports: number): number {
    return (ports << 16) | ((ports >> 16) & 0xffff)
}

/** Moves a connection to another state. */
export function setState(t: TcpContext, c: number, state: State, now: number): void {
    const conns = t.conns
    const before = conns.getAt(c + Tcb.State, "u8")
    conns.setAt(c + Tcb.State, "u8", state)
    if (EVENTS) {
        traceState(
            t,
            conns.getAt(c + Tcb.Id, "u16"),
            before,
            state,
            conns.getAt(c + Tcb.RemoteIp, "i32"),
            conns.getAt(c + Tcb.Ports, "i32"),
            now
        )
    }
}

/** Sets bits of ConnFlag, and sees to it that the connection is looked at by the next transmit. */
export function setDue(t: TcpContext, c: number, flags: number): void {
    t.conns.setAt(c + Tcb.Flags, "u8", t.conns.getAt(c + Tcb.Flags, "u8") | flags | ConnFlag.Due)
    t.dirty = true
}

/** Arms a connection's timer. */
export function armTimer(t: TcpContext, c: number, now: number, ms: number): void {
    const conns = t.conns
    conns.setAt(c + Tcb.Flags, "u8", conns.getAt(c + Tcb.Flags, "u8") | ConnFlag.Timer)
    conns.setAt(c + Tcb.Deadline, "i32", (now + ms) | 0)
    noteTimer(t, (now + ms) | 0)
}

/** Arms it for what is to be acknowledged by then. A user timeout does not wait for that (RFC 9293 section 3.10.8). */
export function armRto(t: TcpContext, c: number, now: number): void {
    // flat on purpose, part of the path of every segment with text
    const conns = t.conns
    const deadline = (now + conns.getAt(c + Tcb.Rto, "u16")) | 0
    conns.setAt(c + Tcb.Flags, "u8", conns.getAt(c + Tcb.Flags, "u8") | ConnFlag.Timer)
    conns.setAt(c + Tcb.Deadline, "i32", deadline)
    noteTimer(t, deadline)
    if (USER_TIMEOUT) {
        if (conns.getAt(c + Tcb.UserTimeout, "u16") > 0) hasten(t, c, 1000)
    }
}

/** Has the timer expire when `ms` for each second of the user timeout have passed without progress, if it would later. */
export function hasten(t: TcpContext, c: number, ms: number): void {
    const conns = t.conns
    // until it is accepted the field is the listener's id
    if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending) return
    const end = (conns.getAt(c + Tcb.Progress, "i32") + conns.getAt(c + Tcb.UserTimeout, "u16") * ms) | 0
    if (((conns.getAt(c + Tcb.Deadline, "i32") - end) | 0) <= 0) return
    conns.setAt(c + Tcb.Deadline, "i32", end)
    noteTimer(t, end)
}

export function stopTimer(t: TcpContext, c: number): void {
    t.conns.setAt(c + Tcb.Flags, "u8", t.conns.getAt(c + Tcb.Flags, "u8") & ~ConnFlag.Timer)
}

/** True when nothing is in flight nor waits to be sent: the timer is free for keep-alive. */
export function isIdle(t: TcpContext, c: number): boolean {
    const conns = t.conns
    const state = conns.getAt(c + Tcb.State, "u8")
    if (state !== State.Established) {
        if (state !== State.CloseWait) return false
    }
    if (conns.getAt(c + Tcb.SendLength, "u16") > 0) return false
    return conns.getAt(c + Tcb.SndMax, "i32") === conns.getAt(c + Tcb.SndUna, "i32")
}

/** Makes sure that timers are looked at when `deadline` comes. */
export function noteTimer(t: TcpContext, deadline: number): void {
    if (!t.timerArmed || ((deadline - t.nextTimer) | 0) < 0) {
        t.timerArmed = true
        t.nextTimer = deadline
    }
}

/**
 * Takes a record for a connection, cleared and with an id of its own: a free one, else the one that has been longest in
 * TIME-WAIT and holds nothing that a program has still to read. -1 when there is neither.
 */
export function allocate(t: TcpContext, now: number): number {
    const conns = t.conns
    let oldest = -1
    let oldestHeld = 0
    const end = t.connsEnd
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Id, "u16") === 0) return prepare(t, c)
        if (conns.getAt(c + Tcb.State, "u8") !== State.TimeWait) continue
        const held = conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Held
        if (held > 0) {
            if (conns.getAt(c + Tcb.ReceiveLength, "u16") > 0) continue
        }
        const deadline = conns.getAt(c + Tcb.Deadline, "i32")
        if (
            oldest < 0 ||
            held < oldestHeld ||
            (held === oldestHeld && ((deadline - conns.getAt(oldest + Tcb.Deadline, "i32")) | 0) < 0)
        ) {
            oldest = c
            oldestHeld = held
        }
    }
    if (end < conns.length) {
        t.connsEnd = end + Tcb.Size
        return prepare(t, end)
    }
    if (oldest < 0) {
        if (PASSIVE_OPENS) {
            if (t.passive) {
                t.passive.scarce = true
                // the next look (pace.ts) may be far away
                noteTimer(t, (now + 1000) | 0)
            }
        }
        return -1
    }
    setState(t, oldest, State.Closed, now)
    return prepare(t, oldest)
}

function prepare(t: TcpContext, c: number): number {
    const conns = t.conns
    conns.fillAt(c, Tcb.Size, 0)
    conns.setAt(c + Tcb.Id, "u16", newId(t))
    conns.setAt(c + Tcb.Rto, "u16", t.config.rtoInitial)
    conns.setAt(c + Tcb.ReceiveLimit, "u16", t.receiveSize)
    if (t.config.nagle === 0) conns.setAt(c + Tcb.Flags3, "u8", ConnFlag3.NoDelay)
    return c
}

/** An id that neither a connection nor a listener has. */
export function newId(t: TcpContext): number {
    let id = t.lastId
    id = id === 0xffff ? 1 : id + 1
    while (findConnection(t, id) >= 0 || findListener(t, id) >= 0 || findWaitId(t, id) >= 0)
        id = id === 0xffff ? 1 : id + 1
    t.lastId = id
    return id
}

/** The record of the connection with this id, -1 when there is none. */
export function findConnection(t: TcpContext, id: number): number {
    const conns = t.conns
    if (id <= 0) return -1
    const end = t.connsEnd
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Id, "u16") === id) return c
    }
    return -1
}

/** The record of TIME-WAIT with this id, -1 when there is none. */
export function findWaitId(t: TcpContext, id: number): number {
    if (TIME_WAIT_RECORDS) {
        const waits = t.waits
        if (id <= 0) return -1
        const end = t.waitsEnd
        for (let w = 0; w < end; w += Wait.Size) {
            if (waits.getAt(w + Wait.Id, "u16") === id) return w
        }
    }
    return -1
}

/** The record of the connection that is not CLOSED and has this peer and these ports, -1 when there is none. */
export function findTuple(t: TcpContext, remoteIp: number, ports: number): number {
    const conns = t.conns
    const end = t.connsEnd
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Ports, "i32") === ports) {
            if (conns.getAt(c + Tcb.RemoteIp, "i32") === remoteIp) {
                if (conns.getAt(c + Tcb.State, "u8") !== State.Closed) return c
            }
        }
    }
    return -1
}

/** Two ports as Tcb.Ports has them: remote, local, in network order. */
export function joinPorts(remote: number, local: number): number {
    return swap16(remote) | (swap16(local) << 16)
}

/** The record of the listener with this id, -1 when there is none. */
export function findListener(t: TcpContext, id: number): number {
    const listeners = t.listeners
    if (id <= 0) return -1
    for (let l = 0; l < listeners.length; l += Listener.Size) {
        if (listeners.getAt(l + Listener.Id, "u16") === id) return l
    }
    return -1
}

/** The connection's own room in the rings: its send ring starts there, its receive ring `sendSize` later. */
export function ringsOf(t: TcpContext, c: number): number {
    return Math.idiv(c, Tcb.Size) * (t.sendSize + t.receiveSize)
}

/**
 * Ends a connection: CLOSED, with the error the program will see. Its record is free again at once unless the program
 * still holds it or an RST is to be sent. What the peer had delivered stays readable for whoever holds it.
 */
export function closed(t: TcpContext, c: number, error: TcpError, now: number): void {
    const conns = t.conns
    setState(t, c, State.Closed, now)
    const flags = conns.getAt(c + Tcb.Flags, "u8")
    conns.setAt(c + Tcb.Error, "u8", -error)
    conns.setAt(c + Tcb.Flags, "u8", flags & ConnFlag.Held)
    conns.setAt(c + Tcb.SendLength, "u16", 0)
    if (EVENTS ? error !== TcpError.None : false) {
        if (t.events.on) {
            t.events.record.setAt(Event.Kind, "u8", EventKind.Failed)
            t.events.record.setAt(Event.Before, "u8", -error)
            t.events.push()
        }
    }
    release(t, c)
}

/** Frees the record of a connection in CLOSED that nobody needs any more. */
export function release(t: TcpContext, c: number): void {
    const conns = t.conns
    if (conns.getAt(c + Tcb.State, "u8") !== State.Closed) return
    if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Held) return
    if (conns.getAt(c + Tcb.Flags2, "u8") & ConnFlag2.ResetDue) return
    conns.setAt(c + Tcb.Id, "u16", 0)
    conns.setAt(c + Tcb.Ports, "i32", 0)
    while (t.connsEnd > 0 && conns.getAt(t.connsEnd - Tcb.Size + Tcb.Id, "u16") === 0) t.connsEnd -= Tcb.Size
    if (t.cursor >= t.connsEnd) t.cursor = 0
}

/** Ends a connection with an RST to the peer (RFC 9293 section 3.10.5). */
export function reset(t: TcpContext, c: number, error: TcpError, now: number): void {
    const conns = t.conns
    // a probe or a FIN into a shut window was not taken: only the number the peer expects resets (RFC 5961 section 3)
    if (conns.getAt(c + Tcb.SndWnd, "u16") === 0) {
        if (conns.getAt(c + Tcb.State, "u8") !== State.SynReceived) {
            conns.setAt(c + Tcb.SndMax, "i32", conns.getAt(c + Tcb.SndUna, "i32"))
        }
    }
    conns.setAt(c + Tcb.Flags2, "u8", conns.getAt(c + Tcb.Flags2, "u8") | ConnFlag2.ResetDue)
    closed(t, c, error, now)
    setDue(t, c, 0)
}
