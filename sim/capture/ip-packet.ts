// Reads the headers of IPv4 (RFC 791) and IPv6 (RFC 8200) packets down to the transport protocol.

/** A packet's addresses and transport protocol. */
export interface IpPacket {
    /** All bytes that were captured, from the packet's first. */
    readonly bytes: Uint8Array
    readonly version: 4 | 6
    /** The offset of the source address; the destination address follows. */
    readonly addresses: number
    readonly protocol: number
    readonly ttl: number
    /** The offset of the transport header. */
    readonly payload: number
    /** The length of the transport header and data by the IP header, which may be more than was captured. */
    readonly length: number
    /** The place of this fragment in a larger packet; undefined for a whole packet. */
    readonly fragment: Fragment | undefined
}

export interface Fragment {
    readonly identification: number
    readonly offset: number
    readonly more: boolean
}

const enum Ipv6Next {
    HopByHop = 0,
    Routing = 43,
    Fragment = 44,
    Authentication = 51,
    None = 59,
    Destination = 60,
    Mobility = 135,
    Hip = 139,
    Shim6 = 140,
}

/** The most extension headers; more are damage. */
const MAX_HEADERS = 16

/**
 * Reads the packet at `start` of a frame that was `frameLength` bytes on its link. Returns undefined if it is not IP, or cut before
 * its transport header.
 */
export function ipPacket(frame: Uint8Array, start: number, frameLength: number): IpPacket | undefined {
    const bytes = frame.subarray(start)
    const length = frameLength - start
    const version = (bytes[0] ?? 0) >> 4
    if (version === 4) return ipv4(bytes, length)
    return version === 6 ? ipv6(bytes, length) : undefined
}

function ipv4(bytes: Uint8Array, onLink: number): IpPacket | undefined {
    const payload = (bytes[0]! & 15) * 4
    if (payload < 20 || bytes.length < payload) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    // a card that cuts segments itself (TSO) gets packets with a total length of 0
    const total = view.getUint16(2) || onLink
    const flags = view.getUint16(6)
    const offset = (flags & 0x1fff) * 8
    const more = (flags & 0x2000) !== 0
    // bytes after the total length are the padding of a short Ethernet frame
    const length = Math.min(total, onLink) - payload
    if (length < 0) return undefined
    const isFragment = offset > 0 || more
    return {
        bytes,
        version: 4,
        addresses: 12,
        protocol: bytes[9]!,
        ttl: bytes[8]!,
        payload,
        length,
        fragment: isFragment ? { identification: view.getUint16(4), offset, more } : undefined,
    }
}

function ipv6(bytes: Uint8Array, onLink: number): IpPacket | undefined {
    if (bytes.length < 40) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    // a length of 0 is a jumbogram, or one of a card that cuts segments itself
    const end = Math.min(view.getUint16(4) === 0 ? onLink : 40 + view.getUint16(4), onLink)
    let next = bytes[6]!
    let at = 40
    let fragment: Fragment | undefined
    for (let headers = 0; headers < MAX_HEADERS && isExtension(next); headers++) {
        if (at + 8 > bytes.length) return undefined
        if (next === Ipv6Next.Fragment) {
            const place = view.getUint16(at + 2)
            const offset = place & 0xfff8
            const more = (place & 1) !== 0
            // a fragment that is the whole packet (RFC 6946) is a packet
            if (offset > 0 || more) fragment = { identification: view.getUint32(at + 4), offset, more }
        }
        const following = bytes[at]!
        at += sizeOf(next, bytes[at + 1]!)
        next = following
        // the transport header is only in the first fragment, and the data is complete only in all of them
        if (fragment !== undefined) break
    }
    if (at > end) return undefined
    return {
        bytes,
        version: 6,
        addresses: 8,
        protocol: next,
        ttl: bytes[7]!,
        payload: at,
        length: end - at,
        fragment,
    }
}

function isExtension(next: number): boolean {
    switch (next) {
        case Ipv6Next.HopByHop:
        case Ipv6Next.Routing:
        case Ipv6Next.Fragment:
        case Ipv6Next.Authentication:
        case Ipv6Next.Destination:
        case Ipv6Next.Mobility:
        case Ipv6Next.Hip:
        case Ipv6Next.Shim6:
            return true
        default:
            return false
    }
}

function sizeOf(header: number, length: number): number {
    if (header === Ipv6Next.Fragment) return 8
    // RFC 4302: in words of 4 bytes, less 2
    return header === Ipv6Next.Authentication ? (length + 2) * 4 : (length + 1) * 8
}

/** Returns an address in its usual text form: RFC 5952 for IPv6. */
export function addressText(bytes: Uint8Array, at: number, version: 4 | 6): string {
    if (version === 4) return bytes.subarray(at, at + 4).join(".")
    const groups = Array.from({ length: 8 }, (_, i) =>
        ((bytes[at + 2 * i]! << 8) | bytes[at + 2 * i + 1]!).toString(16)
    )
    // the longest run of two or more zeros, the first of equals, is written as ::
    let from = 0
    let most = 1
    for (let i = 0; i < 8; i++) {
        let end = i
        while (end < 8 && groups[end] === "0") end++
        if (end - i > most) {
            from = i
            most = end - i
        }
    }
    if (most === 1) return groups.join(":")
    return `${groups.slice(0, from).join(":")}::${groups.slice(from + most).join(":")}`
}
