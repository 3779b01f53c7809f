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

/** Sends an echo request, and returns the ICMP messages that come back. */
function ping(bench: Bench, data: ArrayLike<number>, options?: Ping): IcmpView[] {
    bench.receive(echo(data, options))
    return bench.others.splice(0).map(s => s.view as IcmpView)
}

const text = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff)

const quiet = () => new Bench({}, { arp: false })

describe("ICMP echo", () => {
    test.each([0, 1, 2, 3, 8, 55, 56, 57, 63, 64, 65, 127, 128, 129, 500, 1471, 1472])(
        "an echo request with %d bytes of data gets them back",
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

    test("echo requests of all zeros and of all ones get valid checksums", () => {
        for (const byte of [0x00, 0xff]) {
            for (const length of [0, 1, 2, 3, 100]) {
                expect(ping(quiet(), new Uint8Array(length).fill(byte))).toMatchObject([{ type: 0 }])
            }
        }
    })

    test("Ethernet padding of an echo request is not sent back", () => {
        expect(ping(quiet(), text(3), { padding: 15 })).toMatchObject([{ payload: text(3), frameLength: 45 }])
    })

    test("IP options of an echo request are skipped", () => {
        const options = [7, 7, 4, 0, 0, 0, 0, 0]
        expect(ping(quiet(), text(10), { ip: { options } })).toMatchObject([{ payload: text(10) }])
    })

    test("an echo request with a TTL of 0, 1 or 255 gets a reply (RFC 1122 section 3.2.1.7)", () => {
        for (const ttl of [0, 1, 255])
            expect(ping(quiet(), text(4), { ip: { ttl } })).toMatchObject([{ ttl: 64 }])
    })

    test("an echo request from another network is answered through its router, without ARP", () => {
        const [answer] = ping(quiet(), text(4), { ip: { source: "192.0.2.9" } })
        expect(answer).toMatchObject({ destination: "192.0.2.9", destinationMac: THEM })
    })

    test("an echo request with don't-fragment gets a reply", () => {
        expect(ping(quiet(), text(4), { ip: { fragment: 0x4000 } })).toMatchObject([{ type: 0 }])
    })

    test("ten different echo replies have ten different identifications", () => {
        const bench = quiet()
        const seen = new Set<number>()
        for (let i = 0; i < 10; i++) seen.add(ping(bench, [i, 1, 2, 3])[0]!.identification)
        expect(seen.size).toBe(10)
    })

    test("the identification of a reply does not count replies to other hosts", () => {
        const bench = quiet()
        const [before] = ping(bench, text(4))
        for (let i = 0; i < 10; i++) ping(bench, text(i), { ip: { source: "10.0.0.3" } })
        const [after] = ping(bench, text(4))
        expect(after!.identification).toBe(before!.identification)
    })
})

describe("ICMP messages without a reply", () => {
    test.each([
        [
            "an echo request to the network's broadcast address",
            { ip: { destination: "10.0.0.255" }, to: "ff:ff:ff:ff:ff:ff" },
            Counter.IcmpIgnored,
        ],
        [
            "an echo request to the limited broadcast address",
            { ip: { destination: "255.255.255.255" }, to: "ff:ff:ff:ff:ff:ff" },
            Counter.IcmpIgnored,
        ],
        [
            "an echo request to a multicast address",
            { ip: { destination: "224.0.0.1" }, to: "01:00:5e:00:00:01" },
            Counter.IcmpIgnored,
        ],
        [
            "an echo request to our address in a broadcast frame",
            { to: "ff:ff:ff:ff:ff:ff" },
            Counter.IcmpIgnored,
        ],
        [
            "an echo request to the broadcast address in a frame to us",
            { ip: { destination: "10.0.0.255" } },
            Counter.IcmpIgnored,
        ],
        ["an echo request with a wrong checksum", { checksum: 0x1111 }, Counter.IcmpMalformed],
        ["an echo request with code 1", { code: 1 }, Counter.IcmpIgnored],
        ["an echo reply", { type: 0 }, Counter.IcmpIgnored],
        ["a timestamp request (MAY)", { type: 13 }, Counter.IcmpIgnored],
        ["an address mask request (MAY)", { type: 17 }, Counter.IcmpIgnored],
        ["an unknown type", { type: 200 }, Counter.IcmpIgnored],
        ["the first fragment of an echo request", { ip: { fragment: 0x2000 } }, Counter.IpFragment],
        ["a later fragment of an echo request", { ip: { fragment: 0x0010 } }, Counter.IpFragment],
    ] as [string, Ping, number][])("%s: no reply, and it is counted", (_, options, counter) => {
        const bench = quiet()
        expect(ping(bench, text(8), options)).toEqual([])
        expect(bench.counter(counter)).toBe(1)
    })

    test("an ICMP message shorter than a header gets no reply and counts as malformed", () => {
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
test("a second echo request while a reply waits is dropped and counted; the first reply is whole", () => {
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
