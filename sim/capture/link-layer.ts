// Finds the IP packet in a captured frame of any of the common links.

/** The offset of a frame's IP packet; undefined for a frame without an IP packet. */
export type NetworkStart = number | undefined

/** The link type of Ethernet frames. */
export const LINKTYPE_ETHERNET = 1
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
/** VLAN tags: IEEE 802.1Q, 802.1ad (QinQ), and two numbers that were used for QinQ before it. */
const VLAN_TAGS = new Set([0x8100, 0x88a8, 0x9100, 0x9200])
const ETHERTYPE_PPPOE_SESSION = 0x8864
const ETHERTYPES_MPLS = new Set([0x8847, 0x8848])
const PPP_IPV4 = 0x0021
const PPP_IPV6 = 0x0057
/** The most tags; more are damage. */
const MAX_TAGS = 8

/** A link type: its name, and where the IP packet begins in its frames. */
interface Link {
    readonly name: string
    start(bytes: Uint8Array): NetworkStart
}

const u16 = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!

/** Follows the tags and the type of a frame from the place of its EtherType. */
function afterEtherType(bytes: Uint8Array, place: number): NetworkStart {
    let at = place
    for (let tags = 0; tags <= MAX_TAGS; tags++) {
        if (at + 2 > bytes.length) return undefined
        const type = u16(bytes, at)
        if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return at + 2
        if (type === ETHERTYPE_PPPOE_SESSION) return afterPpp(bytes, at + 8)
        if (ETHERTYPES_MPLS.has(type)) return afterLabels(bytes, at + 2)
        // IEEE 802.2 with SNAP: a length instead of a type, then AA AA 03 and three bytes for "EtherType follows"
        const isSnap = type <= 1500 && u16(bytes, at + 2) === 0xaaaa && bytes[at + 4] === 3
        if (isSnap) at += 8
        else if (VLAN_TAGS.has(type)) at += 4
        else return undefined
    }
    return undefined
}

/** Returns the start of the packet after PPP's protocol field. */
function afterPpp(bytes: Uint8Array, at: number): NetworkStart {
    if (at + 2 > bytes.length) return undefined
    // RFC 1661 section 6.5: both ends may leave out the upper byte, because the lower byte is odd
    const isShort = (bytes[at]! & 1) === 1
    const protocol = isShort ? bytes[at]! : u16(bytes, at)
    return protocol === PPP_IPV4 || protocol === PPP_IPV6 ? at + (isShort ? 1 : 2) : undefined
}

/** Returns the start of the packet after MPLS labels (RFC 3032): the last one has the bit "bottom of stack". */
function afterLabels(bytes: Uint8Array, start: number): NetworkStart {
    for (let at = start; at < start + 4 * MAX_TAGS && at + 4 <= bytes.length; at += 4)
        if (bytes[at + 2]! & 1) return at + 4
    return undefined
}

/** Returns the start of the packet after a frame's address family, a small number in the byte order of the capturing machine. */
function afterFamily(bytes: Uint8Array): NetworkStart {
    if (bytes.length < 4) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const number = view.getUint32(0)
    const family = number > 0xffff ? view.getUint32(0, true) : number
    // AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS, 23 on Windows
    return [2, 10, 23, 24, 28, 30].includes(family) ? 4 : undefined
}

const raw: Link = { name: "raw IP", start: () => 0 }

const links = new Map<number, Link>([
    [0, { name: "BSD loopback", start: afterFamily }],
    [1, { name: "Ethernet", start: bytes => afterEtherType(bytes, 12) }],
    [9, { name: "PPP", start: bytes => afterPpp(bytes, bytes[0] === 0xff && bytes[1] === 3 ? 2 : 0) }],
    // libpcap's own numbers of raw IP, which some writers put into files, and the official one
    [12, raw],
    [14, raw],
    [101, raw],
    [108, { name: "OpenBSD loopback", start: afterFamily }],
    [113, { name: "Linux cooked", start: bytes => afterEtherType(bytes, 14) }],
    [228, { name: "raw IPv4", start: () => 0 }],
    [229, { name: "raw IPv6", start: () => 0 }],
    [276, { name: "Linux cooked v2", start: afterCooked2 }],
])

/** Returns the start of the packet after a Linux cooked header of version 2, whose EtherType comes first. */
function afterCooked2(bytes: Uint8Array): NetworkStart {
    if (bytes.length < 20) return undefined
    const type = u16(bytes, 0)
    if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return 20
    // the header ends where the tag begins
    return VLAN_TAGS.has(type) ? afterEtherType(bytes, 22) : undefined
}

/** Returns true when frames of a link type are supported. */
export function isKnownLink(type: number): boolean {
    return links.has(type)
}

/** Returns the name of a link type. */
export function linkName(type: number): string {
    return links.get(type)?.name ?? `link type ${type}`
}

/** Returns where the IP packet of a frame begins; undefined if it has none, or the link type is not known. */
export function networkStart(linkType: number, bytes: Uint8Array): NetworkStart {
    return links.get(linkType)?.start(bytes)
}
