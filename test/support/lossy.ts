// Two hosts on a wire that loses, delays, reorders, doubles and spoils frames; virtual time, everything from a seed.

import { Buffer } from "@devicescript/core"
import { Random } from "../../sim/random"
import { close, errorOf, read, shutdown, stateOf, write } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/tcb"
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

/** The wire, and the clock. */
export class LossyWire {
    private readonly random: Random
    private readonly events: Event[] = []
    private order = 0
    frames = 0

    constructor(
        private readonly hosts: readonly Host[],
        readonly impairment: Impairment,
        public now = 0
    ) {
        this.random = new Random(impairment.seed)
    }

    /** Calls `run` in `ms` milliseconds. */
    after(ms: number, run: () => void): void {
        this.events.push({ time: this.now + ms, order: this.order++, run })
    }

    /** Takes what the hosts have to send now. */
    poll(): void {
        for (const host of this.hosts) this.carry(host, host.poll(this.now))
    }

    private carry(from: Host, frames: Uint8Array[]): void {
        const { loss, duplicate, sparesArp } = this.impairment
        from.sent.length = 0
        for (const frame of frames) {
            if (++this.frames > 200_000) throw new Error("frames without end")
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
            const timers = Math.min(...this.hosts.map(host => host.next(this.now)))
            this.events.sort((a, b) => a.time - b.time || a.order - b.order)
            const next = Math.min(timers, this.events[0]?.time ?? Number.POSITIVE_INFINITY)
            if (next > end) {
                this.now = end
                return false
            }
            this.now = Math.max(this.now, next)
            while (this.events.length > 0 && this.events[0]!.time <= this.now) this.events.shift()!.run()
            this.poll()
            for (const host of this.hosts) checkInvariants(host.stack, this.now)
        }
        return true
    }
}

/** What one program does with its end of a connection: writes so much, reads all, closes. */
export class Program {
    readonly heard: number[] = []
    ended = false
    private written = 0
    private shut = false
    private readonly random: Random
    private readonly scratch = Buffer.alloc(4000)

    constructor(
        private readonly wire: LossyWire,
        private readonly host: Host,
        private readonly id: number,
        readonly total: number,
        readonly tag: number,
        seed: number
    ) {
        this.random = new Random(seed)
        this.turn()
    }

    /** Byte number `i` of what this program says. */
    byte(i: number): number {
        return (i * 7 + this.tag + (i >> 8)) & 0xff
    }

    get error(): TcpError {
        return this.failure
    }

    private failure: TcpError = TcpError.None

    /** Does a little of this and that, and comes again. */
    private turn(): void {
        const { stack } = this.host
        const now = this.wire.now | 0
        if (stateOf(stack, this.id) === State.Closed) this.failure = errorOf(stack, this.id)
        const n = read(stack, this.id, this.scratch, 0, 1 + this.random.integer(3999))
        for (let i = 0; i < n; i++) this.heard.push(this.scratch[i]!)
        const left = this.total - this.written
        if (left > 0 && this.failure === TcpError.None) {
            const length = Math.min(left, 1 + this.random.integer(2000))
            for (let i = 0; i < length; i++) this.scratch[i] = this.byte(this.written + i)
            const took = write(stack, this.id, this.scratch, 0, length)
            if (took > 0) this.written += took
        } else if (!this.shut && this.failure === TcpError.None) {
            shutdown(stack, this.id, now)
            this.shut = true
        }
        if (n < 0 && (this.shut || this.failure !== TcpError.None)) {
            close(stack, this.id, now)
            this.ended = true
        } else {
            this.wire.after(this.random.integer(200), () => this.turn())
        }
        this.wire.poll()
    }
}
