// Loses, delays, duplicates, reorders and corrupts the frames on a line, from a seed and on any clock.
//
// The fate of a frame is decided when it is sent, by a fixed number of draws per kind of impairment, each kind from its own
// generator. So the fate of the n-th frame on a path depends on the seed, the path and n, not on other traffic or other settings.

import type { Impairments } from "../options/impair"
import type { Clock, Timer } from "../time/clock"
import type { Random } from "../time/random"

export { type Impairments, noImpairments, parseImpair } from "../options/impair"

/** The counters of a line, in frames. */
export interface LineCounters {
    /** Frames that senders put on the line. */
    sent: number
    /** Frames handed to receivers; each receiver and each copy counts. */
    delivered: number
    lost: number
    duplicated: number
    /** Frames that arrived after a frame that was sent later. */
    reordered: number
    corrupted: number
    /** Frames dropped because the sender's queue was full. */
    queueDrops: number
}

/** Returns counters at zero. */
export function lineCounters(): LineCounters {
    return { sent: 0, delivered: 0, lost: 0, duplicated: 0, reordered: 0, corrupted: 0, queueDrops: 0 }
}

/** The fate of one frame on its way to one receiver. */
export interface Fate {
    /**
     * Why the frame never arrives: it is lost, the sender's queue was full, a firewall on the way drops it, or it is too long for a link
     * on the way. Undefined when it arrives.
     */
    readonly lost: "loss" | "queue" | "filter" | "mtu" | undefined
    /** Time of arrival on the clock, ms; the latest possible one for a held frame, Infinity for a lost frame. */
    readonly arrives: number
    /** The number of copies that arrive: 0, 1 or 2. */
    readonly copies: number
    readonly corrupted: boolean
    /** The bit of the frame that the line has flipped; undefined if it is not corrupted. */
    readonly bit?: number
    /** True when the frame is held back so that later frames pass it. */
    readonly held: boolean
}

/** The length of a sender's queue, in frames; 64 frames of full size are 79 ms at 10 Mbit/s. */
export const QUEUE_FRAMES = 64
/**
 * The bytes that a frame occupies on the wire in addition to its own: preamble and start (8), frame check sequence (4),
 * interframe gap (12).
 */
const OVERHEAD_BYTES = 24
/** Shorter frames are padded to this length on the wire. */
const MINIMUM_BYTES = 60
/** The time after which a held frame is released even if too few frames have passed it, ms. */
export const HOLD_MS = 50
const MAX_PASSED_BY = 3

/** The sender's end of a line: frames leave one after the other at the line's rate. */
export class Transmitter {
    private readonly departures: number[] = []

    /** Creates the end of a line, whose `rate` in bit/s may change at any time; 0 is no limit. */
    constructor(private readonly line: Pick<Readonly<Impairments>, "rate">) {}

    /** Queues a frame of `length` bytes at `now` (ms); returns when it has left, or undefined when the queue is full. */
    transmit(length: number, now: number): number | undefined {
        const { rate } = this.line
        if (rate === 0) return now
        while (this.departures.length > 0 && this.departures[0]! <= now) this.departures.shift()
        // the frame that is on the wire is not in the queue
        if (this.departures.length > QUEUE_FRAMES) return undefined
        const bits = (Math.max(length, MINIMUM_BYTES) + OVERHEAD_BYTES) * 8
        const departs = Math.max(now, this.departures.at(-1) ?? 0) + (bits * 1000) / rate
        this.departures.push(departs)
        return departs
    }
}

interface Held {
    deliver: () => void
    arrival: number
    /** The number of frames that still have to pass the held frame. */
    toPass: number
    /** Arrival of the first frame that passes the held frame, ms. */
    passedAt: number
    timer: Timer
}

/** The path from one sender to one receiver. */
export class Path {
    private readonly lossDraws: Random
    private readonly jitterDraws: Random
    private readonly dupDraws: Random
    private readonly reorderDraws: Random
    private readonly corruptDraws: Random
    private readonly timers = new Set<Timer>()
    private readonly held = new Set<Held>()
    private lastArrival = 0

    /** Creates a path with its own generator. `deliver` receives each frame, in new bytes, when it arrives. */
    constructor(
        private readonly clock: Clock,
        private readonly impairments: Readonly<Impairments>,
        random: Random,
        private readonly counters: LineCounters,
        private readonly deliver: (frame: Uint8Array) => void
    ) {
        this.lossDraws = random.fork("loss")
        this.jitterDraws = random.fork("jitter")
        this.dupDraws = random.fork("dup")
        this.reorderDraws = random.fork("reorder")
        this.corruptDraws = random.fork("corrupt")
    }

    /** Sends a copy of a frame that leaves its sender at `departs` (ms); returns the frame's fate. */
    send(frame: Uint8Array, departs: number): Fate {
        const { loss, delay, jitter, dup, reorder, corrupt } = this.impairments
        const lost = this.lossDraws.next() < loss
        const wobble = (2 * this.jitterDraws.next() - 1) * jitter
        const copies = this.dupDraws.next() < dup ? 2 : 1
        const held = this.reorderDraws.next() < reorder
        const letsPass = 1 + this.reorderDraws.integer(MAX_PASSED_BY)
        const corrupted = this.corruptDraws.next() < corrupt
        const bit = this.corruptDraws.integer(frame.length * 8)
        if (lost) {
            this.counters.lost++
            return lostBy("loss")
        }
        const bytes = frame.slice()
        if (corrupted) {
            flip(bytes, bit)
            this.counters.corrupted++
        }
        if (copies > 1) this.counters.duplicated++
        const deliver = () => {
            this.counters.delivered += copies
            if (copies > 1) this.deliver(bytes.slice())
            this.deliver(bytes)
        }
        const arrival = Math.max(departs + Math.max(0, delay + wobble), this.lastArrival)
        if (held) this.hold(deliver, arrival, letsPass)
        else this.schedule(deliver, arrival)
        const arrives = held ? arrival + HOLD_MS : arrival
        return { lost: undefined, arrives, copies, corrupted, held, ...(corrupted ? { bit } : {}) }
    }

    /** Drops the frames on their way. */
    close(): void {
        for (const timer of this.timers) timer.cancel()
        this.timers.clear()
        this.held.clear()
    }

    private schedule(deliver: () => void, arrival: number): void {
        this.lastArrival = arrival
        this.at(arrival, deliver)
        for (const waiting of this.held) {
            // on a slow line a frame sent now may arrive after the held frame is released
            if (arrival > waiting.arrival + HOLD_MS) continue
            waiting.passedAt = Math.min(waiting.passedAt, arrival)
            if (--waiting.toPass > 0) continue
            this.release(waiting)
            this.at(Math.max(arrival, waiting.arrival), () => this.overtaken(waiting))
        }
    }

    private hold(deliver: () => void, arrival: number, toPass: number): void {
        const giveUp = () => {
            this.held.delete(waiting)
            this.overtaken(waiting)
        }
        const timer = this.at(arrival + HOLD_MS, giveUp)
        const waiting: Held = { deliver, arrival, toPass, passedAt: Number.POSITIVE_INFINITY, timer }
        this.held.add(waiting)
    }

    private release(waiting: Held): void {
        this.held.delete(waiting)
        this.timers.delete(waiting.timer)
        waiting.timer.cancel()
    }

    private overtaken(waiting: Held): void {
        if (waiting.passedAt <= this.clock.now()) this.counters.reordered++
        waiting.deliver()
    }

    private at(when: number, run: () => void): Timer {
        const timer = this.clock.at(when, () => {
            this.timers.delete(timer)
            run()
        })
        this.timers.add(timer)
        return timer
    }
}

/** Flips a bit; bits are counted from the highest of the first byte. */
export function flip(bytes: Uint8Array, bit: number): void {
    bytes[bit >> 3]! ^= 0x80 >> (bit & 7)
}

/** Returns the fate of a frame that never arrives. */
export function lostBy(lost: NonNullable<Fate["lost"]>): Fate {
    return { lost, arrives: Number.POSITIVE_INFINITY, copies: 0, corrupted: false, held: false }
}

/** One direction of a line, to put in front of any function that receives frames. */
export class Impairment {
    readonly counters = lineCounters()
    private readonly transmitter: Transmitter
    private readonly path: Path

    /** Creates a line to `deliver`, which the clock calls, never `send` itself. */
    constructor(
        private readonly clock: Clock,
        impairments: Readonly<Impairments>,
        random: Random,
        deliver: (frame: Uint8Array) => void
    ) {
        this.transmitter = new Transmitter(impairments)
        this.path = new Path(clock, impairments, random, this.counters, deliver)
    }

    /** Sends a frame and returns its fate. The caller may reuse the bytes at once. */
    send(frame: Uint8Array): Fate {
        this.counters.sent++
        const departs = this.transmitter.transmit(frame.length, this.clock.now())
        if (departs === undefined) {
            this.counters.queueDrops++
            return lostBy("queue")
        }
        return this.path.send(frame, departs)
    }

    /** Drops the frames on their way. */
    close(): void {
        this.path.close()
    }
}
