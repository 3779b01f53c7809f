// Reads, redirects and writes the packets that the router handles.
//
// Addresses are numbers in the form of src/wire/ipv4.ts, ports are numbers in host order.

import type { Buffer } from "@devicescript/core"
import { readU16, swap16, writeU16 } from "../../src/base/bytes"
import { checksumOf, onesSum } from "../../src/wire/checksum"
import { Eth, EtherType, writeEthernet } from "../../src/wire/ethernet"
import { Icmp, IcmpType, type Unreachable } from "../../src/wire/icmp"
import { Ip, ipv4HeaderLength, ipv4TotalLength, Protocol, pseudoSum, writeIpv4 } from "../../src/wire/ipv4"
import { Flag, Tcp } from "../../src/wire/tcp"
import { Udp, udpDataLength } from "../../src/wire/udp"

const enum Size {
    Mtu = 1500,
    TimeToLive = 64,
    /** Bytes after the IP header that an ICMP error quotes (RFC 792). */
    Quoted = 8,
}

/** The longest data of one unfragmented datagram. */
export const MAX_DATAGRAM = Size.Mtu - Ip.Size - Udp.Size
export const MAX_FRAME = Eth.Size + Size.Mtu

/** The source and the destination of a packet. */
export interface Ends {
    source: number
    sourcePort: number
    destination: number
    destinationPort: number
}

/** Returns the ends of the TCP or UDP packet in a frame with a valid IP header; undefined when the packet is cut short. */
export function endsOf(frame: Buffer): Ends | undefined {
    const at = transportAt(frame)
    if (ipv4TotalLength(frame, Eth.Size) < at - Eth.Size + 4) return undefined
    return {
        source: frame.getAt(Eth.Size + Ip.Source, "i32"),
        sourcePort: readU16(frame, at),
        destination: frame.getAt(Eth.Size + Ip.Destination, "i32"),
        destinationPort: readU16(frame, at + 2),
    }
}

/** Returns the control bits of a segment; -1 when its header is cut short. */
export function controlOf(frame: Buffer): number {
    const at = transportAt(frame)
    if (ipv4TotalLength(frame, Eth.Size) < at - Eth.Size + Tcp.Size) return -1
    return frame.getAt(at + Tcp.Flags, "u8") & (Flag.Syn | Flag.Ack | Flag.Rst | Flag.Fin)
}

/** Returns true when the TCP or UDP checksum is right; a datagram may have none. */
export function isIntact(frame: Buffer, protocol: Protocol): boolean {
    const at = transportAt(frame)
    let length = ipv4TotalLength(frame, Eth.Size) - (at - Eth.Size)
    if (protocol === Protocol.Udp) {
        length = udpDataLength(frame, at, length) + Udp.Size
        if (length < Udp.Size) return false
        if (frame.getAt(at + Udp.Checksum, "u16") === 0) return true
    }
    const source = frame.getAt(Eth.Size + Ip.Source, "i32")
    const destination = frame.getAt(Eth.Size + Ip.Destination, "i32")
    return onesSum(frame, at, length, pseudoSum(source, destination, protocol, length)) === 0xffff
}

/** Returns a copy of the data of an intact datagram. */
export function datagramOf(frame: Buffer): Uint8Array {
    const at = transportAt(frame)
    const length = udpDataLength(frame, at, ipv4TotalLength(frame, Eth.Size) - (at - Eth.Size))
    return Uint8Array.from(frame.subarray(at + Udp.Size, at + Udp.Size + Math.max(0, length)))
}

/** The offsets of the two ends of a packet, for `redirect`. */
export const Side = {
    Source: { ip: Ip.Source as number, port: Tcp.SourcePort as number },
    Destination: { ip: Ip.Destination as number, port: Tcp.DestinationPort as number },
} as const

/**
 * Replaces one end of the segment in a frame. Checksums are adjusted (RFC 1624), not recomputed, so that a wrong checksum stays
 * wrong.
 */
export function redirect(frame: Buffer, side: { ip: number; port: number }, ip: number, port: number): void {
    const at = transportAt(frame)
    const oldIp = frame.getAt(Eth.Size + side.ip, "i32")
    const oldPort = frame.getAt(at + side.port, "u16")
    const newPort = swap16(port)
    frame.setAt(Eth.Size + side.ip, "i32", ip)
    frame.setAt(at + side.port, "u16", newPort)
    const change = wordsOf(ip) + without(oldIp & 0xffff) + without((oldIp >> 16) & 0xffff)
    adjust(frame, Eth.Size + Ip.Checksum, change)
    adjust(frame, at + Tcp.Checksum, change + newPort + without(oldPort))
}

/** Writes a frame with a datagram; returns its length. Throws when the data is longer than MAX_DATAGRAM. */
export function writeDatagram(
    into: Buffer,
    macs: { to: Buffer; from: Buffer },
    { source, sourcePort, destination, destinationPort }: Ends,
    data: Uint8Array
): number {
    if (data.length > MAX_DATAGRAM) throw new RangeError(`a datagram of ${data.length} bytes is too long`)
    const at = Eth.Size + Ip.Size
    const length = Udp.Size + data.length
    writeEthernet(into, macs.to, 0, macs.from, EtherType.IPv4)
    writeIpv4(into, Eth.Size, Ip.Size + length, 0, Size.TimeToLive, Protocol.Udp, source, destination)
    writeU16(into, at + Udp.Source, sourcePort)
    writeU16(into, at + Udp.Destination, destinationPort)
    writeU16(into, at + Udp.Length, length)
    into.setAt(at + Udp.Checksum, "u16", 0)
    into.set(data, at + Udp.Size)
    const sum = onesSum(into, at, length, pseudoSum(source, destination, Protocol.Udp, length))
    // a checksum of 0 is sent as 0xffff, because 0 means none (RFC 768)
    into.setAt(at + Udp.Checksum, "u16", checksumOf(sum) || 0xffff)
    return at + length
}

/** Writes a frame with an ICMP error to the sender of the packet in `about`: it cannot be delivered (RFC 792). */
export function writeUnreachable(
    into: Buffer,
    about: Buffer,
    router: { ip: number; mac: Buffer },
    code: Unreachable
): number {
    const quoted = ipv4HeaderLength(about, Eth.Size) + Size.Quoted
    const at = Eth.Size + Ip.Size
    const length = Icmp.Size + quoted
    const to = about.getAt(Eth.Size + Ip.Source, "i32")
    writeEthernet(into, about, Eth.Source, router.mac, EtherType.IPv4)
    writeIpv4(into, Eth.Size, Ip.Size + length, 0, Size.TimeToLive, Protocol.Icmp, router.ip, to)
    into.setAt(at, "u16", IcmpType.Unreachable | (code << 8))
    into.setAt(at + Icmp.Checksum, "u16", 0)
    into.setAt(at + Icmp.Rest, "i32", 0)
    into.blitAt(at + Icmp.Data, about, Eth.Size, quoted)
    into.setAt(at + Icmp.Checksum, "u16", checksumOf(onesSum(into, at, length, 0)))
    return at + length
}

function transportAt(frame: Buffer): number {
    return Eth.Size + ipv4HeaderLength(frame, Eth.Size)
}

function wordsOf(ip: number): number {
    return (ip & 0xffff) + ((ip >> 16) & 0xffff)
}

/** Returns the term that takes a word out of a one's complement sum. */
function without(word: number): number {
    return ~word & 0xffff
}

function adjust(frame: Buffer, at: number, change: number): void {
    let sum = (~frame.getAt(at, "u16") & 0xffff) + change
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
    frame.setAt(at, "u16", ~sum & 0xffff)
}
