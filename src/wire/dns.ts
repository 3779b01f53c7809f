// The domain name system's messages (RFC 1035): names, questions, and the address an answer holds. Also multicast DNS's.
//
// A name in code is as the wire has it without compression: labels with their lengths before them, and a 0.

import type { Buffer } from "@devicescript/core"
import { readI32, readU16, writeU16 } from "../base/bytes"

/** Offsets in a message, from its first byte. */
export const enum Dns {
    Id = 0,
    Flags = 2,
    /** The response code, in the low 4 bits. */
    Code = 3,
    Questions = 4,
    Answers = 6,
    Authorities = 8,
    Additional = 10,
    /** Length of the header; the questions start here. */
    Size = 12,
    /** Behind a question's name: its type and class. */
    Question = 4,
    /** Behind a record's name: type, class, time to live, length of the data. */
    Record = 10,
    TimeToLive = 4,
    DataLength = 8,
}

export const enum DnsPort {
    Server = 53,
    Multicast = 5353,
}

export const enum DnsType {
    Address = 1,
    NameServer = 2,
    Alias = 5,
    Authority = 6,
    NextSecure = 47,
    Any = 255,
}

export const enum DnsClass {
    Internet = 1,
    /** Without the bit that multicast DNS has there. */
    Mask = 0x7fff,
}

export const enum DnsCode {
    NoError = 0,
    NoName = 3,
    Mask = 15,
}

export const enum DnsFlag {
    /** In the byte at Dns.Flags: an answer; the kind of question, 0 for all that is used; recursion is desired. */
    Response = 0x80,
    Opcode = 0x78,
    Recursion = 0x01,
    /** An answer by who knows; one that was cut, as it did not fit (TC). */
    Authoritative = 0x04,
    Cut = 0x02,
}

export const enum DnsLimit {
    /** Bytes of a name, and of a label (RFC 1035 section 2.3.4). */
    Name = 255,
    Label = 63,
    /**
     * Steps that reading one message may take: a letter is one, a label or a pointer four. The VM ends a program that takes 131,072
     * operations at once, a step takes up to 60, and a name of 255 bytes costs its sender 2.
     */
    Steps = 800,
    /** Addresses of one name that are kept. */
    Addresses = 4,
}

/** What `readAnswer` says of a message. */
export const enum AnswerKind {
    /** Not an answer to the question, or not sound. */
    None = 0,
    /** `found` holds the address and how long it is good for. */
    Address = 1,
    /** Another name, left in `name`, would have to be asked for; `found` holds how long that is good for. */
    Alias = 2,
    /** There is no such address; `found` holds how long that is good for. */
    Nothing = 3,
    /** This server does not know, it names others that do (RFC 2308 section 2.1). */
    Referral = 4,
}

/** Offsets in what `readAnswer` finds. */
export const enum Found {
    /** DnsLimit.Addresses of them, 0 where there is no other. */
    Ips = 0,
    /** Seconds. */
    TimeToLive = 16,
    /** Of the name that an alias leads to. */
    Length = 20,
    Size = 24,
}

/** ".local" as the end of a name. */
const enum LocalName {
    Length = 7,
    /** 5, "loc" and "al", 0. */
    Start = 0x636f6c05,
    Middle = 0x6c61,
}

/** Steps left for the message that is being read. */
let steps = 0

/** Begins to read a message: all its names together may take DnsLimit.Steps. */
export function beginMessage(): void {
    steps = DnsLimit.Steps
}

/**
 * Writes the name that `text` says at `at`, `room` bytes at most, and gives its length; 0 if it is none that a host may have
 * (RFC 1123 section 2.1; underscores are let through) or too long. A dot at its end changes nothing.
 */
export function encodeName(text: string, b: Buffer, at: number, room: number): number {
    const start = at
    let end = text.length
    if (end > 0 && text.charCodeAt(end - 1) === 46) end--
    if (end < 1 || end + 2 > room || end + 2 > DnsLimit.Name) return 0
    let label = at++
    for (let i = 0; i <= end; i++) {
        const c = i < end ? text.charCodeAt(i) : 46
        if (c === 46) {
            const length = at - label - 1
            if (length < 1 || length > DnsLimit.Label) return 0
            b.setAt(label, "u8", length)
            label = at++
            continue
        }
        const letter = c >= 65 && c <= 90 ? c | 32 : c
        if (!(letter >= 97 && letter <= 122) && !(c >= 48 && c <= 57) && c !== 45 && c !== 95) return 0
        b.setAt(at++, "u8", letter)
    }
    b.setAt(label, "u8", 0)
    return at - start
}

/** True for names that multicast DNS is asked for (RFC 6762 section 3). */
export function isLocalName(b: Buffer, at: number, length: number): boolean {
    const end = at + length - LocalName.Length
    return (
        length > LocalName.Length &&
        b.getAt(end, "i32") === LocalName.Start &&
        b.getAt(end + 4, "u16") === LocalName.Middle
    )
}

/** Where the name at `at` of a message that ends at `end` is over; -1 when it is not sound, or all steps are taken. */
export function skipName(b: Buffer, at: number, end: number): number {
    while (at >= 0 && at < end) {
        if (--steps < 0) return -1
        const length = b.getAt(at, "u8")
        if (length === 0) return at + 1
        if (length >= 0xc0) return at + 2 <= end ? at + 2 : -1
        if (length > DnsLimit.Label) return -1
        at += length + 1
    }
    return -1
}

/**
 * Reads the name at `at` of the message from `start` to `end` into `name` and gives its length, -1 if it is not sound or all
 * steps are taken. With `compare` it is held against what `name` holds instead: 0 if that is another. A pointer leads before
 * the place it is read at (RFC 1035 section 4.1.4: to a prior occurrence), so no name goes round in circles.
 */
export function readName(
    b: Buffer,
    start: number,
    end: number,
    at: number,
    name: Buffer,
    compare: boolean
): number {
    let written = 0
    let limit = at
    while (at >= start && at < end) {
        steps -= 4
        if (steps < 0) return -1
        const length = b.getAt(at, "u8")
        if (length >= 0xc0) {
            if (at + 1 >= end) return -1
            at = start + (((length & 63) << 8) | b.getAt(at + 1, "u8"))
            if (at >= limit) return -1
            limit = at
            continue
        }
        if (length > DnsLimit.Label || at + length >= end || written + length >= DnsLimit.Name) return -1
        const next = at + length + 1
        if (!compare) {
            name.blitAt(written, b, at, length + 1)
            written += length + 1
        } else {
            // the length goes like a letter, and is below all of them
            for (; at < next; at++) {
                const c = b.getAt(at, "u8")
                const own = name.getAt(written++, "u8")
                // the same letter in the other case (RFC 4343)
                if (c !== own && ((c ^ own) !== 32 || (c | 32) < 97 || (c | 32) > 122)) return 0
                steps--
            }
        }
        if (length === 0) return written
        at = next
    }
    return -1
}

/** Writes a message with one question at `at`, for which there is room, and gives its length. */
export function writeQuery(
    b: Buffer,
    at: number,
    id: number,
    flags: number,
    name: Buffer,
    nameLength: number
): number {
    b.fillAt(at, Dns.Size, 0)
    b.setAt(at + Dns.Id, "u16", id)
    b.setAt(at + Dns.Flags, "u8", flags)
    b.setAt(at + Dns.Questions + 1, "u8", 1)
    b.blitAt(at + Dns.Size, name, 0, nameLength)
    const end = at + Dns.Size + nameLength
    writeU16(b, end, DnsType.Address)
    writeU16(b, end + 2, DnsClass.Internet)
    return end + Dns.Question - at
}

/**
 * Looks for addresses in the answer of `length` bytes at `at`, to the question `id` for those of `name`. Aliases are followed in
 * the order they stand in, which is the order they lead on. What is cut behind an address does not matter.
 */
export function readAnswer(
    b: Buffer,
    at: number,
    length: number,
    id: number,
    name: Buffer,
    found: Buffer
): AnswerKind {
    const end = at + length
    if (length < Dns.Size || b.getAt(at + Dns.Id, "u16") !== id) return AnswerKind.None
    if (readU16(b, at + Dns.Questions) !== 1) return AnswerKind.None
    if ((b.getAt(at + Dns.Flags, "u8") & (DnsFlag.Response | DnsFlag.Opcode)) !== DnsFlag.Response)
        return AnswerKind.None
    beginMessage()
    let p = skipName(b, at + Dns.Size, end)
    if (p < 0 || p + Dns.Question > end) return AnswerKind.None
    if (readName(b, at, end, at + Dns.Size, name, true) <= 0) return AnswerKind.None
    if (readU16(b, p) !== DnsType.Address || (readU16(b, p + 2) & DnsClass.Mask) !== DnsClass.Internet)
        return AnswerKind.None
    p += Dns.Question
    const answers = readU16(b, at + Dns.Answers)
    const records = answers + readU16(b, at + Dns.Authorities)
    let least = 0x7fffffff
    let kind: AnswerKind = AnswerKind.Nothing
    let addresses = 0
    found.fillAt(0, Found.Size, 0)
    let i = 0
    for (; i < records; i++) {
        const owner = p
        p = skipName(b, p, end)
        if (p < 0 || p + Dns.Record > end) break
        const type = readU16(b, p)
        const dataLength = readU16(b, p + Dns.DataLength)
        let seconds = readI32(b, p + Dns.TimeToLive)
        const internet = (readU16(b, p + 2) & DnsClass.Mask) === DnsClass.Internet
        p += Dns.Record
        const data = p
        p += dataLength
        if (p > end) break
        // RFC 2181 section 8
        if (seconds < 0) seconds = 0
        if (!internet) continue
        if (i >= answers) {
            if (kind === AnswerKind.Address || kind === AnswerKind.Alias) return kind
            // RFC 2308 section 2.2: name servers without an SOA record say no more than where to ask
            if (type === DnsType.NameServer) kind = AnswerKind.Referral
            if (type !== DnsType.Authority || dataLength < 22) continue
            // section 5: the lesser of the record's own and its last field
            const minimum = readI32(b, p - 4)
            if (minimum >= 0 && minimum < seconds) seconds = minimum
            found.setAt(Found.TimeToLive, "i32", seconds)
            return AnswerKind.Nothing
        }
        const address = type === DnsType.Address && dataLength === 4
        if (!address && (type !== DnsType.Alias || kind === AnswerKind.Address)) continue
        const same = readName(b, at, end, owner, name, true)
        if (same < 0) break
        if (same === 0) continue
        if (seconds < least) least = seconds
        found.setAt(Found.TimeToLive, "i32", least)
        if (address) {
            kind = AnswerKind.Address
            found.setAt(Found.Ips + 4 * addresses, "i32", b.getAt(data, "i32"))
            if (++addresses === DnsLimit.Addresses) return kind
            continue
        }
        const nameLength = readName(b, at, p, data, name, false)
        if (nameLength < 0) return AnswerKind.None
        found.setAt(Found.Length, "i32", nameLength)
        kind = AnswerKind.Alias
    }
    return i < records && kind !== AnswerKind.Address ? AnswerKind.None : kind
}
