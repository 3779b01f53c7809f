// ICMP destination unreachable that we send: RFC 792, RFC 1122 sections 3.2.2.1 and 4.1.3.1.

import { describe, expect, test } from "vitest"
import type { IcmpView } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { Bench } from "../support/bench"
import { broadcastMac, ethernet, type IpFields, icmp, ipv4, udp } from "../support/frames"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"

const quiet = () => new Bench({}, { arp: false })

interface Datagram {
    ip?: Partial<IpFields>
    to?: string
    length?: number
    checksum?: number
    data?: number[]
    padding?: number
}

function datagram(d: Datagram): { frame: Uint8Array; packet: number[] } {
    const addresses = { source: d.ip?.source ?? "10.0.0.2", destination: d.ip?.destination ?? "10.0.0.1" }
    const fields = { sourcePort: 5000, destinationPort: 9, length: d.length, checksum: d.checksum }
    const body = udp(
        addresses,
        fields as { sourcePort: number; destinationPort: number },
        d.data ?? [1, 2, 3, 4, 5]
    )
    const packet = ipv4({ ...addresses, protocol: 17, ...d.ip }, body)
    const padding = new Array(d.padding ?? 0).fill(0xee)
    return { frame: ethernet(d.to ?? US, THEM, 0x0800, [...packet, ...padding]), packet }
}

function answers(bench: Bench, frame: Uint8Array): IcmpView[] {
    bench.receive(frame)
    return bench.others.splice(0).map(s => s.view as IcmpView)
}

// ---------------------------------------------------------------- UDP: an unbound port
describe("a datagram to an unbound port", () => {
    test.each([
        ["with data", {}],
        ["without data", { data: [] }],
        ["with one octet", { data: [7] }],
        ["with a lot of data", { data: new Array(1400).fill(9) }],
        ["without a checksum", { checksum: 0 }],
        ["with IP options", { ip: { options: [1, 1, 1, 1, 1, 1, 1, 0] } }],
        ["with 40 bytes of IP options", { ip: { options: new Array(40).fill(1) } }],
        ["from another network", { ip: { source: "192.0.2.9" } }],
        ["with padding after it", { padding: 20 }],
        ["with a UDP length below the packet's", { length: 10 }],
    ] as [string, Datagram][])("a datagram %s: port unreachable, with its header and 8 bytes", (_, d) => {
        const { frame, packet } = datagram(d.length === undefined ? d : { ...d, checksum: 0 })
        const header = (packet[0]! & 15) * 4
        expect(answers(quiet(), frame)).toMatchObject([
            {
                kind: "icmp",
                type: 3,
                code: 3,
                destination: d.ip?.source ?? "10.0.0.2",
                destinationMac: THEM,
                payload: Uint8Array.from(packet.slice(0, header + 8)),
                frameLength: 14 + 20 + 8 + header + 8,
            },
        ])
    })

    test("the unused four bytes of an ICMP error are 0, whatever was sent before", () => {
        const bench = quiet()
        answers(
            bench,
            ethernet(
                US,
                THEM,
                0x0800,
                ipv4(
                    { source: "10.0.0.2", destination: "10.0.0.1", protocol: 1 },
                    icmp(8, 0, 0xffff_ffff, [255, 255])
                )
            )
        )
        bench.receive(datagram({}).frame)
        const [sent] = bench.others.splice(0)
        expect([...sent!.frame.slice(38, 42)]).toEqual([0, 0, 0, 0])
    })

    test.each([
        ["to the network's broadcast address", { ip: { destination: "10.0.0.255" }, to: broadcastMac }],
        ["to the limited broadcast address", { ip: { destination: "255.255.255.255" }, to: broadcastMac }],
        ["to a multicast address", { ip: { destination: "224.0.0.251" }, to: "01:00:5e:00:00:fb" }],
        ["to our address in a broadcast frame", { to: broadcastMac }],
    ] as [string, Datagram][])("a datagram %s gets no ICMP error (RFC 1122 section 3.2.2)", (_, d) => {
        const bench = quiet()
        expect(answers(bench, datagram(d).frame)).toEqual([])
        expect(bench.counter(Counter.UdpNoPort)).toBe(1)
    })

    test.each([
        ["a wrong checksum", { checksum: 0x1234 }],
        ["a length below that of a header", { length: 7 }],
        ["a length of 0", { length: 0 }],
        ["a length beyond the packet", { length: 14 }],
        ["the largest length", { length: 65_535 }],
    ])("a datagram with %s is dropped as malformed", (_, d) => {
        const bench = quiet()
        expect(answers(bench, datagram(d).frame)).toEqual([])
        expect(bench.counter(Counter.UdpMalformed)).toBe(1)
    })

    test("a datagram shorter than a UDP header, at any length, is dropped as malformed", () => {
        const bench = quiet()
        const header = { source: "10.0.0.2", destination: "10.0.0.1", protocol: 17 }
        for (let length = 0; length < 8; length++) {
            bench.receive(ethernet(US, THEM, 0x0800, ipv4(header, new Uint8Array(length))))
        }
        expect(bench.others).toEqual([])
        expect(bench.counter(Counter.UdpMalformed)).toBe(8)
    })

    test("a fragment of a datagram gets no ICMP error", () => {
        const bench = quiet()
        expect(answers(bench, datagram({ ip: { fragment: 0x2000 } }).frame)).toEqual([])
        expect(answers(bench, datagram({ ip: { fragment: 0x00b9 } }).frame)).toEqual([])
        expect(bench.counter(Counter.IpFragment)).toBe(2)
    })
})

// ---------------------------------------------------------------- IP: an unknown protocol
describe("a packet of an unknown protocol", () => {
    const other = (length: number, fields: Partial<IpFields> = {}, to = US) =>
        ethernet(
            to,
            THEM,
            0x0800,
            ipv4(
                { source: "10.0.0.2", destination: "10.0.0.1", protocol: 99, ...fields },
                new Uint8Array(length).fill(0x5a)
            )
        )

    test.each([0, 1, 7, 8, 9, 1400])(
        "a packet of an unknown protocol with %d bytes: protocol unreachable, with 8 bytes at most",
        length => {
            const bench = quiet()
            expect(answers(bench, other(length))).toMatchObject([
                {
                    type: 3,
                    code: 2,
                    destination: "10.0.0.2",
                    frameLength: 14 + 20 + 8 + 20 + Math.min(8, length),
                },
            ])
            expect(bench.counter(Counter.UnknownProtocol)).toBe(1)
        }
    )

    test.each([
        ["IGMP to all hosts", { protocol: 2, destination: "224.0.0.1" }, "01:00:5e:00:00:01"],
        ["to the broadcast address", { destination: "10.0.0.255" }, broadcastMac],
        ["to our address in a broadcast frame", {}, broadcastMac],
    ] as [string, Partial<IpFields>, string][])(
        "a packet of an unknown protocol, %s, gets no ICMP error",
        (_, fields, to) => {
            const bench = quiet()
            expect(answers(bench, other(20, fields, to))).toEqual([])
            expect(bench.counter(Counter.UnknownProtocol)).toBe(1)
        }
    )
})

// ---------------------------------------------------------------- Never about an ICMP error (3.2.2)
test("ICMP errors of any type get no answer", () => {
    const bench = quiet()
    for (const type of [3, 4, 5, 11, 12]) {
        for (const quoted of [datagram({}).packet.slice(0, 28), [], [1, 2, 3]]) {
            const message = icmp(type, 1, 0, quoted)
            bench.receive(
                ethernet(
                    US,
                    THEM,
                    0x0800,
                    ipv4({ source: "10.0.0.2", destination: "10.0.0.1", protocol: 1 }, message)
                )
            )
        }
    }
    expect(bench.others).toEqual([])
    expect(bench.counter(Counter.IcmpIgnored)).toBe(15)
})

tsharkAgrees()
