// A stack on a bench: frames and time by hand, everything it sends looked at.

import { expect } from "vitest"
import { type ArpView, dissect, type TcpView, type View } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { COUNTERS } from "../../src/features"
import { arp, broadcastMac, ethernet } from "./frames"
import { Host } from "./host"
import { checkInvariants } from "./invariants"
import { needs } from "./needs"
import type { Peer } from "./peer"
import { record } from "./tshark"

/** What the stack sent, and when. */
export interface Sent<V extends View = View> {
    time: number
    view: V
    frame: Uint8Array
}

export interface BenchOptions {
    address?: string
    gateway?: string
    /** The time it starts at, ms. */
    start?: number
    /** False: no peer answers ARP, and no neighbour is known at the start. */
    arp?: boolean
}

/**
 * What is off unless a test turns it on: each has tests of its own, and the tables of all others are easier to read without.
 * The packetdrill scripts (test/scripts) and the scenarios run with the defaults that are shipped.
 */
export const plain = { timestamps: 0, sack: 0, nagle: 0, delayedAck: 0, challengeInterval: 0 }

/** The stack under test, at 10.0.0.1 unless set otherwise, and its peers. */
export class Bench {
    readonly host: Host
    readonly peers: Peer[] = []
    /** What it sent that is no peer's segment, and no ARP request that was answered. */
    readonly others: Sent[] = []
    now: number
    arp: boolean
    /** Frames it sent, and how many of them were segments. */
    private frames = 0
    private segments = 0

    constructor(config: { [key: string]: number } = {}, options: BenchOptions = {}) {
        this.host = new Host(options.address ?? "10.0.0.1", { ...plain, ...config }, options.gateway)
        this.now = options.start ?? 1000
        this.arp = options.arp ?? true
    }

    get stack() {
        return this.host.stack
    }

    get mac(): string {
        return Array.from(this.host.mac, byte => byte.toString(16).padStart(2, "0")).join(":")
    }

    /** Hands a frame to the stack, and takes what it sends in return. */
    receive(frame: Uint8Array): void {
        this.take(this.host.receive(frame, this.now))
        this.check()
    }

    /** Takes what the stack has to send. */
    poll(): void {
        this.take(this.host.poll(this.now))
        this.check()
    }

    /** Nothing is inconsistent, and what was sent was counted. */
    private check(): void {
        checkInvariants(this.stack, this.now)
        if (!COUNTERS) return
        if (this.counter(Counter.FramesOut) !== this.frames)
            throw new Error(`${this.frames} frames were sent`)
        if (this.counter(Counter.SegmentsOut) !== this.segments)
            throw new Error(`${this.segments} segments were sent`)
    }

    /** Lets `ms` milliseconds pass; the stack is called when it asked to be. */
    pass(ms: number): void {
        const end = this.now + ms
        this.poll()
        for (let turns = 0; ; turns++) {
            const next = this.host.next(this.now)
            if (next > end) break
            if (turns > 100_000) throw new Error("the stack's timers never rest")
            // a deadline that is due now and leaves nothing to send must be gone after one call
            this.now = Math.max(next, this.now)
            this.poll()
        }
        this.now = end
        this.poll()
    }

    /** Makes `mac` known to the stack as the Ethernet address of `ip`: by a request for its own, as from a new neighbour. */
    introduce(ip: string, mac: string): void {
        const request = arp({ operation: 1, senderMac: mac, senderIp: ip, targetIp: this.host.address })
        const before = this.others.length
        this.receive(ethernet(broadcastMac, mac, 0x0806, request))
        expect(this.others.splice(before).map(s => s.view.kind)).toEqual(["arp"])
    }

    /** The value of a counter, by its offset. */
    counter(counter: number): number {
        needs("COUNTERS")
        return this.stack.counters.getAt(counter, "i32")
    }

    private take(frames: Uint8Array[]): void {
        for (const frame of frames) {
            record(frame, this.now)
            this.frames++
            const view = dissect(frame)
            if (view.kind === "malformed") throw new Error(`the stack sent a malformed frame: ${view.reason}`)
            same(view.sourceMac, this.mac, "source MAC address")
            if (view.kind === "arp" && view.operation === 1 && this.answered(view)) continue
            if ("headerChecksumValid" in view) {
                same(view.headerChecksumValid, true, "IPv4 header checksum")
                same(view.source, this.host.address, "source address")
                // groups have times to live of their own
                if (!/^2(2[4-9]|3)/.test(view.destination)) same(view.ttl, this.stack.config.ttl, "TTL")
            }
            if ("checksumValid" in view) same(view.checksumValid, true, "checksum")
            const sent = { time: this.now, view, frame }
            if (view.kind === "tcp") {
                this.segments++
                const peer = this.peers.find(p => p.isFor(view))
                if (peer !== undefined) {
                    peer.seen.push(sent as Sent<TcpView>)
                    continue
                }
            }
            this.others.push(sent)
        }
    }

    private answered(view: ArpView): boolean {
        const peer = this.peers.find(p => p.hop === view.targetIp)
        if (!this.arp || peer === undefined) return false
        const reply = arp({
            operation: 2,
            senderMac: peer.mac,
            senderIp: view.targetIp,
            targetMac: this.mac,
            targetIp: this.host.address,
        })
        this.take(this.host.receive(ethernet(this.mac, peer.mac, 0x0806, reply), this.now))
        return true
    }
}

/** Expects the same value. An `expect()` for each field of each frame would take a third of a flood's time. */
function same<T>(actual: T, expected: T, what: string): void {
    if (actual !== expected) expect(actual, what).toBe(expected)
}
