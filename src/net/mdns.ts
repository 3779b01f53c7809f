// The device's own name on its network, <name>.local: a multicast DNS responder (RFC 6762) with one address record.

import { Buffer } from "@devicescript/core"
import { readI32, readU16, writeI32, writeU16 } from "../base/bytes"
import { Frame } from "../tcp/context"
import {
    beginMessage,
    Dns,
    DnsClass,
    DnsFlag,
    DnsPort,
    DnsType,
    encodeName,
    readName,
    skipName,
} from "../wire/dns"
import { Udp } from "../wire/udp"
import { Endpoint, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import { isLocal, type Stack } from "./stack"

export const enum ResponderState {
    Off = 0,
    /** The responder asks whether another host uses the name (section 8.1). */
    Probing = 1,
    /** The name is in use. */
    Running = 2,
}

/** Messages that the responder sends. */
const enum Message {
    Probe = 0,
    /** The address record, or a record that says that the name has no other record. */
    Answer = 1,
    NoOther = 2,
}

const enum Time {
    /** ms: sections 8.1, 8.2, 8.3 and 6. */
    Probe = 250,
    Probes = 3,
    Tie = 1000,
    Announce = 1000,
    Announcements = 2,
    Multicast = 1000,
    /** After `Conflicts` conflicts, each new name is delayed by `Conflict` ms (section 8.1). */
    Conflicts = 15,
    Conflict = 5000,
    /** Seconds for which the record may be cached: section 10, and section 6.7 for plain DNS clients. */
    Live = 120,
    LegacyLive = 10,
}

const enum Name {
    /** Length limits in bytes: the label without its number, and the whole name in wire format with ".local". */
    Label = 48,
    Size = 64,
    /** 224.0.0.251. */
    Group = 0xfb0000e0,
    /** A compression pointer to the name in our message, as "u16" reads it. */
    Pointer = 0x0cc0,
    /** Top bit of a class: in a question it asks for a unicast answer, in a record it says that no other record is valid. */
    Unicast = 0x8000,
    Flush = 0x8000,
}

/**
 * Answers for `<name>.local` after probing that no other host does. If another host does, the name becomes `<name>-2.local` and
 * so on; `text` holds the current one. The program calls `start` when the stack has its address, and again whenever the address
 * changes.
 */
export class Responder extends Endpoint {
    state = ResponderState.Off
    /** The name that is used or probed, without ".local". */
    text = ""
    private readonly stack: Stack
    private readonly name = Buffer.alloc(Name.Size)
    private length = 0
    private base = ""
    private number = 1
    private conflicts = 0
    private count = 0
    private message = Message.Probe
    /** True when the answer goes to a plain DNS client and repeats its question; then the id and type of that question. */
    private legacy = false
    private id = 0
    private kind = 0
    private multicastAt = 0
    private multicasted = false

    constructor(private readonly endpoints: Endpoints) {
        super()
        this.stack = endpoints.stack
        this.port = DnsPort.Multicast
        this.group = Name.Group | 0
        endpoints.add(this)
    }

    /**
     * Claims a name: probes that no other host has it, then uses it. Returns false for a name that is not valid: it has a dot, or
     * more than 48 bytes.
     */
    start(name: string, now: number): boolean {
        if (name !== this.base || this.length === 0) {
            if (name.length > Name.Label || name.indexOf(".") >= 0) return false
            if (encodeName(name, this.name, 0, Name.Size) === 0) return false
            this.base = name
            this.number = 1
            this.conflicts = 0
        }
        this.rename()
        if (this.stack.ip === 0) this.stop()
        else this.probe(now, this.endpoints.randomBelow(Time.Probe))
        return true
    }

    /** Stops answering. */
    stop(): void {
        this.state = ResponderState.Off
        this.armed = false
        this.due = false
    }

    private rename(): void {
        this.text = this.number > 1 ? `${this.base}-${this.number}` : this.base
        this.length = encodeName(`${this.text}.local`, this.name, 0, Name.Size)
    }

    private probe(now: number, wait: number): void {
        this.state = ResponderState.Probing
        this.count = 0
        this.due = false
        this.multicasted = false
        this.arm(this.stack, now, wait)
    }

    override expires(s: Stack, now: number): void {
        if (this.state === ResponderState.Probing) {
            if (this.count < Time.Probes) {
                this.count++
                this.say(Message.Probe)
                this.arm(s, now, Time.Probe)
                return
            }
            this.state = ResponderState.Running
            this.count = 0
        }
        // section 8.3: the responder announces the record twice, a second apart
        this.legacy = false
        this.say(Message.Answer)
        if (++this.count < Time.Announcements) this.arm(s, now, Time.Announce)
    }

    /** Schedules a multicast of `message`. */
    private say(message: Message): void {
        this.message = message
        this.remoteIp = Name.Group | 0
        this.remotePort = DnsPort.Multicast
        this.send(this.stack)
    }

    override compose(s: Stack, now: number): number {
        const tx = s.tx
        const start: number = Frame.Transport + Udp.Size
        const { message, length, legacy } = this
        let at = start + Dns.Size
        tx.fillAt(start, Dns.Size, 0)
        tx.blitAt(at, this.name, 0, length)
        at += length
        const question = message === Message.Probe || legacy
        if (question) {
            tx.setAt(start + Dns.Questions + 1, "u8", 1)
            writeU16(tx, at, legacy ? this.kind : DnsType.Any)
            writeU16(tx, at + 2, legacy ? DnsClass.Internet : DnsClass.Internet | Name.Unicast)
            at += Dns.Question
            tx.setAt(at, "u16", Name.Pointer)
            at += 2
        }
        if (message === Message.Probe) tx.setAt(start + Dns.Authorities + 1, "u8", 1)
        else {
            tx.setAt(start + Dns.Flags, "u8", DnsFlag.Response | DnsFlag.Authoritative)
            tx.setAt(start + Dns.Answers + 1, "u8", 1)
            if (legacy) tx.setAt(start + Dns.Id, "u16", this.id)
            else if (this.remoteIp === (Name.Group | 0)) {
                this.multicasted = true
                this.multicastAt = now
            }
        }
        // section 10.2: probes and replies to plain DNS clients do not set the cache-flush bit
        writeU16(tx, at + 2, question ? DnsClass.Internet : DnsClass.Internet | Name.Flush)
        writeI32(tx, at + Dns.TimeToLive, legacy ? Time.LegacyLive : Time.Live)
        if (message === Message.NoOther) {
            // section 6.1: the "next" name is the name itself, and its only type is the address
            writeU16(tx, at, DnsType.NextSecure)
            writeU16(tx, at + Dns.DataLength, 5)
            at += Dns.Record
            tx.setAt(at, "u16", Name.Pointer)
            tx.setAt(at + 2, "i32", 0x400100)
            at += 5
        } else {
            writeU16(tx, at, DnsType.Address)
            writeU16(tx, at + Dns.DataLength, 4)
            at += Dns.Record
            tx.setAt(at, "i32", s.ip)
            at += 4
        }
        return at - start
    }

    override arrives(packet: Packet, now: number): void {
        const { stack, at, length, sourceIp, sourcePort } = packet
        const rx = stack.rx
        // section 11: only hosts on this network are answered
        if (this.state === ResponderState.Off || length < Dns.Size || !isLocal(stack, sourceIp)) return
        const flags = rx.getAt(at + Dns.Flags, "u8")
        if (flags & DnsFlag.Opcode) return
        const response = (flags & DnsFlag.Response) !== 0
        if (response && sourcePort !== DnsPort.Multicast) return
        const end = at + length
        const name = this.name
        let p = at + Dns.Size
        const questions = readU16(rx, at + Dns.Questions)
        let kind = 0
        let unicast = false
        beginMessage()
        for (let i = 0; i < questions; i++) {
            const same = readName(rx, at, end, p, name, true) > 0
            p = skipName(rx, p, end)
            if (p < 0 || p + Dns.Question > end) return
            const type = readU16(rx, p)
            const asked = readU16(rx, p + 2)
            p += Dns.Question
            const internet = asked & DnsClass.Mask
            if (!same || (internet !== DnsClass.Internet && internet !== DnsType.Any)) continue
            // a question about the address takes precedence over others
            if (!isAddress(kind)) kind = type
            if (asked & Name.Unicast) unicast = true
        }
        const answers = readU16(rx, at + Dns.Answers)
        const authorities = readU16(rx, at + Dns.Authorities)
        const records = answers + authorities + (response ? readU16(rx, at + Dns.Additional) : 0)
        for (let i = 0; i < records; i++) {
            const owner = p
            p = skipName(rx, p, end)
            if (p < 0 || p + Dns.Record > end) return
            const type = readU16(rx, p)
            const seconds = readI32(rx, p + Dns.TimeToLive)
            const size = readU16(rx, p + Dns.DataLength)
            const internet = (readU16(rx, p + 2) & DnsClass.Mask) === DnsClass.Internet
            p += Dns.Record
            const data = p
            p += size
            if (p > end) return
            if (!internet || type !== DnsType.Address || size !== 4) continue
            if (readName(rx, at, end, owner, name, true) <= 0) continue
            const theirs = rx.getAt(data, "i32")
            if (response) {
                // a record with a time to live of 0 (goodbye, section 10.1) is not a conflict
                if (theirs === stack.ip || seconds === 0) continue
                this.conflict(now)
                return
            }
            // section 7.1: a host that already knows the address need not be answered
            if (i < answers && theirs === stack.ip && seconds >= Time.Live >> 1) kind = 0
            if (i >= answers && this.state === ResponderState.Probing && this.isLess(rx, data)) {
                // section 8.2: the host that proposes the greater address wins, and will answer our next probe
                this.probe(now, Time.Tie)
                return
            }
        }
        if (response || kind === 0 || this.state !== ResponderState.Running) return
        this.answer(kind, unicast, authorities > 0, packet, now)
    }

    /** Returns true when our address is less than the one at `at`, compared byte by byte. */
    private isLess(rx: Buffer, at: number): boolean {
        const ip = this.stack.ip
        for (let i = 0; i < 4; i++) {
            const ours = (ip >> (8 * i)) & 0xff
            const theirs = rx.getAt(at + i, "u8")
            if (ours !== theirs) return ours < theirs
        }
        return false
    }

    private answer(kind: number, unicast: boolean, probe: boolean, packet: Packet, now: number): void {
        const legacy = packet.sourcePort !== DnsPort.Multicast
        const message = isAddress(kind) ? Message.Answer : Message.NoOther
        // in plain DNS "no other record" would need an SOA record
        if (legacy && message === Message.NoOther) return
        // section 6: a multicast answer is sent at most once per second, in answer to probes four times per second
        const pause = probe ? Time.Probe : Time.Multicast
        const soon = this.multicasted && ((now - this.multicastAt) | 0) < pause
        if (this.due || (!legacy && !unicast && soon)) {
            this.dropped++
            return
        }
        this.legacy = legacy
        this.kind = kind
        this.id = packet.stack.rx.getAt(packet.at + Dns.Id, "u16")
        this.say(message)
        if (legacy || unicast) {
            this.remoteIp = packet.sourceIp
            this.remotePort = packet.sourcePort
        }
    }

    /**
     * Handles another host's claim to the name (section 9): probes again if the name is in use, chooses the next name if it is
     * being probed.
     */
    private conflict(now: number): void {
        let wait = this.endpoints.randomBelow(Time.Probe)
        if (this.state === ResponderState.Probing) {
            if (++this.conflicts >= Time.Conflicts) wait = Time.Conflict
            this.number++
            this.rename()
        }
        this.probe(now, wait)
    }
}

function isAddress(kind: number): boolean {
    return kind === DnsType.Address || kind === DnsType.Any
}
