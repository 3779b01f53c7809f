// The domain name system's messages (RFC 1035): names, questions, and the address an answer holds. Also multicast DNS's.
//
// A name in code is as the wire has it without compression: labels with their lengths before them, and a 0.

import type { Buffer } from "@devicescript/core"
import { readI32, readU16, writeU16 } from "./bytes"

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
    /** An answer by who knows. */
    Authoritative = 0x04,
}

export const enum DnsLimit {
    /** Bytes of a name, and of a label (RFC 1035 section 2.3.4). */
    Name = 255,
    Label = 63,
    /** Pointers in one name that are followed, and records of a message that are looked at. */
    Jumps = 16,
    Records = 32,
    /**
     * Bytes of names that are read in one message. The VM ends a program that takes 131,072 operations at once, a byte takes
     * up to 50, and a name of 255 bytes costs its sender 2.
     */
    Letters = 1000,
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
}

/** Offsets in what `readAnswer` finds. */
export const enum Found {
    Ip = 0,
    /** Seconds. */
    TimeToLive = 4,
    /** Of the name that an alias leads to. */
    Length = 8,
    Size = 12,
}

/** ".local" as the end of a name. */
const enum LocalName {
    Length = 7,
    /** 5, "loc" and "al", 0. */
    Start = 0x636f6c05,
    Middle = 0x6c61,
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

/** Where the name at `at` of a message that ends at `end` is over; -1 when it is not sound. */
export function skipName(b: Buffer, at: number, end: number): number {
    while (at >= 0 && at < end) {
        const length = b.getAt(at, "u8")
        if (length === 0) return at + 1
        if (length >= 0xc0) return at + 2 <= end ? at + 2 : -1
        if (length > DnsLimit.Label) return -1
        at += length + 1
    }
    return -1
}

/**
 * Reads the name at `at` of the message from `start` to `end` into `name` and gives its length, -1 if it is not sound. With
 * `compare` it is held against what `name` holds instead: 0 if that is another. A pointer leads before the place it
 * is read at (RFC 1035 section 4.1.4: to a prior occurrence), so no name goes round in circles.
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
    let jumps = 0
    while (at >= start && at < end) {
        const length = b.getAt(at, "u8")
        if (length >= 0xc0) {
            if (at + 1 >= end) return -1
            at = start + (((length & 63) << 8) | b.getAt(at + 1, "u8"))
            if (at >= limit || ++jumps > DnsLimit.Jumps) return -1
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
 * Looks for an address in the answer of `length` bytes at `at`, to the question `id` for the one of `name`. Aliases are followed in
 * the order they stand in, which is the order they lead on.
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
    let p = skipName(b, at + Dns.Size, end)
    if (p < 0 || p + Dns.Question > end) return AnswerKind.None
    let nameLength = readName(b, at, end, at + Dns.Size, name, true)
    if (nameLength <= 0) return AnswerKind.None
    if (readU16(b, p) !== DnsType.Address || (readU16(b, p + 2) & DnsClass.Mask) !== DnsClass.Internet)
        return AnswerKind.None
    p += Dns.Question
    const answers = readU16(b, at + Dns.Answers)
    let records = answers + readU16(b, at + Dns.Authorities)
    if (records > DnsLimit.Records) records = DnsLimit.Records
    let letters: number = DnsLimit.Letters
    let least = 0x7fffffff
    let kind: AnswerKind = AnswerKind.Nothing
    found.setAt(Found.TimeToLive, "i32", 0)
    for (let i = 0; i < records; i++) {
        const owner = p
        p = skipName(b, p, end)
        if (p < 0 || p + Dns.Record > end) return AnswerKind.None
        const type = readU16(b, p)
        const dataLength = readU16(b, p + Dns.DataLength)
        let seconds = readI32(b, p + Dns.TimeToLive)
        const internet = (readU16(b, p + 2) & DnsClass.Mask) === DnsClass.Internet
        p += Dns.Record
        const data = p
        p += dataLength
        if (p > end) return AnswerKind.None
        // RFC 2181 section 8
        if (seconds < 0) seconds = 0
        if (!internet) continue
        if (i >= answers) {
            // RFC 2308 section 5: the lesser of the record's own and its last field
            if (type !== DnsType.Authority || kind !== AnswerKind.Nothing || dataLength < 22) continue
            const minimum = readI32(b, p - 4)
            if (minimum >= 0 && minimum < seconds) seconds = minimum
            found.setAt(Found.TimeToLive, "i32", seconds)
            break
        }
        const address = type === DnsType.Address && dataLength === 4
        if (!address && type !== DnsType.Alias) continue
        letters -= nameLength
        if (letters < 0) return AnswerKind.None
        const same = readName(b, at, end, owner, name, true)
        if (same < 0) return AnswerKind.None
        if (same === 0) continue
        if (seconds < least) least = seconds
        if (address) {
            found.setAt(Found.Ip, "i32", b.getAt(data, "i32"))
            found.setAt(Found.TimeToLive, "i32", least)
            return AnswerKind.Address
        }
        nameLength = readName(b, at, p, data, name, false)
        if (nameLength < 0) return AnswerKind.None
        letters -= nameLength
        found.setAt(Found.Length, "i32", nameLength)
        found.setAt(Found.TimeToLive, "i32", least)
        kind = AnswerKind.Alias
    }
    return kind
}
