// Chooses what comes next for the stack under fire: what a peer would do, so that connections come to all states; the
// same with fields moved to where a stack may go wrong; and what nobody would send.

import type { Random } from "../../sim/time/random"
import { State } from "../../src/tcp/records"
import { Control, FrameBuilder, isSound, put16, put32, putIp } from "./frame-builder"
import { nonsense, offers, oneIn, pick, sackBlocks } from "./options"
import { Found, type Remote, View } from "./remote"
import { Place, type StackUnderTest } from "./stack-under-test"

const { Fin, Syn, Rst, Psh, Ack, Urg, Ece, Cwr } = Control

/** Distances at which an off-by-one, a sign or a wrap would show. */
const NEAR = [0, 0, 0, 1, -1, 2, -2, 4, -5, 0x7fff_ffff, -0x8000_0000, 0x4000_0000, 65_535, 65_536, -65_536]
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255)
const MULTICAST = Uint8Array.of(1, 0, 94, 0, 0, 1)

/** What one session is like. */
export interface Mood {
    /** The segments of 100 that have a field changed. */
    mutated: number
    /** Of 100 moves of a peer, so many end or reset the connection, shut or change its window, lose segments. */
    ending: number
    shutting: number
    losing: number
}

export class Generator {
    readonly builder = new FrameBuilder()
    readonly view = new View()
    /** How often the remote whose turn it is says the same again. */
    repeats = 0
    /** Remotes whose addresses the stack has asked for. */
    readonly asked: Remote[] = []

    constructor(
        private readonly target: StackUnderTest,
        readonly remotes: readonly Remote[],
        private readonly random: Random,
        private readonly mood: Mood
    ) {}

    private get rx(): Uint8Array {
        return this.target.stack.rx
    }

    /** Puts the next frame into the receive frame; gives its length. `r` is who sends it. */
    frame(r: Remote): number {
        const { random } = this
        const kind = random.integer(100)
        this.view.look(this.target.stack, r)
        if (kind < 80) {
            this.segment(r)
            const mutated = random.integer(100) < this.mood.mutated
            if (mutated) for (let i = random.integer(3); i >= 0; i--) this.change(r)
            const length = this.builder.segment(this.rx)
            return mutated && oneIn(random, 12) ? this.spoil(length) : length
        }
        if (kind < 87) return this.icmp(r)
        if (kind < 93) return this.arp(r, oneIn(random, 2) ? 2 : 1)
        if (kind < 95) return this.datagram(r)
        if (kind < 97) return this.lower(r)
        if (kind < 99) {
            this.segment(r)
            return this.spoil(this.builder.segment(this.rx))
        }
        return this.noise()
    }

    /** Answers an ARP request for the remote. */
    arpReply(r: Remote): number {
        this.builder.reset(Place.mac, r.mac, r.hop, Place.ip)
        return this.builder.arp(this.rx, 2, r.mac, Place.mac)
    }

    /** What the remote would send now, into the builder. */
    private segment(r: Remote): void {
        const { builder: d, view: v, random, target } = this
        d.reset(Place.mac, r.mac, r.ip, Place.ip)
        d.sourcePort = r.port
        d.destinationPort = r.localPort
        if (random.integer(100) < this.mood.shutting) r.window = this.someWindow()
        d.window = r.window
        const stamp = (target.at + r.clock) | 0
        if (v.found === Found.Connection && v.state === State.SynSent) this.answerSyn(r, stamp)
        else if (v.found === Found.Connection) this.moves(r, stamp)
        else if (v.found === Found.Half) this.completes(r, stamp)
        else if (v.found === Found.Wait) this.afterwards(r, stamp)
        // nothing is known of it: a cookie that comes back, or a new connection
        else if (r.stackIss !== 0 && oneIn(random, 2)) this.completes(r, stamp)
        else {
            const edges = [-1, -2, 0x7fff_ffff, 0x7fff_fc00, -300]
            r.iss = oneIn(random, 4) ? pick(random, edges) : random.integer(0x1_0000_0000) | 0
            this.opens(r, stamp)
        }
    }

    /** In TIME-WAIT: the FIN again, or the next connection. */
    private afterwards(r: Remote, stamp: number): void {
        const { builder: d, view: v, random } = this
        if (oneIn(random, 2)) {
            d.seq = (v.rcvNxt - 1) | 0
            d.ack = v.max
            d.control = Fin | Ack
            if (v.stamps) d.timestamps(v.tsRecent, r.echo)
            return
        }
        r.iss = (v.rcvNxt + pick(random, [1, 1, 1, 0, -1, 1000, -1000])) | 0
        this.opens(r, oneIn(random, 2) ? stamp : (v.tsRecent + pick(random, [1, 0, -1])) | 0)
    }

    private opens(r: Remote, stamp: number): void {
        const { builder: d } = this
        d.seq = r.iss
        d.ack = 0
        d.control = Syn
        offers(d, this.random, stamp, 0)
        if (oneIn(this.random, 10)) d.text = this.random.integer(40)
    }

    /** To a SYN of the stack. */
    private answerSyn(r: Remote, stamp: number): void {
        const { builder: d, random } = this
        if (!oneIn(random, 3)) r.iss = random.integer(0x1_0000_0000) | 0
        d.seq = r.iss
        d.ack = (r.stackIss + 1) | 0
        // now and then both open at the same time
        d.control = oneIn(random, 4) ? Syn : Syn | Ack
        if (oneIn(random, 12)) d.control = Rst | Ack
        offers(d, random, stamp, r.echo)
        if (oneIn(random, 8)) d.text = random.integer(600)
        if (oneIn(random, 12)) d.control |= Fin
    }

    /** The handshake's third segment. */
    private completes(r: Remote, stamp: number): void {
        const { builder: d, view: v, random } = this
        d.seq = (r.iss + 1) | 0
        d.ack = (r.stackIss + 1) | 0
        d.control = Ack
        // where it is a cookie, each bit of it means something, and so do the lowest of the timestamp
        if (oneIn(random, 12)) d.ack ^= 1 << random.integer(32)
        const echo = oneIn(random, 12) ? r.echo ^ (1 << random.integer(32)) : r.echo
        if (v.stamps || (v.found !== Found.Half && oneIn(random, 2))) d.timestamps(stamp, echo)
        if (oneIn(random, 3)) d.text = random.integer(800)
        if (oneIn(random, 10)) d.control |= Fin
        if (oneIn(random, 20)) d.control |= Rst
    }

    /** A move on a connection. */
    private moves(r: Remote, stamp: number): void {
        const { builder: d, view: v, random, mood } = this
        const room = (v.edge - v.rcvNxt) | 0
        d.seq = v.rcvNxt
        d.ack = v.max
        d.control = Ack
        const flight = (v.max - v.una) | 0
        const losing = random.integer(100) < mood.losing
        let what = random.integer(12)
        if (this.repeats > 0) {
            // the same ACK again: three make a fast retransmission
            this.repeats--
            d.ack = v.una
            if (v.sack && oneIn(random, 2)) sackBlocks(d, random, v, 1)
            what = 11
        } else if (losing) {
            // something of the stack's did not come
            d.ack = oneIn(random, 3) ? (v.una + random.integer(flight + 1)) | 0 : v.una
            if (v.sack && flight > 0 && !oneIn(random, 3)) sackBlocks(d, random, v, 1 + random.integer(3))
            if (flight > 0 && oneIn(random, 3)) this.repeats = 2 + random.integer(6)
        } else if (v.state >= State.FinWait1 && oneIn(random, 2)) {
            // our FIN is not there yet, but theirs comes
            if (flight > 0) d.ack = v.una
            what = 6
        }
        if (what < 3) {
            d.text = 1 + random.integer(Math.min(1460, Math.max(1, room)))
            d.control |= Psh
        } else if (what < 5 && room > 2) {
            // ahead, where a gap is left; or just what is missing
            if (v.aheadEnd > 0 && oneIn(random, 2)) {
                d.text = oneIn(random, 2) ? v.aheadStart : 1 + random.integer(v.aheadEnd)
            } else {
                const ahead = 1 + random.integer(room - 1)
                d.seq = (v.rcvNxt + ahead) | 0
                d.text = 1 + random.integer(Math.min(1460, room - ahead))
            }
        } else if (what === 5) {
            // once more, from before
            const before = random.integer(300)
            d.seq = (v.rcvNxt - before) | 0
            d.text = random.integer(before + 200)
        } else if (what === 6 && (random.integer(100) < mood.ending || v.state >= State.FinWait1)) {
            d.control |= Fin
            if (oneIn(random, 2)) d.text = random.integer(Math.max(1, Math.min(1000, room)))
            if (oneIn(random, 5)) d.seq = (v.rcvNxt + random.integer(50)) | 0
        } else if (what === 7 && random.integer(400) < mood.ending) {
            d.control = oneIn(random, 2) ? Rst : Rst | Ack
        }
        if (v.stamps) {
            // a clock that never goes back, whatever was sent before
            const behind = ((stamp - v.tsRecent) | 0) < 0
            const value = behind ? v.tsRecent : stamp
            if (d.optionsLength > 0) {
                const held = d.options.slice(0, d.optionsLength)
                if (held.length <= 28) {
                    d.optionsLength = 0
                    d.timestamps(value, r.echo)
                    d.option(...held)
                }
            } else d.timestamps(value, r.echo)
        }
    }

    private someWindow(): number {
        return pick(this.random, [0, 0, 1, 64, 500, 1460, 4096, 4096, 65_535, this.random.integer(65_536)])
    }

    /** Somewhere around the numbers that count. */
    private around(...places: number[]): number {
        const { random } = this
        if (oneIn(random, 40)) return random.integer(0x1_0000_0000) | 0
        return (pick(random, places) + pick(random, NEAR)) | 0
    }

    /** Changes one thing of the segment in the builder. */
    private change(r: Remote): void {
        const { builder: d, view: v, random } = this
        const room = (v.edge - v.rcvNxt) | 0
        switch (random.integer(20)) {
            case 0:
            case 1:
            case 2:
                d.seq = this.around(
                    v.rcvNxt,
                    v.edge,
                    v.rcvNxt - d.text,
                    v.edge - d.text,
                    v.rcvNxt + v.aheadStart,
                    v.rcvNxt + v.aheadEnd,
                    r.iss
                )
                break
            case 3:
            case 4:
            case 5:
                d.ack = this.around(
                    v.una,
                    v.max,
                    v.nxt,
                    v.una - 65_535,
                    v.una - r.window,
                    r.stackIss,
                    v.una + v.queued
                )
                break
            case 6:
            case 7:
                d.control = this.someControl(d.control)
                break
            case 8:
                d.window = this.someWindow()
                break
            case 9:
            case 10:
                d.text = Math.max(
                    0,
                    pick(random, [0, 1, 2, room, room - 1, room + 1, 536, 1448, 1460, v.aheadStart + 1, 3000])
                )
                break
            case 11:
            case 12:
                this.otherStamps(r)
                break
            case 13:
                d.optionsLength = 0
                nonsense(d, random, v)
                break
            case 14:
                d.optionsLength = 0
                if (v.stamps && oneIn(random, 2)) d.timestamps(v.tsRecent, r.echo)
                sackBlocks(d, random, v, 1 + random.integer(d.optionsLength > 0 ? 3 : 4))
                break
            case 15:
                d.urgent = random.integer(65_536)
                d.control |= Urg
                break
            case 16:
                d.offsetDelta = random.integer(16) - 8
                break
            case 17:
                if (oneIn(random, 2)) d.checksumDelta = 1 + random.integer(0xfffe)
                else d.ipOptions = random.integer(11)
                break
            case 18:
                this.otherPacket(r)
                break
            default:
                d.padding = random.integer(60)
                if (oneIn(random, 4)) d.sourcePort = oneIn(random, 2) ? 0 : random.integer(65_536)
                if (oneIn(random, 4)) d.destinationPort = pick(random, [0, 79, 80, 81, 82, 40_000, 65_535])
                break
        }
    }

    private otherStamps(r: Remote): void {
        const { builder: d, view: v, random } = this
        d.optionsLength = 0
        if (oneIn(random, 6)) return
        const day = 86_400_000
        const value = this.around(v.tsRecent, v.tsRecent + 24 * day, v.tsRecent - 24 * day, 0)
        d.timestamps(value, oneIn(random, 2) ? r.echo : this.around(r.echo, this.target.now, 0))
    }

    private someControl(from: number): number {
        const { random } = this
        switch (random.integer(6)) {
            case 0:
                return random.integer(256)
            case 1:
                return from | pick(random, [Syn, Fin, Rst, Urg, Ece, Cwr])
            case 2:
                return from & ~Ack
            case 3:
                return Rst
            case 4:
                return pick(random, [Syn, Syn | Ack, Syn | Fin, Syn | Rst, Fin, Fin | Ack, 0])
            default:
                return from ^ (1 << random.integer(6))
        }
    }

    /** Changes something around the segment. */
    private otherPacket(r: Remote): void {
        const { builder: d, random } = this
        switch (random.integer(8)) {
            case 0:
                d.ipLengthDelta = pick(random, [-1, 1, -20, 20, -d.text, 100, 30_000])
                break
            case 1:
                d.fragment = pick(random, [0x2000, 1, 0x4000, 0x8000, 0x1fff])
                break
            case 2:
                d.ipChecksumDelta = 1 + random.integer(0xfffe)
                break
            case 3:
                d.destinationMac = pick(random, [BROADCAST, MULTICAST, r.mac])
                break
            case 4:
                d.destination = pick(random, [0xff00000a | 0, -1, 0x010000e0, 0, 0x0200000a, 0x0100007f])
                break
            case 5:
                // from us (LAND), from everybody, from nowhere
                d.source = pick(random, [Place.ip, -1, 0xff00000a | 0, 0x010000e0, 0, 0x0100007f, 0x0900000a])
                break
            case 6:
                d.sourceMac = pick(random, [BROADCAST, MULTICAST, Place.mac])
                break
            default:
                d.etherType = random.integer(65_536)
                break
        }
    }

    /** Turns a bit around, or cuts: a checksum sees it, and where by chance none does the frame is left whole. */
    private spoil(length: number): number {
        const { random, rx } = this
        const known = Math.min(length, rx.length)
        const cut = random.integer(4)
        if (cut === 0) return random.integer(known + 1)
        if (cut === 1) return Math.min(known + random.integer(40), rx.length + 4)
        const at = 14 + random.integer(Math.max(1, known - 14))
        const was = rx[at]
        rx[at] ^= 1 << random.integer(8)
        if (isSound(rx, length)) rx[at] = was
        return length
    }

    private icmp(r: Remote): number {
        const { builder: d, view: v, random, rx } = this
        d.reset(Place.mac, r.mac, oneIn(random, 3) ? r.hop : r.ip, Place.ip)
        const at = d.payloadAt + 8
        if (oneIn(random, 4)) {
            // pings of all sizes, and whatever else there is
            const type = oneIn(random, 2) ? 8 : random.integer(20)
            if (oneIn(random, 10)) d.checksumDelta = 1 + random.integer(0xfffe)
            const size = oneIn(random, 10) ? random.integer(1480) : random.integer(100)
            return d.icmp(
                rx,
                type,
                oneIn(random, 4) ? random.integer(16) : 0,
                random.integer(0x1_0000_0000) | 0,
                size
            )
        }
        // a segment of ours that could not be delivered, it says
        const header = oneIn(random, 8) ? 5 + random.integer(11) : 5
        const quote = at + 4 * header
        rx.fill(1, at, quote + 8)
        rx[at] = oneIn(random, 20) ? random.integer(256) : 0x40 | header
        const size = pick(random, [40, 552, 576, 1500, 1500, 60, 0, 65_535])
        put16(rx, at + 2, size)
        rx[at + 9] = oneIn(random, 20) ? random.integer(256) : 6
        putIp(rx, at + 12, oneIn(random, 20) ? r.ip : Place.ip)
        putIp(rx, at + 16, r.ip)
        put16(rx, quote, r.localPort)
        put16(rx, quote + 2, r.port)
        put32(rx, quote + 4, oneIn(random, 3) ? this.around(v.una, v.nxt, v.max) : v.una)
        const code = oneIn(random, 2) ? 4 : random.integer(16)
        const mtu = pick(random, [0, 1, 67, 68, 296, 552, 575, 576, 577, 1000, 1499, 1500, 65_535])
        if (oneIn(random, 20)) d.checksumDelta = 1 + random.integer(0xfffe)
        const cut = oneIn(random, 10) ? random.integer(36) : 4 * header + 8
        return d.icmp(rx, 3, code, mtu, cut)
    }

    private arp(r: Remote, operation: number): number {
        const { builder: d, random, rx } = this
        d.reset(oneIn(random, 2) ? BROADCAST : Place.mac, r.mac, r.hop, Place.ip)
        let mac = r.mac
        if (oneIn(random, 3)) {
            operation = pick(random, [0, 1, 2, 3, 65_535])
            d.source = pick(random, [r.hop, Place.ip, 0, -1, 0x0909_0909, 0x0800_000a, 0xff00_000a | 0])
            d.destination = pick(random, [Place.ip, Place.ip, r.hop, 0, -1])
            if (oneIn(random, 4)) mac = MULTICAST
        }
        d.padding = oneIn(random, 2) ? 18 : 0
        const length = d.arp(rx, operation, mac, Place.mac)
        if (oneIn(random, 10)) rx[14 + random.integer(8)] ^= 1 << random.integer(8)
        return oneIn(random, 15) ? random.integer(length) : length
    }

    private datagram(r: Remote): number {
        const { builder: d, random, rx } = this
        d.reset(oneIn(random, 8) ? BROADCAST : Place.mac, r.mac, r.ip, oneIn(random, 8) ? -1 : Place.ip)
        d.sourcePort = r.port
        d.destinationPort = random.integer(65_536)
        if (oneIn(random, 5)) d.offsetDelta = pick(random, [-8, -9, 1, 1000])
        if (oneIn(random, 5)) d.checksumDelta = 1 + random.integer(0xfffe)
        if (oneIn(random, 6)) d.ipOptions = random.integer(11)
        return d.datagram(rx, random.integer(60))
    }

    /** Other protocols in IP, and other types in Ethernet. */
    private lower(r: Remote): number {
        const { builder: d, random, rx } = this
        d.reset(Place.mac, r.mac, r.ip, Place.ip)
        if (oneIn(random, 3))
            d.etherType = pick(random, [0x86dd, 0x8100, 0x0800, 0x0805, random.integer(65_536)])
        if (oneIn(random, 3)) this.otherPacket(r)
        return d.other(rx, pick(random, [0, 2, 4, 41, 47, 50, 132, 255]), random.integer(100))
    }

    /** Bytes without any sense; half of them begin as a frame for us does. */
    private noise(): number {
        const { random, rx } = this
        const length = random.integer(oneIn(random, 4) ? rx.length + 20 : 120)
        random.fill(rx.subarray(0, Math.min(length, rx.length)))
        if (oneIn(random, 2)) {
            rx.set(Place.mac, 0)
            rx[12] = 8
            rx[13] = oneIn(random, 3) ? 6 : 0
            rx[14] = 0x45
        }
        return length
    }
}
