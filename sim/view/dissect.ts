// Dissects a frame for display. Any bytes have a view: a frame that cannot be read to its end is shown as far as possible.
import { flagsOf, type TcpFlags } from "./flags"
import { type TcpOption, tcpOptions } from "./tcp-options"

/** The fields of every frame. Addresses are text, as people write them. */
interface Ethernet {
    readonly sourceMac: string
    readonly destinationMac: string
    readonly etherType: number
    /** Bytes of the frame, without its frame check sequence. */
    readonly frameLength: number
}

interface Ipv4 extends Ethernet {
    readonly source: string
    readonly destination: string
    readonly protocol: number
    readonly ttl: number
    readonly identification: number
    readonly headerChecksumValid: boolean
}

/** A frame that is shorter than a header in it, or has a header that contradicts the frame. */
interface MalformedView {
    readonly kind: "malformed"
    readonly reason: string
    readonly frameLength: number
}

export interface ArpView extends Ethernet {
    readonly kind: "arp"
    /** 1 is a request, 2 a reply. */
    readonly operation: number
    readonly senderMac: string
    readonly senderIp: string
    readonly targetMac: string
    readonly targetIp: string
}

export interface TcpView extends Ipv4 {
    readonly kind: "tcp"
    readonly sourcePort: number
    readonly destinationPort: number
    /** The sequence number in the header: absolute, 0 to 2^32 - 1. */
    readonly seq: number
    /** The acknowledgment number in the header; it is meaningful only with the ACK flag. */
    readonly ack: number
    readonly flags: TcpFlags
    /** The window in the header, not scaled. */
    readonly window: number
    readonly urgent: number
    readonly options: readonly TcpOption[]
    /** The data: all of it, or its beginning where a capture has no more. */
    readonly payload: Uint8Array
    /** The bytes of data. */
    readonly length: number
    readonly checksumValid: boolean
}

export interface UdpView extends Ipv4 {
    readonly kind: "udp"
    readonly sourcePort: number
    readonly destinationPort: number
    readonly payload: Uint8Array
    /** True also for a checksum of 0, which means that the sender computed none (RFC 768). */
    readonly checksumValid: boolean
}

export interface IcmpView extends Ipv4 {
    readonly kind: "icmp"
    readonly type: number
    readonly code: number
    /** The four bytes after the checksum, whose meaning depends on the type. */
    readonly rest: Uint8Array
    /** The fields of an echo request or reply; undefined for other messages. */
    readonly echo: { readonly identifier: number; readonly sequence: number } | undefined
    readonly payload: Uint8Array
    readonly checksumValid: boolean
}

/** A fragment of an IP packet. Only the first fragment would have a readable transport header. */
interface FragmentView extends Ipv4 {
    readonly kind: "fragment"
    /** Bytes of the packet's payload before this fragment. */
    readonly offset: number
    readonly moreFragments: boolean
    readonly payload: Uint8Array
}

/** An IPv4 packet of a protocol other than TCP, UDP and ICMP. */
interface OtherIpView extends Ipv4 {
    readonly kind: "ip"
    readonly payload: Uint8Array
}

/** A frame with an EtherType other than IPv4 and ARP, such as IPv6, or with a length in that field (IEEE 802.3). */
interface OtherView extends Ethernet {
    readonly kind: "ethernet"
    readonly payload: Uint8Array
}

export type View =
    | MalformedView
    | ArpView
    | TcpView
    | UdpView
    | IcmpView
    | FragmentView
    | OtherIpView
    | OtherView

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_ARP = 0x0806
const PROTOCOL_ICMP = 1
const PROTOCOL_TCP = 6
const PROTOCOL_UDP = 17

/** Dissects a frame that begins with its destination address and ends before its check sequence. Payloads are views on it. */
export function dissect(frame: Uint8Array): View {
    if (frame.length < 14) return malformed(frame, "shorter than an Ethernet header")
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    const ethernet: Ethernet = {
        destinationMac: mac(frame, 0),
        sourceMac: mac(frame, 6),
        etherType: view.getUint16(12),
        frameLength: frame.length,
    }
    if (ethernet.etherType === ETHERTYPE_IPV4) return ipv4(frame, view, ethernet)
    if (ethernet.etherType === ETHERTYPE_ARP) return arp(frame, view, ethernet)
    return { kind: "ethernet", ...ethernet, payload: frame.subarray(14) }
}

function malformed(frame: Uint8Array, reason: string): MalformedView {
    return { kind: "malformed", reason, frameLength: frame.length }
}

function arp(frame: Uint8Array, view: DataView, ethernet: Ethernet): View {
    if (frame.length < 42) return malformed(frame, "ARP is cut short")
    // Ethernet and IPv4 with their address lengths
    if (view.getUint32(14) !== 0x0001_0800 || view.getUint16(18) !== 0x0604) {
        return malformed(frame, "ARP for addresses other than Ethernet and IPv4")
    }
    return {
        kind: "arp",
        ...ethernet,
        operation: view.getUint16(20),
        senderMac: mac(frame, 22),
        senderIp: ip(frame, 28),
        targetMac: mac(frame, 32),
        targetIp: ip(frame, 38),
    }
}

function ipv4(frame: Uint8Array, view: DataView, ethernet: Ethernet): View {
    if (frame.length < 34) return malformed(frame, "the IPv4 header is cut short")
    const version = frame[14]! >> 4
    const headerLength = (frame[14]! & 15) * 4
    const totalLength = view.getUint16(16)
    if (version !== 4) return malformed(frame, `IP version ${version} in an IPv4 frame`)
    if (headerLength < 20) return malformed(frame, `an IPv4 header of ${headerLength} bytes`)
    if (totalLength < headerLength) return malformed(frame, "an IPv4 total length below the header length")
    if (14 + totalLength > frame.length) return malformed(frame, "the IPv4 packet is cut short")
    const header: Ipv4 = {
        ...ethernet,
        source: ip(frame, 26),
        destination: ip(frame, 30),
        protocol: frame[23]!,
        ttl: frame[22]!,
        identification: view.getUint16(18),
        headerChecksumValid: fold(sum(frame.subarray(14, 14 + headerLength), 0)) === 0xffff,
    }
    // bytes after the total length are Ethernet padding
    const payload = frame.subarray(14 + headerLength, 14 + totalLength)
    const fragment = view.getUint16(20)
    const offset = (fragment & 0x1fff) * 8
    const moreFragments = (fragment & 0x2000) !== 0
    if (offset > 0 || moreFragments) return { kind: "fragment", ...header, offset, moreFragments, payload }
    switch (header.protocol) {
        case PROTOCOL_TCP:
            return tcp(frame, header, payload)
        case PROTOCOL_UDP:
            return udp(frame, header, payload)
        case PROTOCOL_ICMP:
            return icmp(frame, header, payload)
        default:
            return { kind: "ip", ...header, payload }
    }
}

function tcp(frame: Uint8Array, header: Ipv4, segment: Uint8Array): View {
    if (segment.length < 20) return malformed(frame, "the TCP header is cut short")
    const view = new DataView(segment.buffer, segment.byteOffset, segment.length)
    const dataOffset = (segment[12]! >> 4) * 4
    if (dataOffset < 20) return malformed(frame, `a TCP header of ${dataOffset} bytes`)
    if (dataOffset > segment.length) return malformed(frame, "the TCP options are cut short")
    return {
        kind: "tcp",
        ...header,
        sourcePort: view.getUint16(0),
        destinationPort: view.getUint16(2),
        seq: view.getUint32(4),
        ack: view.getUint32(8),
        flags: flagsOf(segment[13]!),
        window: view.getUint16(14),
        urgent: view.getUint16(18),
        options: tcpOptions(segment.subarray(20, dataOffset)),
        payload: segment.subarray(dataOffset),
        length: segment.length - dataOffset,
        checksumValid: withPseudoHeader(frame, header, segment) === 0xffff,
    }
}

function udp(frame: Uint8Array, header: Ipv4, datagram: Uint8Array): View {
    if (datagram.length < 8) return malformed(frame, "the UDP header is cut short")
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length)
    const length = view.getUint16(4)
    if (length < 8 || length > datagram.length) return malformed(frame, `a UDP length of ${length}`)
    const none = view.getUint16(6) === 0
    return {
        kind: "udp",
        ...header,
        sourcePort: view.getUint16(0),
        destinationPort: view.getUint16(2),
        payload: datagram.subarray(8, length),
        checksumValid: none || withPseudoHeader(frame, header, datagram.subarray(0, length)) === 0xffff,
    }
}

function icmp(frame: Uint8Array, header: Ipv4, message: Uint8Array): View {
    if (message.length < 8) return malformed(frame, "the ICMP header is cut short")
    const view = new DataView(message.buffer, message.byteOffset, message.length)
    const type = message[0]!
    const isEcho = type === 0 || type === 8
    return {
        kind: "icmp",
        ...header,
        type,
        code: message[1]!,
        rest: message.subarray(4, 8),
        echo: isEcho ? { identifier: view.getUint16(4), sequence: view.getUint16(6) } : undefined,
        payload: message.subarray(8),
        checksumValid: fold(sum(message, 0)) === 0xffff,
    }
}

/** Sums a segment and its pseudo-header; the result is 0xffff when the checksum is right. */
function withPseudoHeader(frame: Uint8Array, header: Ipv4, segment: Uint8Array): number {
    return fold(sum(segment, sum(frame.subarray(26, 34), header.protocol + segment.length)))
}

/** Sums 16-bit words; an odd byte at the end is the upper half of a word. */
export function sum(bytes: Uint8Array, start: number): number {
    let total = start
    for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
    return total
}

/** Adds the carries of a sum to its low 16 bits. */
export function fold(total: number): number {
    let folded = total
    while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000)
    return folded
}

function mac(bytes: Uint8Array, at: number): string {
    return Array.from(bytes.subarray(at, at + 6), byte => byte.toString(16).padStart(2, "0")).join(":")
}

function ip(bytes: Uint8Array, at: number): string {
    return bytes.subarray(at, at + 4).join(".")
}
