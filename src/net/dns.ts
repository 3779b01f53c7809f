// The resolver (RFC 1035 section 7, RFC 1123 section 6.1): names to addresses, asked for and remembered in one small table.

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

/** What is known of a question. */
export const enum DnsResult {
    /** Nothing yet. */
    Asking = 0,
    /** `address` holds it. */
    Found = 1,
    /** There is no such name, or it has no address. */
    NoName = 2,
    /** The servers cannot say, or aliases lead nowhere. */
    Failed = 3,
    /** Nobody answered. */
    TimedOut = 4,
    /** The record was needed for another question: ask again. */
    Gone = 5,
}

const enum Ask {
    /** Milliseconds until the question is sent again; then twice, and four times as long. */
    Wait = 1000,
    Rounds = 3,
    /** Aliases that are followed from one message to the next. */
    Depth = 4,
    /** Seconds: the longest that an address, or that there is none, is remembered. */
    Longest = 86400,
    LongestNegative = 300,
}

const enum Group {
    /** 224.0.0.251. */
    Multicast = 0xfb0000e0,
}

/** A question, and what is known of it. Made at the start, used for one name after the other: fields take less code than bytes. */
class Question {
    /** 0 for one that is free. */
    ticket = 0
    result = DnsResult.Gone
    /** It is to be sent. */
    due = false
    multicast = false
    tries = 0
    /** Aliases that led to the name. */
    depth = 0
    id = 0
    port = 0
    /** When it is sent again; once it is answered, when that is too old for others who ask. */
    time = 0
    length = 0
    /** As long as the longest name that has stood in it. */
    name = Buffer.alloc(0)
    /** The addresses that were found, 0 behind them. */
    readonly ips = Buffer.alloc(Found.TimeToLive)
}

/**
 * Asks the servers it is told of, each 1, 2 and 4 seconds after the other; names that end in .local by multicast DNS (RFC 6762
 * section 5.1), and by the servers if nobody answers that. Each question has a port and an id of its own that nobody can guess (RFC 5452), and takes an answer only to
 * that, from whom it asked. Answers that do not fit a datagram (TC) count as far as they go; one without any record there, or a
 * referral, is none: the next server is asked. An alias whose address is not in the same message is asked for in the place of the
 * name, and so not remembered by that.
 */
export class Resolver extends Endpoint {
    /** The address that `result` found last; all there are for the name, as many as fit, 0 behind them. */
    address = 0
    addresses: Buffer
    private server = 0
    private server2 = 0
    private readonly stack: Stack
    private readonly list: Question[] = []
    private readonly name = Buffer.alloc(DnsLimit.Name + 1)
    private readonly found = Buffer.alloc(Found.Size)
    private lastTicket = 0
    /** The question that is due next. */
    private current: Question

    /** Takes memory for so many questions and answers; each name takes its own when it is first asked for. */
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

    /** Whom to ask, the second if the first does not answer; 0 for none. Answers of others before them are forgotten. */
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
     * Asks for the address of a name, and gives a ticket for `result`. Else an error: Invalid for what is no host's name;
     * Unreachable without a server; NoBuffers when as many are asked for as may be.
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
            // a free one, else the one that is the first to be out of date
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

    /** Asks for the name of `length` bytes that was read or written last; false when there is nobody to ask. */
    private beginNamed(q: Question, length: number, now: number): boolean {
        if (length > q.name.length) q.name = Buffer.alloc(length)
        q.length = length
        q.name.blitAt(0, this.name, 0, length)
        return this.begin(q, isLocalName(q.name, 0, length), now)
    }

    /** Asks for the name that stands in `q`; false when there is nobody to ask. */
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

    /** What has become of a question. */
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

    /** Sends the question for the first time, or once more; or gives it up. */
    private again(q: Question, now: number): void {
        const round = this.server2 !== 0 && !q.multicast ? q.tries >> 1 : q.tries
        if (round >= Ask.Rounds) {
            // RFC 6762 section 3: such names may be known elsewhere as well
            if (q.multicast && this.begin(q, false, now)) return
            this.done(q, DnsResult.TimedOut, 0, now)
            return
        }
        q.due = true
        q.tries++
        q.time = (now + (Ask.Wait << round)) | 0
        this.schedule(now)
    }

    /** Has the next question sent that is due, and the timer run for those that wait. */
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

    /** The question that goes from this port; undefined for none. */
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

    /** There is no way to the server, now: the question will be sent once more. */
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
            // another server may know better; of this one there is nothing more to be had
            if (this.server2 === 0 || q.tries >= 2) this.done(q, DnsResult.Failed, 0, now)
            else this.again(q, now)
        } else if (kind === AnswerKind.Address) {
            q.ips.blitAt(0, found, Found.Ips, Found.TimeToLive)
            this.done(q, DnsResult.Found, Math.min(seconds, Ask.Longest), now)
        } else if (kind === AnswerKind.Alias && code === DnsCode.NoError) {
            if (++q.depth > Ask.Depth || !this.beginNamed(q, found.getAt(Found.Length, "i32"), now))
                this.done(q, DnsResult.Failed, 0, now)
        } else {
            const kept = Math.min(seconds, Ask.LongestNegative)
            this.done(q, DnsResult.NoName, kept, now)
        }
    }

    /** True when the datagram comes from whom it was asked (RFC 5452 section 9.1, RFC 6762 section 11). */
    private isFrom(q: Question, { stack, sourceIp, sourcePort }: Packet): boolean {
        if (q.multicast) return sourcePort === DnsPort.Multicast && isLocal(stack, sourceIp)
        if (sourcePort !== DnsPort.Server) return false
        return sourceIp === this.server || (sourceIp === this.server2 && q.tries > 1)
    }

    /** The question is answered, or given up; it is remembered for so many seconds. */
    private done(q: Question, result: DnsResult, seconds: number, now: number): void {
        q.result = result
        q.time = (now + seconds * 1000) | 0
        q.due = false
        // it is not to be sent any more
        if (q === this.current) this.due = false
        this.schedule(now)
    }
}
