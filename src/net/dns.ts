// The resolver (RFC 1035 section 7, RFC 1123 section 6.1): names to addresses, asked for and remembered in one small table.

import { Buffer } from "@devicescript/core"
import { Frame } from "../tcp/context"
import { TcpError } from "../tcp/tcb"
import { readU16 } from "../wire/bytes"
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
import { Endpoint } from "./endpoint"
import type { Endpoints } from "./endpoints"
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

/** Offsets in a record; the name follows. Free when Ticket is 0. */
const enum Entry {
    Ticket = 0,
    /** A DnsResult. */
    Result = 2,
    /** Bits of EntryFlag. */
    Flags = 3,
    /** Questions sent. */
    Tries = 4,
    /** Aliases that led here. */
    Depth = 5,
    Id = 6,
    Port = 8,
    /** The record of the name that this one is an alias of. */
    Follows = 10,
    Ip = 12,
    /** When it is asked again; once the answer is there, when that is too old for others. */
    Time = 16,
    NameLength = 20,
    Name = 22,
}

const enum EntryFlag {
    /** A question is to be sent. */
    Due = 1,
    /** By multicast DNS. */
    Multicast = 2,
    /** Waits for the record in Follows. */
    Follows = 4,
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

/**
 * Asks the servers it is told of, each 1, 2 and 4 seconds after the other; names that end in .local by multicast DNS (RFC 6762
 * section 5.1). Each question has a port and an id of its own that nobody can guess (RFC 5452), and takes an answer only to
 * that, from whom it asked. Answers that do not fit a datagram (TC) count as far as they go.
 */
export class Resolver extends Endpoint {
    /** The address that `result` found last. */
    address = 0
    private server = 0
    private server2 = 0
    private readonly stack: Stack
    private readonly table: Buffer
    private readonly recordSize: number
    private readonly name = Buffer.alloc(DnsLimit.Name + 1)
    private readonly found = Buffer.alloc(Found.Size)
    private lastTicket = 0
    /** The record whose question is due next. */
    private current = 0

    /**
     * Takes memory for `entries` questions and answers, with names of `nameSize` bytes at most: two more than they have
     * characters, 255 at most.
     */
    constructor(
        private readonly endpoints: Endpoints,
        entries: number,
        private readonly nameSize: number
    ) {
        super()
        this.stack = endpoints.stack
        this.recordSize = Entry.Name + nameSize
        this.table = Buffer.alloc(entries * this.recordSize)
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
        const table = this.table
        for (let e = 0; e < table.length; e += this.recordSize) {
            if (table.getAt(e + Entry.Result, "u8") !== DnsResult.Asking)
                table.setAt(e + Entry.Ticket, "u16", 0)
        }
    }

    /**
     * Asks for the address of a name, and gives a ticket for `result`. Else an error: Invalid for what is no host's name;
     * Unreachable without a server; NoBuffers when as many are asked for as may be.
     */
    ask(text: string, now: number): number {
        const length = encodeName(text, this.name, 0, this.nameSize)
        if (length === 0) return TcpError.Invalid
        return this.question(length, 0, now)
    }

    /** The same for the name in `name`. */
    private question(length: number, depth: number, now: number): number {
        const { table, name, recordSize } = this
        const multicast = isLocalName(name, 0, length)
        if (this.server === 0 && !multicast) return TcpError.Unreachable
        let free = -1
        let soonest = 0
        for (let e = 0; e < table.length; e += recordSize) {
            const ticket = table.getAt(e + Entry.Ticket, "u16")
            const done = table.getAt(e + Entry.Result, "u8") !== DnsResult.Asking
            const left = done ? (table.getAt(e + Entry.Time, "i32") - now) | 0 : 0
            if (ticket !== 0 && !(done && left <= 0) && this.isNamed(e, length)) return ticket
            // a free one, else the one that is the first to be out of date
            if (ticket !== 0 && !done) continue
            const rank = ticket === 0 ? -0x80000000 : left
            if (free < 0 || rank < soonest) {
                free = e
                soonest = rank
            }
        }
        const port = this.endpoints.freePort()
        if (free < 0 || port === 0) return TcpError.NoBuffers
        this.lastTicket = this.lastTicket === 0xffff ? 1 : this.lastTicket + 1
        table.fillAt(free, Entry.Name, 0)
        table.setAt(free + Entry.Ticket, "u16", this.lastTicket)
        table.setAt(free + Entry.Depth, "u8", depth)
        table.setAt(free + Entry.Id, "u16", this.endpoints.random() & 0xffff)
        table.setAt(free + Entry.Port, "u16", port)
        table.setAt(free + Entry.Flags, "u8", multicast ? EntryFlag.Multicast : 0)
        table.setAt(free + Entry.NameLength, "u16", length)
        table.blitAt(free + Entry.Name, name, 0, length)
        this.again(free, now)
        return this.lastTicket
    }

    private isNamed(e: number, length: number): boolean {
        const { table, name } = this
        if (table.getAt(e + Entry.NameLength, "u16") !== length) return false
        for (let i = 0; i < length; i++) {
            if (table.getAt(e + Entry.Name + i, "u8") !== name.getAt(i, "u8")) return false
        }
        return true
    }

    /** What has become of a question. */
    result(ticket: number): DnsResult {
        const e = this.find(ticket)
        if (e < 0) return DnsResult.Gone
        this.address = this.table.getAt(e + Entry.Ip, "i32")
        return this.table.getAt(e + Entry.Result, "u8")
    }

    private find(ticket: number): number {
        const table = this.table
        for (let e = 0; e < table.length; e += this.recordSize) {
            if (ticket > 0 && table.getAt(e + Entry.Ticket, "u16") === ticket) return e
        }
        return -1
    }

    /** Sends the question of `e` for the first time, or once more; or gives it up. */
    private again(e: number, now: number): void {
        const table = this.table
        const flags = table.getAt(e + Entry.Flags, "u8")
        const tries = table.getAt(e + Entry.Tries, "u8")
        const two = this.server2 !== 0 && !(flags & EntryFlag.Multicast)
        const round = two ? tries >> 1 : tries
        if (round >= Ask.Rounds) {
            this.done(e, DnsResult.TimedOut, 0, now)
            return
        }
        table.setAt(e + Entry.Flags, "u8", flags | EntryFlag.Due)
        table.setAt(e + Entry.Tries, "u8", tries + 1)
        table.setAt(e + Entry.Time, "i32", (now + (Ask.Wait << round)) | 0)
        this.schedule(now)
    }

    /** Has the next question sent that is due, and the timer run for those that wait. */
    private schedule(now: number): void {
        const table = this.table
        let wait = -1
        for (let e = 0; e < table.length; e += this.recordSize) {
            const flags = table.getAt(e + Entry.Flags, "u8")
            if (table.getAt(e + Entry.Ticket, "u16") === 0 || flags & EntryFlag.Follows) continue
            if (table.getAt(e + Entry.Result, "u8") !== DnsResult.Asking) continue
            const left = (table.getAt(e + Entry.Time, "i32") - now) | 0
            if (wait < 0 || left < wait) wait = left > 0 ? left : 0
            if (!(flags & EntryFlag.Due) || this.due) continue
            const multicast = (flags & EntryFlag.Multicast) !== 0
            const second = this.server2 !== 0 && !(table.getAt(e + Entry.Tries, "u8") & 1)
            this.current = e
            this.remoteIp = multicast ? Group.Multicast | 0 : second ? this.server2 : this.server
            this.remotePort = multicast ? DnsPort.Multicast : DnsPort.Server
            this.send(this.stack)
        }
        this.armed = false
        if (wait >= 0) this.arm(this.stack, now, wait)
    }

    override owns(port: number): boolean {
        const table = this.table
        for (let e = 0; e < table.length; e += this.recordSize) {
            if (
                table.getAt(e + Entry.Port, "u16") === port &&
                table.getAt(e + Entry.Ticket, "u16") !== 0 &&
                table.getAt(e + Entry.Result, "u8") === DnsResult.Asking
            )
                return true
        }
        return false
    }

    override compose(s: Stack, now: number): number {
        const { table, current } = this
        const flags = table.getAt(current + Entry.Flags, "u8")
        if (!(flags & EntryFlag.Due)) {
            this.schedule(now)
            return -1
        }
        const at: number = Frame.Transport + Udp.Size
        this.port = table.getAt(current + Entry.Port, "u16")
        table.setAt(current + Entry.Flags, "u8", flags & ~EntryFlag.Due)
        const length = writeQuery(
            s.tx,
            at,
            table.getAt(current + Entry.Id, "u16"),
            flags & EntryFlag.Multicast ? 0 : DnsFlag.Recursion,
            table,
            current + Entry.Name,
            table.getAt(current + Entry.NameLength, "u16")
        )
        this.schedule(now)
        return length
    }

    /** There is no way to the server, now: the next question may find one. */
    override fails(_s: Stack, now: number): void {
        const at = this.current + Entry.Flags
        this.table.setAt(at, "u8", this.table.getAt(at, "u8") & ~EntryFlag.Due)
        this.schedule(now)
    }

    override expires(_s: Stack, now: number): void {
        const table = this.table
        for (let e = 0; e < table.length; e += this.recordSize) {
            if (table.getAt(e + Entry.Ticket, "u16") === 0) continue
            if (table.getAt(e + Entry.Result, "u8") !== DnsResult.Asking) continue
            if (table.getAt(e + Entry.Flags, "u8") & EntryFlag.Follows) continue
            if (((table.getAt(e + Entry.Time, "i32") - now) | 0) <= 0) this.again(e, now)
        }
        this.schedule(now)
    }

    override arrives(from: Endpoints, now: number): void {
        const { table, name, found } = this
        const { at, length, stack } = from
        const rx = stack.rx
        const e = length < Dns.Size ? -1 : this.asked(from)
        if (e < 0) {
            this.dropped++
            return
        }
        name.blitAt(0, table, e + Entry.Name, table.getAt(e + Entry.NameLength, "u16"))
        const kind = readAnswer(rx, at, length, name, found)
        const code = rx.getAt(at + Dns.Code, "u8") & DnsCode.Mask
        if (kind === AnswerKind.None) {
            this.dropped++
            return
        }
        const seconds = found.getAt(Found.TimeToLive, "i32")
        if (code !== DnsCode.NoError && code !== DnsCode.NoName) {
            // another server may know better; of this one there is nothing more to be had
            const one = this.server2 === 0 || table.getAt(e + Entry.Tries, "u8") >= 2
            if (one) this.done(e, DnsResult.Failed, 0, now)
            else this.again(e, now)
        } else if (kind === AnswerKind.Address) {
            table.setAt(e + Entry.Ip, "i32", found.getAt(Found.Ip, "i32"))
            this.done(e, DnsResult.Found, seconds < Ask.Longest ? seconds : Ask.Longest, now)
        } else if (kind === AnswerKind.Alias && code === DnsCode.NoError) this.follow(e, now)
        else {
            const kept = seconds < Ask.LongestNegative ? seconds : Ask.LongestNegative
            this.done(e, DnsResult.NoName, kept, now)
        }
    }

    /** The record whose question the message answers by its port, id and sender (RFC 5452 section 9.1); -1 if none does. */
    private asked({ at, stack, sourceIp, sourcePort }: Endpoints): number {
        const { table, server, server2 } = this
        const rx = stack.rx
        const port = readU16(rx, at - Udp.Size + Udp.Destination)
        const id = rx.getAt(at + Dns.Id, "u16")
        for (let e = 0; e < table.length; e += this.recordSize) {
            if (table.getAt(e + Entry.Ticket, "u16") === 0) continue
            if (table.getAt(e + Entry.Port, "u16") !== port || table.getAt(e + Entry.Id, "u16") !== id)
                continue
            const flags = table.getAt(e + Entry.Flags, "u8")
            if (table.getAt(e + Entry.Result, "u8") !== DnsResult.Asking || flags & EntryFlag.Follows)
                continue
            // RFC 6762 section 11: only who is on this network
            if (flags & EntryFlag.Multicast)
                return sourcePort === DnsPort.Multicast && isLocal(stack, sourceIp) ? e : -1
            const second = sourceIp === server2 && table.getAt(e + Entry.Tries, "u8") > 1
            return sourcePort === DnsPort.Server && (sourceIp === server || second) ? e : -1
        }
        return -1
    }

    /** The answer was another name, and no more: that one is asked for. */
    private follow(e: number, now: number): void {
        const table = this.table
        const depth = table.getAt(e + Entry.Depth, "u8") + 1
        let length = 0
        while (this.name.getAt(length, "u8") > 0) length += this.name.getAt(length, "u8") + 1
        length++
        const seconds = this.found.getAt(Found.TimeToLive, "i32")
        table.setAt(e + Entry.Flags, "u8", EntryFlag.Follows)
        table.setAt(e + Entry.Time, "i32", (now + (seconds < Ask.Longest ? seconds : Ask.Longest) * 1000) | 0)
        const ticket = depth > Ask.Depth || length > this.nameSize ? 0 : this.question(length, depth, now)
        const next = this.find(ticket)
        let last = next
        // to where the aliases lead: not back to this one
        while (last >= 0 && last !== e && table.getAt(last + Entry.Flags, "u8") & EntryFlag.Follows)
            last = this.find(table.getAt(last + Entry.Follows, "u16"))
        if (last < 0 || last === e) {
            this.done(e, DnsResult.Failed, 0, now)
            return
        }
        table.setAt(e + Entry.Follows, "u16", ticket)
        if (table.getAt(next + Entry.Result, "u8") !== DnsResult.Asking) this.copy(e, next)
        this.schedule(now)
    }

    /** The question is answered, or given up; it is remembered for so many seconds. */
    private done(e: number, result: DnsResult, seconds: number, now: number): void {
        const { table, recordSize } = this
        table.setAt(e + Entry.Result, "u8", result)
        table.setAt(e + Entry.Flags, "u8", 0)
        table.setAt(e + Entry.Time, "i32", (now + seconds * 1000) | 0)
        // its question, if that is still to be sent
        if (e === this.current) this.due = false
        // names of which this one is the end; a chain of them is no longer than Ask.Depth
        for (let round = 0; round <= Ask.Depth; round++) {
            for (let other = 0; other < table.length; other += recordSize) {
                if (!(table.getAt(other + Entry.Flags, "u8") & EntryFlag.Follows)) continue
                const next = this.find(table.getAt(other + Entry.Follows, "u16"))
                if (next >= 0 && table.getAt(next + Entry.Result, "u8") !== DnsResult.Asking)
                    this.copy(other, next)
            }
        }
        this.schedule(now)
    }

    private copy(e: number, from: number): void {
        const table = this.table
        table.setAt(e + Entry.Flags, "u8", 0)
        table.setAt(e + Entry.Result, "u8", table.getAt(from + Entry.Result, "u8"))
        table.setAt(e + Entry.Ip, "i32", table.getAt(from + Entry.Ip, "i32"))
        const time = table.getAt(from + Entry.Time, "i32")
        // the alias itself may be good for less time
        if (((table.getAt(e + Entry.Time, "i32") - time) | 0) > 0) table.setAt(e + Entry.Time, "i32", time)
    }
}
