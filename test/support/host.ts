// A stack as a test sees it: frames in, frames out, and the time, all by hand.

import { Buffer } from "@devicescript/core"
import { receive } from "../../src/net/receive"
import { Stack, setAddress } from "../../src/net/stack"
import { deadline, Never, transmit } from "../../src/net/transmit"
import { Config, configure } from "../../src/tcp/config"
import { type Feature, needs } from "./needs"

/** An address in dotted form as the number that `getAt` "i32" reads from its wire bytes. */
export function ip(text: string): number {
    const [a, b, c, d] = text.split(".").map(Number) as [number, number, number, number]
    return a | (b << 8) | (c << 16) | (d << 24)
}

/** Fields of the configuration that switch on what may not be there. */
const features: { [key: string]: Feature } = {
    timestamps: "TIMESTAMPS",
    sack: "SACK",
    delayedAck: "DELAYED_ACKS",
    events: "EVENTS",
    timeWaits: "TIME_WAIT_RECORDS",
}

/** A stack at `address`/24 with the Ethernet address 02:00:00:00:00:last-byte. */
export class Host {
    readonly stack: Stack
    readonly mac: Buffer
    /** Every frame it sent. */
    readonly sent: Uint8Array[] = []

    constructor(
        readonly address: string,
        config: { [key: string]: number } = {},
        gateway = "0.0.0.0"
    ) {
        for (const key of Object.keys(features)) if (config[key]) needs(features[key]!)
        const values = new Config()
        configure(values, config)
        const last = Number(address.split(".")[3])
        this.mac = Buffer.alloc(6)
        this.mac.setAt(0, "u8", 2)
        this.mac.setAt(5, "u8", last)
        this.stack = new Stack(values, this.mac)
        setAddress(this.stack, ip(address), ip("255.255.255.0"), ip(gateway))
    }

    /** Hands a frame to the stack and gives what it sends in return. */
    receive(frame: Uint8Array, now: number): Uint8Array[] {
        this.stack.rx.set(frame.subarray(0, this.stack.rx.length))
        receive(this.stack, frame.length, now | 0)
        return this.poll(now)
    }

    /** What the stack has to send now. */
    poll(now: number): Uint8Array[] {
        const out: Uint8Array[] = []
        for (;;) {
            const length = transmit(this.stack, now | 0)
            if (length === 0) break
            out.push(Uint8Array.from(this.stack.tx.subarray(0, length)))
            if (out.length > 10_000) throw new Error("the stack never stops sending")
        }
        this.sent.push(...out)
        return out
    }

    /** When `transmit` is due next, Infinity for never. */
    next(now: number): number {
        const wait = deadline(this.stack, now | 0)
        return wait === Never.Ms ? Number.POSITIVE_INFINITY : now + wait
    }
}

/** Several hosts on one perfect wire, in virtual time. */
export class Wire {
    now = 0
    readonly frames: { time: number; from: Host; frame: Uint8Array }[] = []
    private readonly queue: { from: Host; frame: Uint8Array }[] = []
    /** What becomes of a frame: false loses it. */
    filter: (from: Host, frame: Uint8Array) => boolean = () => true

    constructor(readonly hosts: Host[]) {}

    private put(from: Host, frames: Uint8Array[]): void {
        for (const frame of frames) {
            this.frames.push({ time: this.now, from, frame })
            if (this.filter(from, frame)) this.queue.push({ from, frame })
        }
    }

    /** Exchanges frames until no host has a frame to send at this time. */
    settle(): void {
        for (const host of this.hosts) this.put(host, host.poll(this.now))
        for (let n = 0; this.queue.length > 0; n++) {
            if (n > 1_000_000) throw new Error("frames without end")
            const { from, frame } = this.queue.shift()!
            for (const host of this.hosts) {
                if (host !== from) this.put(host, host.receive(frame, this.now))
            }
        }
    }

    /** Lets `ms` milliseconds pass. */
    run(ms: number): void {
        const end = this.now + ms
        this.settle()
        for (;;) {
            const next = Math.min(...this.hosts.map(h => h.next(this.now)))
            if (next > end) break
            this.now = Math.max(next, this.now)
            this.settle()
        }
        this.now = end
    }
}

/** A buffer with this text. */
export function bytes(text: string): Buffer {
    const encoded = new TextEncoder().encode(text)
    const b = Buffer.alloc(encoded.length)
    b.set(encoded)
    return b
}
