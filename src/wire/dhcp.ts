// The Dynamic Host Configuration Protocol (RFC 2131) and those of its options (RFC 2132) that a client needs.

import type { Buffer } from "@devicescript/core"
import { readI32, writeU16 } from "./bytes"

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
    /** RFC 1542 section 2.1: what is shorter may be dropped on the way. */
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

/** Offsets in what `parseDhcp` finds. Addresses are as the wire has them, times are seconds; 0 is for what is not there. */
export const enum Lease {
    Type = 0,
    /** Where else options stand: bit 0 in the place of the file's name, bit 1 in that of the server's. */
    Overload = 1,
    Ip = 4,
    Server = 8,
    Netmask = 12,
    Router = 16,
    Dns = 20,
    Dns2 = 24,
    Ntp = 28,
    /** 2^31 - 1 for more than that, and for ever. */
    Seconds = 32,
    Renewal = 36,
    Rebinding = 40,
    Size = 44,
}

const enum Header {
    /** Op, hardware type and length of an answer and of a request, as `getAt` "i32" reads them when nothing was relayed. */
    Reply = 0x060102,
    Request = 0x060101,
    Relayed = 0xffffff,
    /** 99, 130, 83, 99. */
    Cookie = 0x63538263,
    /** The flag that asks for answers to everybody, as "u16" reads it. */
    Broadcast = 0x0080,
}

/**
 * Reads the server's message of `length` bytes at `at` into `found`. False when it is none, or not an answer to `xid` and `mac`.
 * Options that are cut or have lengths that they cannot have count as not there; of two the first counts.
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
    found.setAt(Lease.Ip, "i32", b.getAt(at + Dhcp.YourIp, "i32"))
    parseOptions(b, at + Dhcp.Options, at + length, found)
    // RFC 2131 section 4.1: the options field first, then the file field, then the server's name
    const overload = found.getAt(Lease.Overload, "u8")
    if (overload & 1) parseOptions(b, at + Dhcp.File, at + Dhcp.Cookie, found)
    if (overload & 2) parseOptions(b, at + Dhcp.ServerName, at + Dhcp.File, found)
    return found.getAt(Lease.Type, "u8") !== 0
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
        take(b, code, at, length, found)
        at += length
    }
}

/** Takes the option over whose `length` bytes stand at `at`. */
function take(b: Buffer, code: number, at: number, length: number, found: Buffer): void {
    if (length === 1) {
        if (code === Option.Type && found.getAt(Lease.Type, "u8") === 0)
            found.setAt(Lease.Type, "u8", b.getAt(at, "u8"))
        if (code === Option.Overload && found.getAt(Lease.Overload, "u8") === 0)
            found.setAt(Lease.Overload, "u8", b.getAt(at, "u8"))
        return
    }
    const list = code === Option.Router || code === Option.Dns || code === Option.Ntp
    if (length < 4 || length & 3 || (length > 4 && !list)) return
    const field = fieldOf(code)
    if (field === 0 || found.getAt(field, "i32") !== 0) return
    let value = b.getAt(at, "i32")
    if (field >= Lease.Seconds) {
        value = readI32(b, at)
        if (value < 0) value = 0x7fffffff
    }
    found.setAt(field, "i32", value)
    if (code === Option.Dns && length >= 8) found.setAt(Lease.Dns2, "i32", b.getAt(at + 4, "i32"))
}

function fieldOf(code: number): Lease {
    switch (code) {
        case Option.Netmask:
            return Lease.Netmask
        case Option.Router:
            return Lease.Router
        case Option.Dns:
            return Lease.Dns
        case Option.Ntp:
            return Lease.Ntp
        case Option.LeaseTime:
            return Lease.Seconds
        case Option.Server:
            return Lease.Server
        case Option.Renewal:
            return Lease.Renewal
        case Option.Rebinding:
            return Lease.Rebinding
        default:
            return Lease.Type
    }
}

/**
 * Writes a client's message without its options at `at`, and gives where the options go. `clientIp` is 0 for a client without
 * an address: the answer then has to go to everybody, as no other would be taken.
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

/** Writes an option that is an address, and gives where the next goes. */
export function writeAddress(b: Buffer, at: number, code: Option, ip: number): number {
    b.setAt(at, "u16", code | (4 << 8))
    b.setAt(at + 2, "i32", ip)
    return at + 6
}
