// Hosts on a wire that loses, delays, reorders, doubles and spoils frames; virtual time, everything from a seed.

import { Buffer } from "@devicescript/core"
import { Random } from "../../sim/time/random"
import { close, errorOf, read, shutdown, stateOf, write } from "../../src/tcp/calls"
import { setKeepAlive, setNoDelay, setReceiveLimit } from "../../src/tcp/connection-settings"
import { State, TcpError } from "../../src/tcp/records"
import type { Host } from "./host"
import { checkInvariants } from "./invariants"

export interface Impairment {
    seed: number
    /** Each from 0 to 1. */
    loss: number
    duplicate: number
    corrupt: number
    /** ARP is not lost: three requests without an answer would end what is being opened. */
    sparesArp: boolean
    /** Milliseconds: what a frame takes at least, and at most. */
    delay: [number, number]
}

interface Event {
    time: number
    order: number
    run: () => void
}

const isSooner = (a: Event, b: Event) => a.time < b.time || (a.time === b.time && a.order < b.order)

/** Events by time: a binary heap. */
class Agenda {
    private readonly heap: Event[] = []
    private order = 0

    get first(): Event | undefined {
        return this.heap[0]
    }

    add(time: number, run: () => void): void {
        const { heap } = this
        const event = { time, order: this.order++, run }
        let i = heap.push(event) - 1
        for (; i > 0; ) {
            const parent = (i - 1) >> 1
            if (!isSooner(event, heap[parent]!)) break
            heap[i] = heap[parent]!
            i = parent
        }
        heap[i] = event
    }

    take(): Event {
        const { heap } = this
        const first = heap[0]!
        const last = heap.pop()!
        const count = heap.length
        if (count === 0) return first
        let i = 0
        for (;;) {
            let child = 2 * i + 1
            if (child >= count) break
            if (child + 1 < count && isSooner(heap[child + 1]!, heap[child]!)) child++
            if (!isSooner(heap[child]!, last)) break
            heap[i] = heap[child]!
            i = child
        }
        heap[i] = last
        return first
    }
}

/** The wire, and the clock. */
export class LossyWire {
    /** Frames put on the wire. */
    frames = 0
    /** No frame passes while it is pulled. */
    pulled = false
    /** More frames than that are a storm. */
    mostFrames = 200_000
    /** Invariants are checked after this many turns. */
    checkEvery = 1
    private readonly random: Random
    private readonly agenda = new Agenda()
    private turns = 0

    /**
     * `hosts` may be changed while nothing runs: another one with the same address is a host that was switched off
     * and on.
     */
    constructor(
        readonly hosts: Host[],
        readonly impairment: Impairment,
        public now = 0
    ) {
        this.random = new Random(impairment.seed)
    }

    /** Calls `run` in `ms` milliseconds. */
    after(ms: number, run: () => void): void {
        this.agenda.add(this.now + ms, run)
    }

    /** Takes what the hosts have to send now. */
    poll(): void {
        for (const host of this.hosts) this.carry(host, host.poll(this.now))
    }

    private carry(from: Host, frames: Uint8Array[]): void {
        const { loss, duplicate, sparesArp } = this.impairment
        from.sent.length = 0
        for (const frame of frames) {
            if (++this.frames > this.mostFrames) throw new Error("frames without end")
            if (this.pulled) continue
            const isArp = frame[12] === 8 && frame[13] === 6
            if (this.random.next() < loss && !(isArp && sparesArp)) continue
            this.put(from, frame)
            if (this.random.next() < duplicate) this.put(from, frame)
        }
    }

    private put(from: Host, frame: Uint8Array): void {
        const { delay, corrupt } = this.impairment
        const copy = Uint8Array.from(frame)
        // a bit of what a checksum covers: Ethernet's own is not simulated, and ARP has none
        if (this.random.next() < corrupt && copy[12] === 8 && copy[13] === 0) {
            copy[14 + this.random.integer(copy.length - 14)]! ^= 1 << this.random.integer(8)
        }
        this.after(delay[0] + this.random.integer(delay[1] - delay[0] + 1), () => {
            for (const host of this.hosts) {
                if (host !== from) this.carry(host, host.receive(copy, this.now))
            }
        })
    }

    /** Lets events and timers happen in order until `done`, or for `ms` at most. True when `done`. */
    runUntil(done: () => boolean, ms: number): boolean {
        const end = this.now + ms
        this.poll()
        while (!done()) {
            let next = this.agenda.first?.time ?? Number.POSITIVE_INFINITY
            for (const host of this.hosts) next = Math.min(next, host.next(this.now))
            if (next > end) {
                this.now = end
                return false
            }
            this.now = Math.max(this.now, next)
            while (this.agenda.first !== undefined && this.agenda.first.time <= this.now)
                this.agenda.take().run()
            this.poll()
            if (++this.turns % this.checkEvery === 0) {
                for (const host of this.hosts) checkInvariants(host.stack, this.now)
            }
        }
        return true
    }
}

/**
 * How a program ends its side: by shutdown once all is written, and close once the other has done so ("shutdown"); by
 * close once the other has ended and all is written ("last"); by close once all is written and all of the other's is
 * read ("close").
 */
export type Ending = "shutdown" | "last" | "close"

/** What a program does with its end of a connection. */
export interface Habits {
    /** Bytes it writes, and bytes that the other will write. */
    total: number
    expected: number
    /** Bytes of a write and of a read, at most. */
    writes: number
    reads: number
    /** Milliseconds between two turns, at most. */
    pause: number
    ending: Ending
    /** Changes its receive limit, and Nagle, as it goes. */
    fickle: boolean
    keepAlive: boolean
    /** Tells the two ends' bytes apart. */
    tag: number
    seed: number
}

/** Turns without anything to do after which a program looks less often, and by how many ms. */
const DULL = 100
const DOZE = 20_000

/** One program at its end of a connection. */
export class Program {
    readonly heard: number[] = []
    /** It has let go of the connection. */
    ended = false
    error: TcpError = TcpError.None
    private written = 0
    private shut = false
    /** Turns in a row in which there was nothing to do. */
    private idle = 0
    private readonly random: Random
    private readonly scratch = Buffer.alloc(4000)

    constructor(
        private readonly wire: LossyWire,
        private readonly host: Host,
        private readonly id: number,
        readonly habits: Habits
    ) {
        this.random = new Random(habits.seed)
        if (habits.keepAlive) setKeepAlive(host.stack, id, true, wire.now | 0)
        this.turn()
    }

    /** Byte number `i` of what this program says. */
    byte(i: number): number {
        return (i * 7 + this.habits.tag + (i >> 8)) & 0xff
    }

    /** Does a little of this and that, and comes again. */
    private turn(): void {
        const { stack } = this.host
        const { habits, random, scratch } = this
        const now = this.wire.now | 0
        if (!this.wire.hosts.includes(this.host)) {
            // switched off
            this.ended = true
            return
        }
        const state = stateOf(stack, this.id)
        if (state === State.Closed) this.error = errorOf(stack, this.id)
        const over = this.error !== TcpError.None
        if (habits.fickle && random.integer(10) === 0) {
            setReceiveLimit(stack, this.id, 1 + random.integer(stack.receiveSize))
            setNoDelay(stack, this.id, random.integer(2) === 0)
        }
        const n = read(stack, this.id, scratch, 0, 1 + random.integer(habits.reads))
        for (let i = 0; i < n; i++) this.heard.push(scratch[i]!)
        this.idle = n > 0 ? 0 : this.idle + 1
        const left = habits.total - this.written
        if (left > 0 && !over) {
            const length = Math.min(left, 1 + random.integer(habits.writes))
            for (let i = 0; i < length; i++) scratch[i] = this.byte(this.written + i)
            const took = write(stack, this.id, scratch, 0, length)
            if (took > 0) {
                this.written += took
                this.idle = 0
            }
        }
        // to close in SYN-SENT would be to take it all back
        const written = this.written === habits.total && state !== State.SynSent
        if (written && !this.shut && habits.ending === "shutdown" && !over) {
            shutdown(stack, this.id, now)
            this.shut = true
        }
        const done =
            habits.ending === "shutdown"
                ? n < 0 && this.shut
                : habits.ending === "last"
                  ? n < 0 && written
                  : this.heard.length === habits.expected && written
        if (done || (over && n < 0)) {
            close(stack, this.id, now)
            this.ended = true
        } else {
            const pause = 1 + random.integer(habits.pause)
            this.wire.after(this.idle > DULL ? DOZE + pause : pause, () => this.turn())
        }
        this.wire.poll()
    }
}
