// The Dynamic Host Configuration Protocol's messages (RFC 2131), with the options (RFC 2132) that a client needs.

import type { Buffer } from "@devicescript/core"
import { readI32, writeU16 } from "../base/bytes"

/** Offsets in a message, from its first byte. */
export const enum Dhcp {
    Op = 0,
    HardwareType = 1,
    HardwareLength = 2,
    Xid = 4,
    Seconds = 8,
    Flags = 10,
    ClientIp = 12,
    YourIp = 16,
    ClientMac = 28,
    ServerName = 44,
    File = 108,
    Cookie = 236,
    Options = 240,
    /** RFC 1542 section 2.1: a relay may drop a shorter message. */
    Shortest = 300,
}

export const enum DhcpType {
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
}

export const enum Option {
    Pad = 0,
    Netmask = 1,
    Router = 3,
    Dns = 6,
    HostName = 12,
    Ntp = 42,
    RequestedIp = 50,
    LeaseTime = 51,
    Overload = 52,
    Type = 53,
    Server = 54,
    Parameters = 55,
    Renewal = 58,
    Rebinding = 59,
    End = 255,
}

export const enum DhcpPort {
    Server = 67,
    Client = 68,
}

/** Offsets in the record that `parseDhcp` fills. Addresses are in network order, times are seconds; a missing option is 0. */
export const enum Lease {
    Ip = 0,
    Type = 4,
    /** Other fields that hold options (option 52): bit 0 for the file's name, bit 1 for the server's name. */
    Overload = 8,
    Server = 12,
    Netmask = 16,
    /** 2^31 - 1 stands for any longer time, and for an infinite lease. */
    Seconds = 20,
    Renewal = 24,
    Rebinding = 28,
    /** First address of a list, like the two below. */
    Ntp = 32,
    Dns = 36,
    Dns2 = 40,
    /** Four addresses. */
    Router = 44,
    /** Bytes received of each option: one byte for each of the 4-byte fields above. */
    Taken = 60,
    Size = 72,
}

/** A digit for each option code: the offset in Lease divided by 4, 0 for an option that is ignored. The string stays in flash. */
const places = "040;00900000000000000000000000000000000000800000000521300067"

const enum Header {
    /** Op, hardware type and hardware address length of an answer and of a request, as `getAt` "i32" reads them; the mask leaves out the hops. */
    Reply = 0x060102,
    Request = 0x060101,
    Relayed = 0xffffff,
    /** 99, 130, 83, 99. */
    Cookie = 0x63538263,
    /** The flag that asks the server to broadcast its answer, as "u16" reads it. */
    Broadcast = 0x0080,
}

/**
 * Reads the server's message of `length` bytes at `at` into `found`. Returns false when it is not an answer to `xid` and `mac`.
 * An option that is cut short, or whose length is not valid, counts as missing. An option in pieces is joined (RFC 3396); the
 * first of several numbers or addresses counts.
 */
export function parseDhcp(
    b: Buffer,
    at: number,
    length: number,
    xid: number,
    mac: Buffer,
    found: Buffer
): boolean {
    found.fillAt(0, Lease.Size, 0)
    if (at < 0 || length < Dhcp.Options || at + length > b.length) return false
    if ((b.getAt(at, "i32") & Header.Relayed) !== Header.Reply || b.getAt(at + Dhcp.Xid, "i32") !== xid)
        return false
    if (
        b.getAt(at + Dhcp.ClientMac, "i32") !== mac.getAt(0, "i32") ||
        b.getAt(at + Dhcp.ClientMac + 4, "u16") !== mac.getAt(4, "u16")
    )
        return false
    if (b.getAt(at + Dhcp.Cookie, "i32") !== Header.Cookie) return false
    parseOptions(b, at + Dhcp.Options, at + length, found)
    // RFC 2131 section 4.1: the options field first, then the file field, then the server's name
    const overload = found.getAt(Lease.Overload, "u8")
    if (overload & 1) parseOptions(b, at + Dhcp.File, at + Dhcp.Cookie, found)
    if (overload & 2) parseOptions(b, at + Dhcp.ServerName, at + Dhcp.File, found)
    for (let field: number = Lease.Type; field <= Lease.Router; field += 4) {
        const taken = takenOf(found, field)
        if (field >= Lease.Ntp ? taken & 3 : taken !== roomOf(field)) found.fillAt(field, roomOf(field), 0)
        if (field < Lease.Seconds || field > Lease.Rebinding) continue
        const seconds = readI32(found, field)
        found.setAt(field, "i32", seconds < 0 ? 0x7fffffff : seconds)
    }
    found.setAt(Lease.Ip, "i32", b.getAt(at + Dhcp.YourIp, "i32"))
    return found.getAt(Lease.Type, "u8") !== 0
}

function takenOf(found: Buffer, field: number): number {
    return found.getAt(Lease.Taken + (field >> 2), "u8")
}

/** Returns how many bytes of the option are kept. */
function roomOf(field: number): number {
    return field <= Lease.Overload ? 1 : field === Lease.Router ? 16 : field === Lease.Dns ? 8 : 4
}

function parseOptions(b: Buffer, at: number, end: number, found: Buffer): void {
    while (at < end) {
        const code = b.getAt(at, "u8")
        at++
        if (code === Option.Pad) continue
        if (code === Option.End || at >= end) return
        const length = b.getAt(at, "u8")
        at++
        if (at + length > end) return
        if (length > 0) {
            // beyond the string's last character charCodeAt returns NaN, and NaN > 0 is false
            const field = 4 * (places.charCodeAt(code) - 48)
            if (field > 0) take(b, field, at, length, found)
        }
        at += length
    }
}

/** Copies `length` bytes at `at`, an option or a piece of one, to its place in `found`. */
function take(b: Buffer, field: number, at: number, length: number, found: Buffer): void {
    const taken = takenOf(found, field)
    const room = roomOf(field) - taken
    if (room <= 0) return
    found.blitAt(field + taken, b, at, Math.min(length, room))
    found.setAt(Lease.Taken + (field >> 2), "u8", Math.min(taken + length, 255))
}

/**
 * Writes a client's message without its options at `at` and returns the offset for the options. `clientIp` is 0 for a client without an
 * address: the message then asks for a broadcast answer, since this host would not accept a unicast one.
 */
export function writeDhcp(
    b: Buffer,
    at: number,
    type: DhcpType,
    xid: number,
    seconds: number,
    clientIp: number,
    mac: Buffer
): number {
    b.fillAt(at, Dhcp.Shortest, 0)
    b.setAt(at, "i32", Header.Request)
    b.setAt(at + Dhcp.Xid, "i32", xid)
    writeU16(b, at + Dhcp.Seconds, seconds)
    b.setAt(at + Dhcp.Flags, "u16", clientIp === 0 ? Header.Broadcast : 0)
    b.setAt(at + Dhcp.ClientIp, "i32", clientIp)
    b.blitAt(at + Dhcp.ClientMac, mac, 0, 6)
    b.setAt(at + Dhcp.Cookie, "i32", Header.Cookie)
    b.setAt(at + Dhcp.Options, "i32", Option.Type | (1 << 8) | (type << 16))
    return at + Dhcp.Options + 3
}

/** Writes an option that holds an address and returns the offset for the next option. */
export function writeAddress(b: Buffer, at: number, code: Option, ip: number): number {
    b.setAt(at, "u16", code | (4 << 8))
    b.setAt(at + 2, "i32", ip)
    return at + 6
}
