// The resolver (RFC 1035 section 7, RFC 1123 section 6.1): asks for the addresses of names and caches them in one small table.

import { Buffer } from "@devicescript/core"
import { readU16 } from "../base/bytes"
import { Frame } from "../tcp/context"
import { TcpError } from "../tcp/records"
import {
    AnswerKind,
    Dns,
    DnsCode,
    DnsFlag,
    DnsLimit,
    DnsPort,
    encodeName,
    Found,
    isLocalName,
    readAnswer,
    writeQuery,
} from "../wire/dns"
import { Udp } from "../wire/udp"
import { Endpoint, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import { isLocal, type Stack } from "./stack"

/** Results of a question. */
export const enum DnsResult {
    /** No answer has arrived yet. */
    Asking = 0,
    /** `address` holds the address. */
    Found = 1,
    /** The name does not exist, or has no address. */
    NoName = 2,
    /** The servers cannot answer, or the aliases do not end. */
    Failed = 3,
    /** No server answered. */
    TimedOut = 4,
    /** Another question took this question's record; ask again. */
    Gone = 5,
}

const enum DnsRetry {
    /** Milliseconds until the question is sent again; the wait then doubles, twice. */
    Wait = 1000,
    Rounds = 3,
    /** Aliases that are followed from one answer to the next question. */
    Depth = 4,
    /** Longest time in seconds that an address is cached; LongestNegative: that a negative answer is. */
    Longest = 86400,
    LongestNegative = 300,
}

const enum Group {
    /** 224.0.0.251. */
    Multicast = 0xfb0000e0,
}

/**
 * A question with its answer. All are allocated at start and reused; fields of an object take less code than bytes of a record.
 */
class Question {
    /** 0 when this object is free. */
    ticket = 0
    result = DnsResult.Gone
    /** True when the question is due to be sent. */
    due = false
    multicast = false
    tries = 0
    /** Aliases that led from the first name to this one. */
    depth = 0
    id = 0
    port = 0
    /** Time of the next try; once there is an answer, the time from which it is too old for another caller. */
    time = 0
    length = 0
    /** The name in wire format. The buffer is as long as the longest name that it has held. */
    name = Buffer.alloc(0)
    /** The addresses that were found, then 0. */
    readonly ips = Buffer.alloc(Found.TimeToLive)
}

/**
 * Asks the servers set by `setServers` in turn, with waits of 1, 2 and 4 seconds. Resolves a name in .local by multicast DNS (RFC
 * 6762 section 5.1), and asks the servers if no host answers.
 *
 * Each question has a random port and id (RFC 5452), and only an answer to both, from the server that was asked, counts. A
 * truncated answer (TC) counts as far as it goes. A referral, or a truncated answer without a record, makes the resolver ask the
 * next server. When an alias arrives without its address, the question continues with the alias's target as its name, and the
 * first name is not cached.
 */
export class Resolver extends Endpoint {
    /** The first address of the last `result`, and all its addresses that fit, then 0. */
    address = 0
    addresses: Buffer
    private server = 0
    private server2 = 0
    private readonly stack: Stack
    private readonly list: Question[] = []
    private readonly name = Buffer.alloc(DnsLimit.Name + 1)
    private readonly found = Buffer.alloc(Found.Size)
    private lastTicket = 0
    /** The question to send next. */
    private current: Question

    /** Allocates `questions` questions; each allocates memory for its name on first use. */
    constructor(
        private readonly endpoints: Endpoints,
        questions: number
    ) {
        super()
        this.stack = endpoints.stack
        for (let i = 0; i < questions; i++) this.list.push(new Question())
        this.current = this.list[0] as Question
        this.addresses = this.current.ips
        endpoints.add(this)
    }

    /** Sets the servers, 0 = none; the second is asked if the first does not answer. Forgets the answers of previous servers. */
    setServers(server: number, server2: number): void {
        if (server === 0) {
            server = server2
            server2 = 0
        }
        if (server === this.server && server2 === this.server2) return
        this.server = server
        this.server2 = server2
        for (let i = 0; i < this.list.length; i++) {
            const q = this.list[i] as Question
            if (q.result !== DnsResult.Asking) q.ticket = 0
        }
    }

    /**
     * Asks for the address of a name and returns a ticket for `result`, or an error: Invalid for text that cannot be a host's
     * name, Unreachable if no server is set, NoBuffers when all questions are in use.
     */
    ask(text: string, now: number): number {
        const length = encodeName(text, this.name, 0, DnsLimit.Name)
        if (length === 0) return TcpError.Invalid
        let free: Question | undefined
        let soonest = 0
        for (let i = 0; i < this.list.length; i++) {
            const q = this.list[i] as Question
            const asking = q.result === DnsResult.Asking
            const left = q.ticket === 0 ? -0x80000000 : (q.time - now) | 0
            if ((asking || left > 0) && this.isNamed(q, length)) return q.ticket
            // chooses a free question, or the one whose answer expires first
            if (asking || (free && left >= soonest)) continue
            free = q
            soonest = left
        }
        if (!free) return TcpError.NoBuffers
        free.depth = 0
        if (!this.beginNamed(free, length, now)) return TcpError.Unreachable
        this.lastTicket = this.lastTicket === 0xffff ? 1 : this.lastTicket + 1
        free.ticket = this.lastTicket
        return free.ticket
    }

    private isNamed(q: Question, length: number): boolean {
        if (q.length !== length) return false
        for (let i = 0; i < length; i++) {
            if (q.name.getAt(i, "u8") !== this.name.getAt(i, "u8")) return false
        }
        return true
    }

    /** Asks for the name of `length` bytes in `this.name`. Returns false if no server is set. */
    private beginNamed(q: Question, length: number, now: number): boolean {
        if (length > q.name.length) q.name = Buffer.alloc(length)
        q.length = length
        q.name.blitAt(0, this.name, 0, length)
        return this.begin(q, isLocalName(q.name, 0, length), now)
    }

    /** Asks for the name in `q`. Returns false if no server is set. */
    private begin(q: Question, multicast: boolean, now: number): boolean {
        q.multicast = multicast
        q.port = this.endpoints.freePort()
        if ((this.server === 0 && !q.multicast) || q.port === 0) return false
        q.id = this.endpoints.random() & 0xffff
        q.tries = 0
        q.result = DnsResult.Asking
        this.again(q, now)
        return true
    }

    /** Returns the state of a question. */
    result(ticket: number): DnsResult {
        for (let i = 0; i < this.list.length; i++) {
            const q = this.list[i] as Question
            if (ticket <= 0 || q.ticket !== ticket) continue
            this.addresses = q.ips
            this.address = q.ips.getAt(0, "i32")
            return q.result
        }
        return DnsResult.Gone
    }

    /** Schedules the question for the first time or again, or gives it up. */
    private again(q: Question, now: number): void {
        const round = this.server2 !== 0 && !q.multicast ? q.tries >> 1 : q.tries
        if (round >= DnsRetry.Rounds) {
            // RFC 6762 section 3: DNS servers may know such names as well
            if (q.multicast && this.begin(q, false, now)) return
            this.done(q, DnsResult.TimedOut, 0, now)
            return
        }
        q.due = true
        q.tries++
        q.time = (now + (DnsRetry.Wait << round)) | 0
        this.schedule(now)
    }

    /** Schedules the next question that is due, and the timer for the questions that wait. */
    private schedule(now: number): void {
        this.armed = false
        for (let i = 0; i < this.list.length; i++) {
            const q = this.list[i] as Question
            if (q.result !== DnsResult.Asking) continue
            const left = (q.time - now) | 0
            if (!this.armed || ((q.time - this.deadline) | 0) < 0)
                this.arm(this.stack, now, Math.max(left, 0))
            if (!q.due || this.due) continue
            this.current = q
            this.remoteIp = q.multicast
                ? Group.Multicast | 0
                : this.server2 !== 0 && !(q.tries & 1)
                  ? this.server2
                  : this.server
            this.remotePort = q.multicast ? DnsPort.Multicast : DnsPort.Server
            this.send(this.stack)
        }
    }

    /** Returns the question that was sent from this port, undefined if not found. */
    private from(port: number): Question | undefined {
        for (let i = 0; i < this.list.length; i++) {
            const q = this.list[i] as Question
            if (q.port === port && q.result === DnsResult.Asking) return q
        }
        return undefined
    }

    override owns(port: number): boolean {
        return this.from(port) !== undefined
    }

    override compose(s: Stack, now: number): number {
        const q = this.current
        this.port = q.port
        q.due = false
        this.schedule(now)
        const flags = q.multicast ? 0 : DnsFlag.Recursion
        return writeQuery(s.tx, Frame.Transport + Udp.Size, q.id, flags, q.name, q.length)
    }

    /** Handles an unreachable server: the question is sent again when its timer expires. */
    override fails(_s: Stack, now: number): void {
        this.current.due = false
        this.schedule(now)
    }

    override expires(_s: Stack, now: number): void {
        for (let i = 0; i < this.list.length; i++) {
            const q = this.list[i] as Question
            if (q.result === DnsResult.Asking && ((q.time - now) | 0) <= 0) this.again(q, now)
        }
        this.schedule(now)
    }

    override arrives(packet: Packet, now: number): void {
        const { at, stack } = packet
        const rx = stack.rx
        const found = this.found
        const q = this.from(readU16(rx, at - Udp.Size + Udp.Destination))
        let kind: AnswerKind = AnswerKind.None
        if (q && this.isFrom(q, packet)) {
            this.name.blitAt(0, q.name, 0, q.length)
            kind = readAnswer(rx, at, packet.length, q.id, this.name, found)
        }
        if (!q || kind === AnswerKind.None) {
            this.dropped++
            return
        }
        const code = rx.getAt(at + Dns.Code, "u8") & DnsCode.Mask
        const seconds = found.getAt(Found.TimeToLive, "i32")
        const cut = (rx.getAt(at + Dns.Flags, "u8") & DnsFlag.Cut) !== 0
        const empty = kind === AnswerKind.Referral || (cut && kind === AnswerKind.Nothing)
        if (code !== DnsCode.NoName && (code !== DnsCode.NoError || empty)) {
            // this server cannot answer, but another may
            if (this.server2 === 0 || q.tries >= 2) this.done(q, DnsResult.Failed, 0, now)
            else this.again(q, now)
        } else if (kind === AnswerKind.Address) {
            q.ips.blitAt(0, found, Found.Ips, Found.TimeToLive)
            this.done(q, DnsResult.Found, Math.min(seconds, DnsRetry.Longest), now)
        } else if (kind === AnswerKind.Alias && code === DnsCode.NoError) {
            if (++q.depth > DnsRetry.Depth || !this.beginNamed(q, found.getAt(Found.Length, "i32"), now))
                this.done(q, DnsResult.Failed, 0, now)
        } else {
            const kept = Math.min(seconds, DnsRetry.LongestNegative)
            this.done(q, DnsResult.NoName, kept, now)
        }
    }

    /** Returns true when the datagram comes from a server that was asked (RFC 5452 section 9.1, RFC 6762 section 11). */
    private isFrom(q: Question, { stack, sourceIp, sourcePort }: Packet): boolean {
        if (q.multicast) return sourcePort === DnsPort.Multicast && isLocal(stack, sourceIp)
        if (sourcePort !== DnsPort.Server) return false
        return sourceIp === this.server || (sourceIp === this.server2 && q.tries > 1)
    }

    /** Ends a question with its result, which is cached for `seconds`. */
    private done(q: Question, result: DnsResult, seconds: number, now: number): void {
        q.result = result
        q.time = (now + seconds * 1000) | 0
        q.due = false
        // the question may still be waiting to be sent
        if (q === this.current) this.due = false
        this.schedule(now)
    }
}
