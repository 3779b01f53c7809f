// A peer on virtual time that delays its ACKs as the field does: it acknowledges every second segment, or after some time. It has
// nothing of our stack: a receiver with a fixed window, and a sender that fills ours with segments of a size of its own.

import { dissect, type TcpView } from "../../sim/view/dissect"
import { receive } from "../../src/net/receive"
import { arp, broadcastMac, ethernet, ipv4, tcp } from "./frames"
import type { Host } from "./host"
import { optionBytes } from "./segment"

const MAC = "02:00:00:00:00:02"
const IP = "10.0.0.2"
const PORTS = { sourcePort: 40_000, destinationPort: 80 }
const ISS = 1000

export interface Manner {
    /** Bytes that its receiver has room for, and the MSS it advertises. */
    window: number
    mss: number
    /** Bytes of a full segment of its own: the MSS that we advertised. */
    text: number
    /** Milliseconds that an ACK waits for a second segment; 0: none waits. */
    ackDelay: number
    /** Milliseconds each way. */
    delay: number
    /** Bytes it sends, as fast as our window lets it. */
    sends: number
    /** True: it sends what fits, even if little. False: no less than a full segment, the rest, or half of the largest window. */
    fills?: boolean
}

export class DelayingPeer {
    now = 0
    /** Bytes that came, and went: text, acknowledgments without text. */
    heard = 0
    sent = 0
    acknowledged = 0
    /** Segments without text that came after the handshake. */
    bareAcks = 0
    /** Segments with text that it sent. */
    segments = 0
    private readonly wire: { time: number; frame: Uint8Array; toHost: boolean }[] = []
    private next = 0
    private edge = 0
    private unanswered = 0
    private ackAt = Number.POSITIVE_INFINITY
    private largest = 0
    private open = false

    constructor(
        private readonly host: Host,
        private readonly manner: Manner
    ) {
        const mac = Array.from(host.mac, byte => byte.toString(16).padStart(2, "0")).join(":")
        const request = { operation: 1, senderMac: MAC, senderIp: IP, targetIp: host.address }
        host.receive(ethernet(broadcastMac, MAC, 0x0806, arp(request)), 0)
        this.mac = mac
        this.says("S", ISS, 0, [`mss ${manner.mss}`])
    }

    private readonly mac: string

    private says(flags: string, seq: number, length = 0, options: string[] = []): void {
        const between = { source: IP, destination: this.host.address }
        const { window } = this.manner
        const fields = { ...PORTS, seq, ack: this.next, flags, window, options: optionBytes(options) }
        const segment = tcp(between, fields, new Uint8Array(length).fill(0x61))
        const frame = ethernet(this.mac, MAC, 0x0800, ipv4({ ...between, protocol: 6 }, segment))
        this.wire.push({ time: this.now + this.manner.delay, frame, toHost: true })
    }

    /** Sends an ACK, with as much text as our window and its manner let through. */
    private answers(owed: boolean): void {
        for (;;) {
            const length = Math.min(this.manner.text, this.manner.sends - this.sent, this.edge - this.sent)
            const rest = this.manner.sends - this.sent
            const pays =
                length > 0 &&
                (length === this.manner.text ||
                    length === rest ||
                    length >= this.largest / 2 ||
                    this.manner.fills === true)
            if (!pays) break
            this.says("P.", ISS + 1 + this.sent, length)
            this.sent += length
            this.segments++
            owed = false
            this.settled()
        }
        if (!owed) return
        this.says(".", ISS + 1 + this.sent)
        this.settled()
    }

    private settled(): void {
        this.unanswered = 0
        this.ackAt = Number.POSITIVE_INFINITY
    }

    private hears(view: TcpView): void {
        this.edge = Math.max(this.edge, view.ack - ISS - 1 + view.window)
        this.acknowledged = Math.max(this.acknowledged, view.ack - ISS - 1)
        this.largest = Math.max(this.largest, view.window)
        if (view.flags.syn) {
            this.next = (view.seq + 1) >>> 0
            this.open = true
            this.answers(true)
            return
        }
        if (view.payload.length === 0) this.bareAcks++
        else {
            if (view.seq !== this.next) throw new Error("text out of order on a wire that loses nothing")
            this.next = (this.next + view.payload.length) >>> 0
            this.heard += view.payload.length
            if (++this.unanswered >= 2 || this.manner.ackDelay === 0) {
                this.answers(true)
                return
            }
            this.ackAt = Math.min(this.ackAt, this.now + this.manner.ackDelay)
        }
        this.answers(false)
    }

    /** Lets time pass until `done`, for an hour at most; `program` is called whenever something may have changed. */
    run(program: (now: number) => void, done: () => boolean): void {
        const end = this.now + 3_600_000
        while (this.now < end) {
            for (let last = -1; last !== this.host.sent.length; ) {
                last = this.host.sent.length
                this.take(this.host.poll(this.now))
                if (this.open) program(this.now)
            }
            this.host.sent.length = 0
            if (done()) return
            const first = this.wire.reduce(
                (least, one) => Math.min(least, one.time),
                Number.POSITIVE_INFINITY
            )
            this.now = Math.max(this.now, Math.min(first, this.ackAt, this.host.next(this.now)))
            if (this.ackAt <= this.now) this.answers(true)
            for (const one of this.wire.splice(0)) {
                if (one.time > this.now) this.wire.push(one)
                else if (one.toHost) {
                    // a device's program has its turn before what is due goes out (src/socket/driver-loop.ts)
                    this.host.stack.rx.set(one.frame)
                    receive(this.host.stack, one.frame.length, this.now)
                    if (this.open) program(this.now)
                    this.take(this.host.poll(this.now))
                } else {
                    const view = dissect(one.frame)
                    if (view.kind === "tcp") this.hears(view)
                }
            }
        }
        throw new Error(`${this.heard} bytes heard, ${this.sent} sent in an hour`)
    }

    private take(frames: Uint8Array[]): void {
        for (const frame of frames)
            this.wire.push({ time: this.now + this.manner.delay, frame, toHost: false })
    }
}
