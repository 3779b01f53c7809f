// The Internet Protocol, version 4 (RFC 791).
//
// An address in code is the number that `getAt` "i32" reads from its four wire bytes: 10.0.0.1 is 0x0100000a.

import type { Buffer } from "@devicescript/core"
import { readU16 } from "../base/bytes"
import { checksumOf, onesSum } from "./checksum"

/** Offsets in an IPv4 header, from its first byte. */
export const enum Ip {
    VersionIhl = 0,
    TypeOfService = 1,
    TotalLength = 2,
    Identification = 4,
    Fragment = 6,
    TimeToLive = 8,
    Protocol = 9,
    Checksum = 10,
    Source = 12,
    Destination = 16,
    /** Length of a header without options. */
    Size = 20,
}

export const enum Protocol {
    Icmp = 1,
    Tcp = 6,
    Udp = 17,
}

/** Results of `ipv4Check`; all but Ok are reasons to drop the packet. */
export const enum IpCheck {
    Ok = 0,
    /** Version, header length and total length contradict each other or the frame. */
    Malformed = 1,
    Checksum = 2,
    /** The packet is a fragment of another. */
    Fragment = 3,
}

/** The fragment field's More Fragments flag and offset, as `getAt` "u16" reads them. */
const enum FragmentBits {
    Any = 0xff3f,
}

/**
 * Checks the header at `at` of a packet for which the frame has `length` bytes. When the result is Ok, the header is
 * `ipv4HeaderLength` bytes long and the packet `ipv4TotalLength`: bytes of the frame after that are padding.
 */
export function ipv4Check(b: Buffer, at: number, length: number): IpCheck {
    if (at < 0 || length < Ip.Size || at + length > b.length) return IpCheck.Malformed
    const versionIhl = b.getAt(at + Ip.VersionIhl, "u8")
    const header = (versionIhl & 15) << 2
    const total = (b.getAt(at + Ip.TotalLength, "u8") << 8) | b.getAt(at + Ip.TotalLength + 1, "u8")
    if (versionIhl >> 4 !== 4 || header < Ip.Size || total < header || total > length)
        return IpCheck.Malformed
    if (onesSum(b, at, header, 0) !== 0xffff) return IpCheck.Checksum
    if ((b.getAt(at + Ip.Fragment, "u16") & FragmentBits.Any) !== 0) return IpCheck.Fragment
    return IpCheck.Ok
}

/** Returns the length of the header at `at`, options included: 20 to 60 if `ipv4Check` returned Ok. */
export function ipv4HeaderLength(b: Buffer, at: number): number {
    return at < 0 ? 0 : (b.getAt(at, "u8") & 15) << 2
}

/** Returns the length of the packet at `at`, header included. */
export function ipv4TotalLength(b: Buffer, at: number): number {
    return readU16(b, at + Ip.TotalLength)
}

/** Writes a header without options at `at`, its checksum included. `total` is the packet's length in bytes. */
export function writeIpv4(
    b: Buffer,
    at: number,
    total: number,
    identification: number,
    ttl: number,
    protocol: Protocol,
    source: number,
    destination: number
): void {
    b.setAt(at + Ip.VersionIhl, "u16", 0x45)
    b.setAt(at + Ip.TotalLength, "u16", ((total & 0xff) << 8) | (total >> 8))
    b.setAt(at + Ip.Identification, "u16", identification & 0xffff)
    b.setAt(at + Ip.Fragment, "u16", 0)
    b.setAt(at + Ip.TimeToLive, "u8", ttl)
    b.setAt(at + Ip.Protocol, "u8", protocol)
    b.setAt(at + Ip.Checksum, "u16", 0)
    b.setAt(at + Ip.Source, "i32", source)
    b.setAt(at + Ip.Destination, "i32", destination)
    b.setAt(at + Ip.Checksum, "u16", checksumOf(onesSum(b, at, Ip.Size, 0)))
}

/** Returns the sum of the pseudo header of RFC 9293 section 3.1 (UDP's is the same): the start value for `onesSum`. */
export function pseudoSum(source: number, destination: number, protocol: Protocol, length: number): number {
    return (source >>> 0) + (destination >>> 0) + (protocol << 8) + (((length & 0xff) << 8) | (length >> 8))
}

/** Returns true for an address in 224.0.0.0/4. */
export function isMulticast(ip: number): boolean {
    return (ip & 0xf0) === 0xe0
}

/** Returns true for an address of 224.0.0.0 and above: multicast, reserved or the limited broadcast. No host has such an address. */
export function isNotUnicast(ip: number): boolean {
    return (ip & 0xe0) === 0xe0
}
