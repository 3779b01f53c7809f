// Finds the segment in frames of every link, in IPv4 and IPv6 packets with everything that may come before it.

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Connections } from "../../sim/analysis/connections"
import { Recording } from "../../sim/analysis/recording"
import { addressText } from "../../sim/capture/ip-packet"
import { isKnownLink, linkName } from "../../sim/capture/link-layer"
import { cases } from "../support/property"
import { ipv4, tcp, udp } from "../view/packets"

/** An Ethernet frame with a SYN from 10.0.0.2:40000 to 10.0.0.1:80, and its IP packet. */
const frame = tcp({ sourcePort: 40_000, destinationPort: 80, seq: 7, flags: "S" })
const packet = [...frame.subarray(14)]
const segment = packet.slice(20)
const macs = [...frame.subarray(0, 12)]

const address6 = (last: number) => [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
const u16 = (value: number) => [value >> 8, value & 255]

/** An IPv6 packet with these headers before the segment: kind and bytes of each. */
function ipv6(headers: [kind: number, bytes: number[]][], payload = segment, last = 6): number[] {
    const kinds = [...headers.map(([kind]) => kind), last]
    const chain = headers.flatMap(([, bytes], i) => [kinds[i + 1]!, ...bytes.slice(1)])
    const length = chain.length + payload.length
    return [
        ...[0x60, 0, 0, 0, ...u16(length), kinds[0]!, 64, ...address6(2), ...address6(1)],
        ...[...chain, ...payload],
    ]
}

/** Returns the connections that are found in frames, as `10.0.0.2:40000 10.0.0.1:80`. */
function found(linkType: number, ...frames: number[][]): string[] {
    const connections = new Connections()
    for (const one of frames) {
        const bytes = Uint8Array.from(one)
        connections.take(
            { linkType, bytes, length: bytes.length, seconds: 1, nanoseconds: 0 },
            isKnownLink(linkType)
        )
    }
    return connections.list.map(
        ({ addresses, ports }) => `${addresses[0]}:${ports[0]} ${addresses[1]}:${ports[1]}`
    )
}

const V4 = "10.0.0.2:40000 10.0.0.1:80"
const V6 = "2001:db8::2:40000 2001:db8::1:80"
const gre = (payload: number[]) => [...ipv4("1.1.1.1", "2.2.2.2", 47, payload)]
const geneve = (payload: number[]) => [...udp("1.1.1.1", "2.2.2.2", [9, 6081], payload)]
const snap = [0xaa, 0xaa, 3, 0, 0, 0]

test.each<[string, number, number[]]>([
    ["Ethernet", 1, [...frame]],
    ["Ethernet with padding", 1, [...frame, 0, 0, 0, 0]],
    ["a VLAN", 1, [...macs, 0x81, 0, 0, 5, 8, 0, ...packet]],
    ["a VLAN in a VLAN (QinQ)", 1, [...macs, 0x88, 0xa8, 0, 9, 0x81, 0, 0, 5, 8, 0, ...packet]],
    ["the older QinQ", 1, [...macs, 0x91, 0, 0, 9, 0x81, 0, 0, 5, 8, 0, ...packet]],
    ["SNAP", 1, [...macs, ...u16(packet.length + 8), ...snap, 8, 0, ...packet]],
    ["PPPoE", 1, [...macs, 0x88, 0x64, 0x11, 0, 0, 1, ...u16(packet.length + 2), 0, 0x21, ...packet]],
    [
        "PPPoE, compressed",
        1,
        [...macs, 0x88, 0x64, 0x11, 0, 0, 1, ...u16(packet.length + 1), 0x21, ...packet],
    ],
    ["MPLS", 1, [...macs, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64, ...packet]],
    ["PPP", 9, [0xff, 3, 0, 0x21, ...packet]],
    ["raw IP", 101, packet],
    ["raw IP of libpcap", 12, packet],
    ["raw IPv4", 228, packet],
    ["loopback, lower byte first", 0, [2, 0, 0, 0, ...packet]],
    ["loopback, upper byte first", 0, [0, 0, 0, 2, ...packet]],
    ["OpenBSD's loopback", 108, [0, 0, 0, 2, ...packet]],
    ["Linux cooked", 113, [0, 0, 0, 1, 0, 6, ...new Array(8).fill(0), 8, 0, ...packet]],
    [
        "Linux cooked with a VLAN",
        113,
        [0, 0, 0, 1, 0, 6, ...new Array(8).fill(0), 0x81, 0, 0, 5, 8, 0, ...packet],
    ],
    ["Linux cooked v2", 276, [8, 0, 0, 0, ...new Array(16).fill(0), ...packet]],
    ["an IPv4 packet in an IPv4 packet", 1, [...ipv4("1.1.1.1", "2.2.2.2", 4, packet)]],
    [
        "an IPv4 header with options",
        1,
        [...ipv4("10.0.0.2", "10.0.0.1", 6, segment, { options: [1, 1, 1, 1] })],
    ],
    ["GRE", 1, [...ipv4("1.1.1.1", "2.2.2.2", 47, [0, 0, 8, 0, ...packet])]],
    ["GRE with checksum, key and number", 1, gre([0xb0, 0, 8, 0, ...new Array(12).fill(0), ...packet])],
    ["Ethernet in GRE", 1, gre([0, 0, 0x65, 0x58, ...frame])],
    ["ERSPAN", 1, gre([0x10, 0, 0x88, 0xbe, ...new Array(12).fill(0), ...frame])],
    ["VXLAN", 1, [...udp("1.1.1.1", "2.2.2.2", [9, 4789], [8, 0, 0, 0, 0, 0, 1, 0, ...frame])]],
    ["Geneve with an option", 1, geneve([1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0, ...frame])],
    ["IP in Geneve", 1, geneve([0, 0, 8, 0, 0, 0, 1, 0, ...packet])],
    ["a total length of 0 (TSO)", 101, packet.map((byte, i) => (i === 2 || i === 3 ? 0 : byte))],
])("%s", (_name, linkType, bytes) => {
    expect(found(linkType, bytes)).toEqual([V4])
})

const options = [0, 0, 1, 4, 0, 0, 0, 0]
test.each<[string, number, number[]]>([
    ["Ethernet", 1, [...macs, 0x86, 0xdd, ...ipv6([])]],
    ["raw IPv6", 229, ipv6([])],
    ["loopback of macOS", 0, [30, 0, 0, 0, ...ipv6([])]],
    ["Linux cooked v2", 276, [0x86, 0xdd, 0, 0, ...new Array(16).fill(0), ...ipv6([])]],
    [
        "hop-by-hop and destination options",
        101,
        ipv6([
            [0, options],
            [60, options],
        ]),
    ],
    ["a routing header", 101, ipv6([[43, [0, 2, 0, 0, ...new Array(20).fill(0)]]])],
    ["an authentication header", 101, ipv6([[51, [0, 4, ...new Array(22).fill(0)]]])],
    ["a fragment that is the whole packet", 101, ipv6([[44, [0, 0, 0, 0, 0, 0, 0, 1]]])],
    ["IPv6 in IPv4", 1, [...ipv4("1.1.1.1", "2.2.2.2", 41, ipv6([]))]],
])("IPv6: %s", (_name, linkType, bytes) => {
    expect(found(linkType, bytes)).toEqual([V6])
})

describe("fragments", () => {
    const first = [...ipv4("10.0.0.2", "10.0.0.1", 6, segment.slice(0, 16), { fragment: 0x2000 })]
    const second = [...ipv4("10.0.0.2", "10.0.0.1", 6, segment.slice(16), { fragment: 2 })]
    const elsewhere = [
        ...ipv4("10.0.0.2", "10.0.0.1", 6, segment.slice(16), { fragment: 2, identification: 9 }),
    ]

    test("are put together in any order, also when one comes twice", () => {
        expect(found(1, first, second)).toEqual([V4])
        expect(found(1, second, first)).toEqual([V4])
        expect(found(1, first, first, second, second)).toEqual([V4])
    })

    test("of IPv6 are put together", () => {
        const part = (offset: number, more: number, bytes: number[]) =>
            ipv6([[44, [0, 0, ...u16(offset | more), 0, 0, 0, 1]]], bytes)
        expect(found(101, part(0, 1, segment.slice(0, 16)), part(16, 0, segment.slice(16)))).toEqual([V6])
    })

    test("of different packets are not", () => {
        expect(found(1, first, elsewhere)).toEqual([])
    })

    test("do not stay: the oldest of 64 packets is given up", () => {
        const others = Array.from({ length: 64 }, (_, i) => [
            ...ipv4("10.0.0.2", "10.0.0.1", 6, segment.slice(0, 16), {
                fragment: 0x2000,
                identification: 100 + i,
            }),
        ])
        expect(found(1, first, ...others.slice(1), second)).toEqual([V4])
        expect(found(1, first, ...others, second)).toEqual([])
    })
})

describe("an ICMP error about a connection", () => {
    const quoted = packet.slice(0, 28)
    const icmp = (type: number, code: number, about: number[]) => [
        ...ipv4("10.0.0.254", "10.0.0.2", 1, [type, code, 0, 0, 0, 0, 0, 0, ...about]),
    ]
    const words = (...frames: number[][]) => {
        const recording = new Recording(0)
        const connections = new Connections(recording)
        for (const one of frames)
            connections.take(
                { linkType: 1, bytes: Uint8Array.from(one), length: one.length, seconds: 1, nanoseconds: 0 },
                true
            )
        return recording.first.flatMap(row => (row.kind === "note" ? row.text : []))
    }

    test.each([
        [3, 1, "10.0.0.254: ICMP unreachable: host"],
        [3, 13, "10.0.0.254: ICMP unreachable: prohibited"],
        [3, 77, "10.0.0.254: ICMP unreachable: code 77"],
        [11, 0, "10.0.0.254: ICMP time exceeded: too many hops"],
    ])("of type %i, code %i", (type, code, text) => {
        expect(words([...frame], icmp(type, code, quoted))).toEqual([text])
        expect(words([...frame], icmp(type, code, packet))).toEqual([text])
    })

    test("about another connection, or no error, is not one", () => {
        expect(words([...frame], icmp(8, 0, quoted))).toEqual([])
        expect(words([...frame], icmp(3, 1, [...packet.slice(0, 21), 9, ...packet.slice(22, 28)]))).toEqual(
            []
        )
    })
})

test("links that are not known have numbers, and their packets are counted", () => {
    expect(linkName(1)).toBe("Ethernet")
    expect(linkName(105)).toBe("link type 105")
    const connections = new Connections()
    connections.take({ linkType: 105, bytes: frame, length: frame.length, seconds: 1, nanoseconds: 0 }, false)
    expect([...connections.unread]).toEqual([[105, 1]])
})

test.each([
    [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "2001:db8::1"],
    [new Array(16).fill(0), "::"],
    [[...new Array(15).fill(0), 1], "::1"],
    [[0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 5], "1:0:2::3:4:5"],
    [[0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7], "1:0:2:3:4:5:6:7"],
])("an IPv6 address is written by RFC 5952: %j is %s", (bytes, text) => {
    expect(addressText(Uint8Array.from(bytes), 0, 6)).toBe(text)
})

test("tunnels in each other end after four, and what carries no IP packet has no segment", () => {
    const deep = (count: number) => {
        let bytes = packet
        for (let i = 0; i < count; i++) bytes = [...ipv4("1.1.1.1", "2.2.2.2", 4, bytes).subarray(14)]
        return found(101, bytes)
    }
    expect(deep(4)).toEqual([V4])
    expect(deep(5)).toEqual([])
    expect(found(1, gre([0, 1, 0x88, 0x0b, ...packet]), gre([0, 0, 0x99, 0x99, ...packet]))).toEqual([])
})

test("any frame of any link gets an answer", () => {
    const links = fc.constantFrom(0, 1, 9, 12, 101, 108, 113, 228, 229, 276)
    const like = fc
        .tuple(fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 8 }), fc.nat(frame.length))
        .map(([changes, end]) => {
            const bytes = frame.slice(0, end)
            for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
            return bytes
        })
    const connections = new Connections(new Recording(0))
    fc.assert(
        fc.property(
            links,
            fc.oneof(like, fc.uint8Array({ maxLength: 90 })),
            fc.nat(70_000),
            (linkType, bytes, more) => {
                connections.take(
                    { linkType, bytes, length: bytes.length + more, seconds: 1, nanoseconds: more },
                    true
                )
                // a byte of IP in front reaches deeper
                const packet = Uint8Array.from([...frame.subarray(0, 34), ...bytes])
                packet[23] = [6, 1, 4, 17, 41, 47, 58][more % 7]!
                connections.take(
                    { linkType: 1, bytes: packet, length: packet.length, seconds: 2, nanoseconds: 0 },
                    true
                )
            }
        ),
        cases(5000)
    )
})
