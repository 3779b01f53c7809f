// ICMP echo: RFC 792, RFC 1122 section 3.2.2.6.

import { describe, expect, test } from "vitest"
import type { IcmpView } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { receive } from "../../src/net/receive"
import { transmit } from "../../src/net/transmit"
import { Bench } from "../support/bench"
import { ethernet, type IpFields, icmp, ipv4 } from "../support/frames"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"

interface Ping {
    type?: number
    code?: number
    checksum?: number
    ip?: Partial<IpFields>
    to?: string
    from?: string
    padding?: number
}

function echo(data: ArrayLike<number>, ping: Ping = {}): Uint8Array {
    const header = { source: "10.0.0.2", destination: "10.0.0.1", protocol: 1, ...ping.ip }
    const message = icmp(ping.type ?? 8, ping.code ?? 0, 0x1234_0007, data, ping.checksum)
    const packet = ipv4(header, message)
    return ethernet(ping.to ?? US, ping.from ?? THEM, 0x0800, [
        ...packet,
        ...new Array(ping.padding ?? 0).fill(0xee),
    ])
}

/** What comes back. */
function ping(bench: Bench, data: ArrayLike<number>, options?: Ping): IcmpView[] {
    bench.receive(echo(data, options))
    return bench.others.splice(0).map(s => s.view as IcmpView)
}

const text = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff)

const quiet = () => new Bench({}, { arp: false })

describe("echo", () => {
    test.each([0, 1, 2, 3, 8, 55, 56, 57, 63, 64, 65, 127, 128, 129, 500, 1471, 1472])(
        "%d bytes of data come back",
        length => {
            expect(ping(quiet(), text(length))).toMatchObject([
                {
                    kind: "icmp",
                    type: 0,
                    code: 0,
                    echo: { identifier: 0x1234, sequence: 7 },
                    destination: "10.0.0.2",
                    destinationMac: THEM,
                    frameLength: 42 + length,
                    payload: text(length),
                },
            ])
        }
    )

    test("data of all zeros and of all ones: both forms of a checksum of nothing", () => {
        for (const byte of [0x00, 0xff]) {
            for (const length of [0, 1, 2, 3, 100]) {
                expect(ping(quiet(), new Uint8Array(length).fill(byte))).toMatchObject([{ type: 0 }])
            }
        }
    })

    test("Ethernet padding is not part of it", () => {
        expect(ping(quiet(), text(3), { padding: 15 })).toMatchObject([{ payload: text(3), frameLength: 45 }])
    })

    test("IP options are skipped", () => {
        const options = [7, 7, 4, 0, 0, 0, 0, 0]
        expect(ping(quiet(), text(10), { ip: { options } })).toMatchObject([{ payload: text(10) }])
    })

    test("any time to live will do (RFC 1122, 3.2.1.7)", () => {
        for (const ttl of [0, 1, 255])
            expect(ping(quiet(), text(4), { ip: { ttl } })).toMatchObject([{ ttl: 64 }])
    })

    test("from another network: back to the router that brought it, without ARP", () => {
        const [answer] = ping(quiet(), text(4), { ip: { source: "192.0.2.9" } })
        expect(answer).toMatchObject({ destination: "192.0.2.9", destinationMac: THEM })
    })

    test("don't-fragment does not matter", () => {
        expect(ping(quiet(), text(4), { ip: { fragment: 0x4000 } })).toMatchObject([{ type: 0 }])
    })

    test("answers that differ have different identifications", () => {
        const bench = quiet()
        const seen = new Set<number>()
        for (let i = 0; i < 10; i++) seen.add(ping(bench, [i, 1, 2, 3])[0]!.identification)
        expect(seen.size).toBe(10)
    })

    test("what others are answered cannot be told from an identification", () => {
        const bench = quiet()
        const [before] = ping(bench, text(4))
        for (let i = 0; i < 10; i++) ping(bench, text(i), { ip: { source: "10.0.0.3" } })
        const [after] = ping(bench, text(4))
        expect(after!.identification).toBe(before!.identification)
    })
})

describe("no answer", () => {
    test.each([
        [
            "to the network's broadcast address",
            { ip: { destination: "10.0.0.255" }, to: "ff:ff:ff:ff:ff:ff" },
            Counter.IcmpIgnored,
        ],
        [
            "to the limited broadcast address",
            { ip: { destination: "255.255.255.255" }, to: "ff:ff:ff:ff:ff:ff" },
            Counter.IcmpIgnored,
        ],
        [
            "to a multicast address",
            { ip: { destination: "224.0.0.1" }, to: "01:00:5e:00:00:01" },
            Counter.IcmpIgnored,
        ],
        [
            "to our address, but to everybody's Ethernet address",
            { to: "ff:ff:ff:ff:ff:ff" },
            Counter.IcmpIgnored,
        ],
        [
            "to the broadcast address in a frame to us alone",
            { ip: { destination: "10.0.0.255" } },
            Counter.IcmpIgnored,
        ],
        ["with a checksum that does not fit", { checksum: 0x1111 }, Counter.IcmpMalformed],
        ["with another code", { code: 1 }, Counter.IcmpIgnored],
        ["an echo reply", { type: 0 }, Counter.IcmpIgnored],
        ["a timestamp request (MAY)", { type: 13 }, Counter.IcmpIgnored],
        ["an address mask request (MAY)", { type: 17 }, Counter.IcmpIgnored],
        ["a type nobody knows", { type: 200 }, Counter.IcmpIgnored],
        ["the first fragment", { ip: { fragment: 0x2000 } }, Counter.IpFragment],
        ["a later fragment", { ip: { fragment: 0x0010 } }, Counter.IpFragment],
    ] as [string, Ping, number][])("%s", (_, options, counter) => {
        const bench = quiet()
        expect(ping(bench, text(8), options)).toEqual([])
        expect(bench.counter(counter)).toBe(1)
    })

    test("less than an ICMP header, at every length", () => {
        const bench = quiet()
        const whole = icmp(8, 0, 0, [])
        for (let length = 0; length < 8; length++) {
            const header = { source: "10.0.0.2", destination: "10.0.0.1", protocol: 1 }
            bench.receive(ethernet(US, THEM, 0x0800, ipv4(header, whole.slice(0, length))))
        }
        expect(bench.others).toEqual([])
        expect(bench.counter(Counter.IcmpMalformed)).toBe(8)
    })
})

// ---------------------------------------------------------------- One transmit frame: an answer that waits is not overwritten
test("a second ping before the first was answered is dropped and counted; the first answer is whole", () => {
    const bench = quiet()
    const { stack } = bench
    const put = (data: Uint8Array) => {
        const frame = echo(data)
        stack.rx.set(frame)
        receive(stack, frame.length, bench.now)
    }
    put(text(100))
    put(new Uint8Array(200))
    expect(bench.counter(Counter.ReplyBusy)).toBe(1)
    bench.poll()
    expect(bench.others.splice(0).map(s => s.view)).toMatchObject([{ type: 0, payload: text(100) }])
    expect(transmit(stack, bench.now)).toBe(0)
})

tsharkAgrees()
