// Finds the packet in a packet that carries another: IP in IP (RFC 2003, RFC 4213), GRE (RFC 2784, RFC 2890) with ERSPAN, VXLAN
// (RFC 7348) and Geneve (RFC 8926).

import { type IpPacket, ipPacket } from "./ip-packet"
import { LINKTYPE_ETHERNET, networkStart } from "./link-layer"

const enum Protocol {
    Ipv4 = 4,
    Udp = 17,
    Ipv6 = 41,
    Gre = 47,
}

const PORT_VXLAN = 4789
const PORT_GENEVE = 6081
/** Types of what GRE and Geneve carry. */
const TYPE_IPV4 = 0x0800
const TYPE_IPV6 = 0x86dd
const TYPE_ETHERNET = 0x6558
const TYPE_ERSPAN = 0x88be
/** Flags of GRE. */
const CHECKSUM = 0x8000
const KEY = 0x2000
const SEQUENCE = 0x1000
const VERSION = 7
/** More tunnels in each other than this are damage. */
const MAX_TUNNELS = 4

/** Returns the innermost packet: the packet itself if it is no tunnel's; undefined if what it carries is no whole IP packet. */
export function innermost(packet: IpPacket | undefined): IpPacket | undefined {
    let found = packet
    for (let depth = 0; found !== undefined && found.fragment === undefined; depth++) {
        const start = carriedAt(found)
        if (start === undefined) return found
        if (depth === MAX_TUNNELS) return undefined
        found = start < 0 ? undefined : ipPacket(found.bytes, start, found.payload + found.length)
    }
    return undefined
}

/** Returns where the carried packet begins; undefined if the packet is no tunnel's, -1 if it carries no IP packet. */
function carriedAt(packet: IpPacket): number | undefined {
    const { protocol, bytes, payload } = packet
    switch (protocol) {
        case Protocol.Ipv4:
        case Protocol.Ipv6:
            return payload
        case Protocol.Gre:
            return afterGre(bytes, payload)
        case Protocol.Udp:
            return afterUdp(bytes, payload)
        default:
            return undefined
    }
}

function afterGre(bytes: Uint8Array, at: number): number {
    if (bytes.length < at + 4) return -1
    const flags = u16(bytes, at)
    // version 1 carries PPP
    if ((flags & VERSION) !== 0) return -1
    const options = [CHECKSUM, KEY, SEQUENCE].filter(flag => (flags & flag) !== 0).length
    const type = u16(bytes, at + 2)
    const start = at + 4 + 4 * options
    if (type !== TYPE_ERSPAN) return carriedBy(type, bytes, start)
    // type II has a header, and only it a sequence number
    return afterEthernet(bytes, start + ((flags & SEQUENCE) !== 0 ? 8 : 0))
}

function afterUdp(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.length < at + 16) return undefined
    const port = u16(bytes, at + 2)
    if (port === PORT_VXLAN) return afterEthernet(bytes, at + 16)
    if (port !== PORT_GENEVE) return undefined
    return carriedBy(u16(bytes, at + 10), bytes, at + 16 + (bytes[at + 8]! & 0x3f) * 4)
}

function carriedBy(type: number, bytes: Uint8Array, start: number): number {
    if (type === TYPE_IPV4 || type === TYPE_IPV6) return start
    return type === TYPE_ETHERNET ? afterEthernet(bytes, start) : -1
}

function afterEthernet(bytes: Uint8Array, start: number): number {
    const place = networkStart(LINKTYPE_ETHERNET, bytes.subarray(start))
    return place === undefined ? -1 : start + place
}

function u16(bytes: Uint8Array, at: number): number {
    return (bytes[at]! << 8) | bytes[at + 1]!
}
