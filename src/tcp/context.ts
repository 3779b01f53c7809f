// The memory that TCP's functions work on: tables of records, rings and the two frame buffers, all allocated once at start.

import { Buffer } from "@devicescript/core"
import { randomBuffer } from "@devicescript/crypto"
import { Counter } from "../base/counters"
import { EventRing } from "../base/events"
import { COUNTERS, EVENTS, PASSIVE_OPENS } from "../features"
import type { Config } from "./config"
import { Half, Listener, Pace, Seg, Tcb, TimeWaitRecord } from "./records"

/** Offsets of the headers in both frames: receive.ts leaves out a VLAN tag and IP options before it hands a segment to TCP. */
export const enum Frame {
    Ip = 14,
    Transport = 34,
}

/**
 * A peer with a shut window is probed within half of the user timeout, so that it can answer: milliseconds per second of the
 * timeout.
 */
export const enum ShutWindowProbe {
    Within = 500,
}

/** What TcpContext.touched is if not the one connection that has changed. */
export const enum Touched {
    None = -2,
    /** Several connections may have changed. */
    Several = -1,
}

/** The result of a SYN for a connection in TIME-WAIT. */
export const enum Reopened {
    /** The SYN does not reopen the connection, and the caller still has to handle it. */
    No = 0,
    /** The SYN would reopen the connection, but was dropped: the peer sends it again. */
    NotNow = 1,
    /** The SYN has reopened the connection: the caller frees the old record. */
    Yes = 2,
}

/**
 * Passive opens (listen.ts). The first listener creates the object with this code, so a program that never listens does not
 * contain it.
 */
export interface Passive {
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
    /** When `runPace` last looked at all connections (slow-clients.ts). */
    paceTime: number
    /** Milliseconds from then to the next look, while records are not scarce. */
    pacePeriod: number
    /** A client found all connection records taken, and no record has been free since. */
    scarce: boolean
}

/** A connection's record: its fields at the offsets of Tcb, its send ring, its receive ring, its record of Pace. */
export type Connection = Buffer

/** TCP's memory. The fields that every segment needs come first because the VM searches an object's properties in order. */
export class TcpContext {
    /** Table of connections. */
    readonly conns: Connection[] = []
    /** The frame that was received. */
    readonly rx: Buffer
    /** The frame to be sent. */
    readonly tx: Buffer
    /**
     * The end of the records in use in each table, for connections their number: all records after it are free, so searches end
     * there.
     */
    connsEnd = 0
    halvesEnd = 0
    waitsEnd = 0
    readonly counters: Buffer
    /** Undefined in a build without the feature EVENTS. */
    readonly events!: EventRing
    /** Bytes of a send ring. */
    readonly sendSize: number
    /** Bytes of a receive ring. */
    readonly receiveSize: number
    /** This host's address as the wire has it, 0 while it has none. */
    ip = 0
    /** This network's broadcast address; 255.255.255.255 while the host has no address. */
    broadcast = -1
    /** Network mask as the wire has it. */
    netmask = 0
    /** True when a connection may have ConnFlag.Due set, or a half-open record HalfFlag.Due or Challenge. */
    dirty = false
    /** When the earliest of all timers expires, if `timerArmed`. */
    nextTimer = 0
    timerArmed = false
    /** Length of a segment without a connection (an RST, a SYN cookie) that waits in `tx`; 0 = none. */
    replyLength = 0
    /** The address of the peer that this segment goes to. */
    replyIp = 0
    /** Length of a whole frame, an ARP or ICMP answer, that waits in `tx`; 0 = none. */
    frameLength = 0
    /** The segment that is being handled: a record of Seg, and the options parsed last. */
    readonly segment = Buffer.alloc(Seg.Size)
    /** Table of half-open connections: records of Half. */
    readonly halves: Buffer
    /** Undefined until the program listens. */
    passive: Passive | undefined = undefined
    /** Table of connections in TIME-WAIT that no program holds: records of Wait. */
    readonly waits: Buffer
    /** Table of listeners: records of Listener. */
    readonly listeners: Buffer
    /**
     * The key and the four-tuple that sequence numbers and ports are hashed from (secret-numbers.ts); at first random bytes and
     * the Ethernet address.
     */
    readonly hashInput = Buffer.alloc(36)
    /** Counts the ports that were tried, for RFC 6056 section 3.3.3. */
    portCounter = 0
    /** The id that was assigned last. */
    lastId = 0
    /** The largest id that was given. */
    topId = 0
    /** A connection may wait to be accepted. */
    arrived = false
    /** The index of the connection that was found last. */
    found = 0
    /** The index of the connection that has changed since a program's sockets were last checked (socket/waiting.ts), or Touched. */
    touched: number = Touched.None
    /** The connection that `transmit` begins with when it looks for one that is due, undefined when none is. */
    next: Connection | undefined = undefined
    /** The index at which it continues. */
    cursor = 0
    /** The period in which the last challenge ACK was sent (challenge-ack.ts). */
    challengePeriod = 0
    /** When the last SYN cookie was sent, if `cookies` (syn-cookie.ts). */
    cookieTime = 0
    /** True while a SYN cookie that was sent may still come back. */
    cookies = false

    constructor(
        readonly config: Config,
        frameSize: number
    ) {
        this.sendSize = config.sendBuffer
        this.receiveSize = config.receiveBuffer
        // a received frame may have a VLAN tag of four bytes
        this.rx = Buffer.alloc(frameSize + 4)
        this.tx = Buffer.alloc(frameSize)
        this.counters = Buffer.alloc(COUNTERS ? Counter.Size : 0)
        if (EVENTS) this.events = new EventRing(config.events)
        const pace = PASSIVE_OPENS ? Pace.Size : 0
        for (let i = 0; i < config.connections; i++)
            this.conns.push(Buffer.alloc(Tcb.Size + config.sendBuffer + config.receiveBuffer + pace))
        this.halves = Buffer.alloc(config.halfOpen * Half.Size)
        this.waits = Buffer.alloc(config.timeWaits * TimeWaitRecord.Size)
        this.listeners = Buffer.alloc(config.listeners * Listener.Size)
        this.hashInput.blitAt(0, randomBuffer(16), 0, 16)
    }
}
