// The device's own name on its network, <name>.local: a responder of multicast DNS (RFC 6762) for one address record.

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
    /** Whether somebody else has the name is being asked (section 8.1). */
    Probing = 1,
    /** The name is used. */
    Running = 2,
}

/** What is to be sent. */
const enum Message {
    Probe = 0,
    /** The record, or that there is no other. */
    Answer = 1,
    NoOther = 2,
}

const enum Time {
    /** ms: section 8.1, 8.2, 8.3 and 6. */
    Probe = 250,
    Probes = 3,
    Tie = 1000,
    Announce = 1000,
    Announcements = 2,
    Multicast = 1000,
    /** After so many conflicts each new name waits so long. */
    Conflicts = 15,
    Conflict = 5000,
    /** Seconds that a record may be kept: section 10, and 6.7 for who knows DNS only. */
    Live = 120,
    LegacyLive = 10,
}

const enum Name {
    /** Bytes of the label, of a number behind it, and of all: ".local" and lengths with it. */
    Label = 48,
    Size = 64,
    /** 224.0.0.251. */
    Group = 0xfb0000e0,
    /** What points to the name in a message of ours, as "u16" reads it. */
    Pointer = 0x0cc0,
    /** A question's bit that asks for an answer to the asker alone; a record's that says that there is no other. */
    Unicast = 0x8000,
    Flush = 0x8000,
}

/**
 * Answers for `<name>.local` once nobody else does. If somebody does, it is `<name>-2.local`, and so on: `text` says what it is.
 * Start it when the stack has its address, and again whenever that changes.
 */
export class Responder extends Endpoint {
    state = ResponderState.Off
    /** The name that is used, or asked about, without ".local". */
    text = ""
    private readonly stack: Stack
    private readonly name = Buffer.alloc(Name.Size)
    private length = 0
    private base = ""
    private number = 1
    private conflicts = 0
    private count = 0
    private message = Message.Probe
    /** Of an answer: whose question it repeats, for who knows DNS only; kind of its question. */
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

    /** Takes this name, as soon as nobody else has it: false for what is none, a host's without dots and 48 bytes at most. */
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

    /** Answers nobody any more. */
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
        // section 8.3: it is announced, a second between
        this.legacy = false
        this.say(Message.Answer)
        if (++this.count < Time.Announcements) this.arm(s, now, Time.Announce)
    }

    /** To everybody. */
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
        // section 10.2: one that is proposed, or goes to who knows DNS only, flushes no cache
        writeU16(tx, at + 2, question ? DnsClass.Internet : DnsClass.Internet | Name.Flush)
        writeI32(tx, at + Dns.TimeToLive, legacy ? Time.LegacyLive : Time.Live)
        if (message === Message.NoOther) {
            // section 6.1: the next name is the same one, and of its types there is but the first
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
        // section 11: only who is on this network
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
            // of two the one that has an answer
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
                // one that says goodbye has nothing to say
                if (theirs === stack.ip || seconds === 0) continue
                this.conflict(now)
                return
            }
            // section 7.1: who knows already need not be told
            if (i < answers && theirs === stack.ip && seconds >= Time.Live >> 1) kind = 0
            if (i >= answers && this.state === ResponderState.Probing && this.isLess(rx, data)) {
                // section 8.2: who proposes the greater address goes first, and will answer the next probe
                this.probe(now, Time.Tie)
                return
            }
        }
        if (response || kind === 0 || this.state !== ResponderState.Running) return
        this.answer(kind, unicast, authorities > 0, packet, now)
    }

    /** True when our address is less than the one at `at`, byte by byte. */
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
        // an answer in plain DNS would have to say more
        if (legacy && message === Message.NoOther) return
        // section 6: to everybody at most once a second, to who probes four times
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

    /** Somebody else has the name (section 9): a name that was ours is asked about anew, one that was not is given up. */
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
