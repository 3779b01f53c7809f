// The endpoints of a stack: hands each received packet to its endpoint, and addresses and sends the packets that are due at
// endpoints. The stack knows this class only through an interface (stack.ts), so a program without endpoints does not contain
// this code.

import { Buffer } from "@devicescript/core"
import { digest, randomBuffer } from "@devicescript/crypto"
import { readU16, swap16, writeU16 } from "../base/bytes"
import { Frame } from "../tcp/context"
import { TcpError } from "../tcp/records"
import { noteTimer } from "../tcp/state"
import { checksumOf, onesSum } from "../wire/checksum"
import { EtherType, writeEthernet } from "../wire/ethernet"
import { Icmp } from "../wire/icmp"
import { Ip, ipv4HeaderLength, isMulticast, Protocol, pseudoSum, writeIpv4 } from "../wire/ipv4"
import { Udp } from "../wire/udp"
import { findNeighbour, forgetOld, nextHop, resolve } from "./arp"
import { type Endpoint, Over, type Packet } from "./endpoint"
import { Neighbour } from "./neighbour-record"
import { isBroadcast, type Stack, type StackEndpoints } from "./stack"

const enum Wait {
    /** Wait while all neighbour records are being resolved, ms. */
    Neighbours = 1000,
}

/** Offsets in the input of the hash that produces the random numbers. */
const enum Draw {
    Secret = 0,
    Count = 16,
    Size = 20,
    /** Bytes of one hash. */
    Pool = 32,
}

/** Time to live of multicasts: RFC 6762 section 11 for groups that no router forwards, else RFC 1112 section 6.1. */
const enum Hops {
    LinkLocal = 255,
    Group = 1,
    /** 224.0.0.0/24, as the first three bytes read. */
    LinkLocalGroups = 0xe0,
}

export class Endpoints implements StackEndpoints, Packet {
    /** The packet that is being handed to an endpoint: offset and length of its data in the receive frame, and its sender. */
    at = 0
    length = 0
    sourceIp = 0
    sourcePort = 0
    destination = 0
    /** The responder for this host's name, `text`.local, if the program has one (mdns.ts). */
    named: { readonly text: string } | undefined = undefined
    private readonly list: Endpoint[] = []
    /** The Ethernet address of a group, or the broadcast address, for the packet being sent. */
    private readonly groupMac = Buffer.alloc(6)
    private readonly draw = Buffer.alloc(Draw.Size)
    private pool: Buffer
    private drawn = Draw.Pool

    constructor(readonly stack: Stack) {
        this.draw.blitAt(Draw.Secret, randomBuffer(Draw.Count), 0, Draw.Count)
        this.pool = this.draw
        stack.endpoints = this
    }

    /** Adds an endpoint, which receives its packets from now on. */
    add(endpoint: Endpoint): void {
        this.list.push(endpoint)
        // the endpoint may already have a packet to send
        if (endpoint.due) this.stack.dirty = true
        if (endpoint.armed) noteTimer(this.stack, endpoint.deadline)
    }

    remove(endpoint: Endpoint): void {
        const at = this.list.indexOf(endpoint)
        if (at >= 0) this.list.insert(at, -1)
    }

    /**
     * Returns 32 bits that no other host can guess. They come from a hash over a secret, a counter, TCP's key (secret-numbers.ts) and the
     * receive frame; one hash yields eight numbers.
     */
    random(): number {
        if (this.drawn >= Draw.Pool) {
            this.draw.setAt(Draw.Count, "i32", (this.draw.getAt(Draw.Count, "i32") + 1) | 0)
            this.pool = digest("sha256", this.draw, this.stack.hashInput, this.stack.rx)
            this.drawn = 0
        }
        const bits = this.pool.getAt(this.drawn, "i32")
        this.drawn += 4
        return bits
    }

    /** Returns a random whole number from 0 to `n` - 1; `n` is 65,536 at most. */
    randomBelow(n: number): number {
        return (((this.random() >>> 16) * n) / 0x10000) | 0
    }

    /** Returns a random port that no endpoint has, from the whole range of ports (RFC 5452 section 9.2); 0 if not found. */
    freePort(): number {
        for (let i = 0; i < 100; i++) {
            const port = 1024 + this.randomBelow(64512)
            if (!this.owner(Protocol.Udp, port)) return port
        }
        return 0
    }

    /** Returns the endpoint that owns this port or identifier. */
    owner(over: Protocol, port: number): Endpoint | undefined {
        const list = this.list
        for (let i = 0; i < list.length; i++) {
            const e = list[i] as Endpoint
            if (e.over === over && e.owns(port)) return e
        }
        return undefined
    }

    /**
     * Hands the valid datagram at `at`, with `length` bytes of data, to its endpoint. Returns false when no endpoint has its
     * port.
     */
    datagram(source: number, destination: number, at: number, length: number, now: number): boolean {
        const rx = this.stack.rx
        const e = this.owner(Protocol.Udp, readU16(rx, at + Udp.Destination))
        if (!e || (isMulticast(destination) && e.group !== destination)) return false
        this.sourcePort = readU16(rx, at + Udp.Source)
        this.hand(e, source, destination, at + Udp.Size, length, now)
        return true
    }

    /**
     * Returns true when the packet at `at` is a datagram to a client without an address (RFC 2131 section 4.1): many routers send the OFFER
     * to the offered address, though the client had asked for a broadcast.
     */
    isOffer(at: number): boolean {
        const rx = this.stack.rx
        if (rx.getAt(at + Ip.Protocol, "u8") !== Protocol.Udp) return false
        const e = this.owner(Protocol.Udp, readU16(rx, at + ipv4HeaderLength(rx, at) + Udp.Destination))
        return e ? e.anonymous : false
    }

    /**
     * Hands the valid echo reply of `length` bytes at `at` to its endpoint. Returns false when no endpoint has sent the request.
     */
    echoReply(source: number, at: number, length: number, now: number): boolean {
        const e = this.owner(Protocol.Icmp, readU16(this.stack.rx, at + Icmp.Rest))
        if (!e) return false
        this.hand(e, source, this.stack.ip, at, length, now)
        return true
    }

    /** Hands the valid ARP packet at `at` to the endpoints over ARP. */
    arp(at: number, now: number): void {
        const list = this.list
        for (let i = 0; i < list.length; i++) {
            const e = list[i] as Endpoint
            if (e.over === Over.Arp) this.hand(e, 0, 0, at, 0, now)
        }
    }

    private hand(
        e: Endpoint,
        source: number,
        destination: number,
        at: number,
        length: number,
        now: number
    ): void {
        this.sourceIp = source
        this.destination = destination
        this.at = at
        this.length = length
        e.arrives(this, now)
    }

    /**
     * Reports an ICMP error about a packet to `ip` to the endpoint that sent it; the quoted packet's transport header is at `at`.
     * Returns false when no endpoint sent it.
     */
    unreachable(over: Protocol, ip: number, at: number, error: TcpError, now: number): boolean {
        const rx = this.stack.rx
        const e = this.owner(over, readU16(rx, over === Protocol.Icmp ? at + Icmp.Rest : at))
        if (!e) return false
        e.refused(ip, readU16(rx, at + Udp.Destination), error || TcpError.Unreachable, now)
        return true
    }

    /** Fails all packets that wait for the neighbour `hop`, which does not answer. */
    hopFailed(hop: number, now: number): void {
        const s = this.stack
        const list = this.list
        for (let i = 0; i < list.length; i++) {
            const e = list[i] as Endpoint
            if (!e.due || e.over === Over.Arp || nextHop(s, e.remoteIp) !== hop) continue
            e.due = false
            e.fails(s, now)
        }
        // an endpoint may have more to send, to other hosts
        s.dirty = true
    }

    /** Calls the endpoints whose timer has expired, and notes the next deadline. */
    timers(now: number): void {
        const s = this.stack
        const list = this.list
        for (let i = 0; i < list.length; i++) {
            const e = list[i] as Endpoint
            if (!e.armed) continue
            if (((e.deadline - now) | 0) > 0) noteTimer(s, e.deadline)
            else {
                e.armed = false
                e.expires(s, now)
            }
        }
    }

    /**
     * Puts the next packet that is due into the transmit frame and returns the frame's length, 0 when no packet can be sent now.
     */
    transmit(now: number): number {
        const list = this.list
        for (let i = 0; i < list.length; i++) {
            const e = list[i] as Endpoint
            let length = -1
            while (e.due && length < 0) length = this.send(e, now)
            if (length > 0) {
                // next time the other endpoints are asked first
                list.insert(i, -1)
                list.push(e)
                return length
            }
        }
        return 0
    }

    /**
     * Writes the packet that is due at `e`. Returns the frame's length; 0 while the packet waits for a neighbour's address; -1
     * when it is no longer due.
     */
    private send(e: Endpoint, now: number): number {
        const s = this.stack
        const tx = s.tx
        if (e.over === Over.Arp) {
            e.due = false
            return e.compose(s, now)
        }
        const ip = e.remoteIp
        const source = e.anonymous ? 0 : s.ip
        let macs = this.groupMac
        let macAt = 0
        let ttl = s.config.ttl
        let reachable = source !== 0 || e.anonymous
        if (isBroadcast(s, ip)) macs.fillAt(0, 6, 0xff)
        else if (isMulticast(ip)) {
            // RFC 1112 section 6.4: the low 23 bits of the group after 01:00:5e
            macs.setAt(0, "i32", 0x005e0001 | ((ip & 0x7f00) << 16))
            macs.setAt(4, "u16", ip >>> 16)
            ttl = (ip & 0xffffff) === Hops.LinkLocalGroups ? Hops.LinkLocal : Hops.Group
        } else if (reachable) {
            forgetOld(s, now)
            // no packet from that host has shown yet that it exists
            const n = resolve(s, ip, now, true)
            macs = s.neighbours
            macAt = n + Neighbour.Mac
            if (n < 0) {
                const hop = nextHop(s, ip)
                reachable = hop !== 0
                if (reachable) {
                    if (findNeighbour(s, hop) < 0) noteTimer(s, (now + Wait.Neighbours) | 0)
                    return 0
                }
            }
        }
        e.due = false
        if (!reachable) {
            e.fails(s, now)
            return -1
        }
        const port = e.remotePort
        let length = e.compose(s, now)
        if (length < 0) return -1
        if (e.over === Protocol.Udp) {
            length += Udp.Size
            tx.setAt(Frame.Transport + Udp.Source, "u16", swap16(e.port))
            tx.setAt(Frame.Transport + Udp.Destination, "u16", swap16(port))
            writeU16(tx, Frame.Transport + Udp.Length, length)
            tx.setAt(Frame.Transport + Udp.Checksum, "u16", 0)
            const sum = onesSum(tx, Frame.Transport, length, pseudoSum(source, ip, Protocol.Udp, length))
            // RFC 768: a checksum of 0 would mean that the sender computed none
            tx.setAt(Frame.Transport + Udp.Checksum, "u16", checksumOf(sum) || 0xffff)
        }
        length += Ip.Size
        // the identification is the packet's own checksum, not a counter (transmit.ts)
        const checksum = Frame.Transport + (e.over === Protocol.Udp ? Udp.Checksum : Icmp.Checksum)
        writeIpv4(tx, Frame.Ip, length, tx.getAt(checksum, "u16"), ttl, e.over, source, ip)
        writeEthernet(tx, macs, macAt, s.mac, EtherType.IPv4)
        return Frame.Ip + length
    }
}
