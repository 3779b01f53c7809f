// The domain name system's messages (RFC 1035): names, questions, and the addresses in an answer. Multicast DNS uses them, too.
//
// The code keeps a name in wire format without compression: each label after its length, then a 0.

import type { Buffer } from "@devicescript/core"
import { readI32, readU16, writeU16 } from "../base/bytes"

/** Offsets in a DNS message, from its first byte. */
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
    /** Bytes after a question's name: type and class. */
    Question = 4,
    /** Bytes after a record's name: type, class, time to live, length of the data; and the offsets of the last two. */
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
    /** Mask without the top bit, for which multicast DNS has its own use. */
    Mask = 0x7fff,
}

export const enum DnsCode {
    NoError = 0,
    NoName = 3,
    Mask = 15,
}

export const enum DnsFlag {
    /** Bits of the byte at Dns.Flags: answer; opcode, 0 for every message that is used here; recursion desired. */
    Response = 0x80,
    Opcode = 0x78,
    Recursion = 0x01,
    /** The server is an authority for the name (AA); the answer was truncated because it did not fit (TC). */
    Authoritative = 0x04,
    Cut = 0x02,
}

export const enum DnsLimit {
    /** Bytes of a name and of a label (RFC 1035 section 2.3.4). */
    Name = 255,
    Label = 63,
    /**
     * Steps that reading one message may take: one for a letter, four for a label or a pointer. The VM ends a program that
     * executes 131,072 operations without a pause. A step takes up to 60, and a pointer, two bytes of the message, can cost the
     * steps of a 255-byte name.
     */
    Steps = 800,
    /** Addresses of one name that are kept. */
    Addresses = 4,
}

/** Results of `readAnswer`. */
export const enum AnswerKind {
    /** The message is not an answer to the question, or malformed. */
    None = 0,
    /** `found` holds the addresses and how many seconds they are valid. */
    Address = 1,
    /**
     * The name is an alias for the one now in `name`, for which the next question has to ask; `found` holds how many seconds that
     * is valid.
     */
    Alias = 2,
    /** The name has no address; `found` holds how many seconds that is valid. */
    Nothing = 3,
    /** The server does not know the name, and refers to other servers (RFC 2308 section 2.1). */
    Referral = 4,
}

/** Offsets in the record that `readAnswer` fills. */
export const enum Found {
    /** DnsLimit.Addresses addresses, 0 in unused places. */
    Ips = 0,
    /** Seconds. */
    TimeToLive = 16,
    /** Length of the name that an alias leads to. */
    Length = 20,
    Size = 24,
}

/** The end of a name in ".local", in wire format. */
const enum LocalName {
    Length = 7,
    /** 5, "loc" as "i32" reads them; "al" as "u16" does. */
    Start = 0x636f6c05,
    Middle = 0x6c61,
}

/** Steps left for reading the current message. */
let steps = 0

/** Begins to read a message: DnsLimit.Steps is the limit for all its names together. */
export function beginMessage(): void {
    steps = DnsLimit.Steps
}

/**
 * Writes the name `text` in wire format at `at`, in at most `room` bytes, and returns its length. Returns 0 if a host cannot have this
 * name (RFC 1123 section 2.1; underscores are allowed here) or it is too long. A dot at the end changes nothing.
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

/** Returns true for a name that is resolved by multicast DNS, not by DNS (RFC 6762 section 3). */
export function isLocalName(b: Buffer, at: number, length: number): boolean {
    const end = at + length - LocalName.Length
    return (
        length > LocalName.Length &&
        b.getAt(end, "i32") === LocalName.Start &&
        b.getAt(end + 4, "u16") === LocalName.Middle
    )
}

/**
 * Returns the offset after the name at `at` in a message that ends at `end`; -1 if the name is malformed, or no steps are left.
 */
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
 * Reads the name at `at` of the message from `start` to `end` into `name` and returns its length, -1 if it is malformed or no steps
 * are left. With `compare` it compares that name with the one in `name` instead, and returns 0 if they differ. A pointer must point
 * before the place where it was read (RFC 1035 section 4.1.4: "a prior occurrence"), so no name loops.
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
            // the length byte is compared like a letter, which is safe because it is below all letters
            for (; at < next; at++) {
                const c = b.getAt(at, "u8")
                const own = name.getAt(written++, "u8")
                // the same letter in the other case is equal (RFC 4343)
                if (c !== own && ((c ^ own) !== 32 || (c | 32) < 97 || (c | 32) > 122)) return 0
                steps--
            }
        }
        if (length === 0) return written
        at = next
    }
    return -1
}

/** Writes a message with one question at `at`, where there is room for it, and returns its length. */
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
 * Looks for addresses in the message of `length` bytes at `at`, the answer to the question `id` for the addresses of `name`.
 * Aliases are followed in the order of the records: servers put each alias before the record that it leads to. Records cut off
 * after an address do not matter.
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
        // RFC 2181 section 8: a time to live with the top bit set counts as 0
        if (seconds < 0) seconds = 0
        if (!internet) continue
        if (i >= answers) {
            if (kind === AnswerKind.Address || kind === AnswerKind.Alias) return kind
            // RFC 2308 section 2.2: NS records without an SOA record only say which server to ask
            if (type === DnsType.NameServer) kind = AnswerKind.Referral
            if (type !== DnsType.Authority || dataLength < 22) continue
            // RFC 2308 section 5: the smaller of the record's own time to live and its MINIMUM field
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
