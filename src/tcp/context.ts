// What TCP's functions work on: the tables, the rings and the two frame buffers, all taken once at start.

import { Buffer } from "@devicescript/core"
import { randomBuffer } from "@devicescript/crypto"
import { Counter } from "../base/counters"
import { EventRing } from "../base/events"
import { COUNTERS, EVENTS, PASSIVE_OPENS } from "../features"
import { Options } from "../wire/tcp"
import type { Config } from "./config"
import { Half, Listener, Pace, Seg, Tcb, Wait } from "./records"

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
