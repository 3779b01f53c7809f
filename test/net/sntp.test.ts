// SNTP: RFC 4330, RFC 5905.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { UdpView } from "../../sim/view/dissect"
import { Endpoints } from "../../src/net/endpoint-table"
import { SntpClient } from "../../src/net/sntp"
import { NtpCheck, ntpCheck } from "../../src/wire/ntp"
import { Bench } from "../support/bench"
import { ethernet, ipv4, u32, udp } from "../support/frames"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { anyBytes, cases } from "../support/property"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"
const SECOND = 1000

/** An NTP timestamp of a time in milliseconds since 1970. */
function stamp(ms: number): number[] {
    const seconds = Math.floor(ms / 1000) + 2_208_988_800
    return [...u32(seconds % 2 ** 32), ...u32(Math.floor(((ms % 1000) / 1000) * 2 ** 32))]
}

interface Change {
    mode?: number
    stratum?: number
    reference?: string
    origin?: number[]
    transmit?: number[]
    length?: number
    source?: string
    port?: number
}

function bed() {
    const bench = new Bench()
    // answers ARP
    new Peer(bench)
    const client = new SntpClient(new Endpoints(bench.stack))
    client.setServer(ip("10.0.0.2"), bench.now)
    const sent = () => {
        bench.poll()
        return bench.others.splice(0).map(({ view, time }) => ({ ...(view as UdpView), at: time }))
    }
    const answer = (to: UdpView, time: number, change: Change = {}) => {
        const bytes = [
            ...[change.mode ?? 0x24, change.stratum ?? 2, 6, 0xec],
            ...[...u32(0), ...u32(0), ...Buffer.from(change.reference ?? "\x0a\x00\x00\x09")],
            ...stamp(time - 60_000),
            ...(change.origin ?? to.payload.subarray(40, 48)),
            ...stamp(time),
            ...(change.transmit ?? stamp(time)),
        ].slice(0, change.length ?? 48)
        const header = { source: change.source ?? "10.0.0.2", destination: "10.0.0.1" }
        const ports = { sourcePort: change.port ?? 123, destinationPort: to.sourcePort }
        bench.receive(
            ethernet(US, THEM, 0x0800, ipv4({ ...header, protocol: 17 }, udp(header, ports, bytes)))
        )
    }
    return { bench, client, sent, answer }
}

const NOW = Date.UTC(2026, 10, 22, 12, 34, 56, 250)

test("an SNTP request holds a random number and nothing about this host", () => {
    const { sent } = bed()
    const [request] = sent()
    expect(request).toMatchObject({ destination: "10.0.0.2", destinationPort: 123, frameLength: 90 })
    expect(request!.payload[0]).toBe(0x23)
    expect(request!.payload.subarray(1, 40).every(byte => byte === 0)).toBe(true)
    const numbers = Array.from({ length: 10 }, () => bed().sent()[0]!.payload.subarray(40).join())
    expect(new Set(numbers).size).toBe(10)
})

test.each([
    ["now", NOW],
    ["the epoch", 0],
    ["the last second of the first NTP era", Date.UTC(2036, 1, 7, 6, 28, 15)],
    ["the first seconds of the second NTP era", Date.UTC(2036, 1, 7, 6, 28, 16) + 1000],
    ["a time after 2038", Date.UTC(2038, 0, 19, 3, 14, 8)],
    ["the end of 2099", Date.UTC(2099, 11, 31, 23, 59, 59)],
])("an SNTP answer sets the clock: %s", (_, time) => {
    const { bench, client, sent, answer } = bed()
    const told: number[] = []
    client.changed = now => told.push(now)
    const [request] = sent()
    expect([client.known, client.time(bench.now)]).toEqual([false, 0])
    bench.pass(40)
    answer(request!, time)
    // half of the round trip is added
    expect(client.time(bench.now)).toBe(time + 20)
    expect([client.known, told]).toEqual([true, [bench.now]])
    bench.pass(123_456)
    expect(client.time(bench.now)).toBe(time + 20 + 123_456)
})

test("an SNTP client with an answer asks every hour, and keeps its time for months", () => {
    const { bench, client, sent, answer } = bed()
    answer(sent()[0]!, NOW)
    const start = bench.now
    bench.pass(3_599 * SECOND)
    expect(sent()).toEqual([])
    bench.pass(SECOND)
    const [request] = sent()
    answer(request!, NOW + 3_600_000 + 77)
    expect(client.time(bench.now)).toBe(NOW + 3_600_077)
    bench.pass(60 * 86_400 * SECOND)
    expect(client.time(bench.now)).toBe(NOW + 77 + bench.now - start)
})

test("SNTP requests without an answer are repeated after 15 s, then ever later, from new ports", () => {
    const { bench, sent } = bed()
    bench.pass(8000 * SECOND)
    const all = sent()
    const gaps = all.slice(1).map((request, i) => (request.at - all[i]!.at) / SECOND)
    expect(gaps).toEqual([15, 30, 60, 120, 240, 480, 960, 1920, 1920, 1920].slice(0, gaps.length))
    expect(gaps.length).toBeGreaterThan(8)
    expect(new Set(all.map(request => request.sourcePort)).size).toBe(all.length)
})

describe("SNTP answers that are not valid", () => {
    test.each([
        ["another origin", { origin: [1, 2, 3, 4, 5, 6, 7, 8] }],
        ["the mode of a client", { mode: 0x23 }],
        ["the mode of a broadcast", { mode: 0x25 }],
        ["version 0", { mode: 0x04 }],
        ["47 bytes", { length: 47 }],
        ["another server", { source: "10.0.0.3" }],
        ["another port", { port: 124 }],
    ] as [string, Change][])(
        "an SNTP packet with %s is dropped, and the right answer is taken",
        (_, change) => {
            const { bench, client, sent, answer } = bed()
            const [request] = sent()
            answer(request!, NOW, change)
            expect([client.known, client.dropped]).toEqual([false, 1])
            answer(request!, NOW)
            expect([client.known, client.time(bench.now)]).toEqual([true, NOW])
        }
    )

    test.each([
        ["the leap indicator 3 (clock not set)", { mode: 0xe4 }],
        ["stratum 16", { stratum: 16 }],
        ["a transmit time of 0", { transmit: [0, 0, 0, 0, 0, 0, 0, 0] }],
    ] as [string, Change][])("an SNTP answer with %s is not used, and the client asks again", (_, change) => {
        const { bench, client, sent, answer } = bed()
        answer(sent()[0]!, NOW, change)
        expect(client.known).toBe(false)
        bench.pass(15 * SECOND)
        answer(sent()[0]!, NOW)
        expect(client.known).toBe(true)
    })

    test("a second SNTP answer to one request changes nothing", () => {
        const { bench, client, sent, answer } = bed()
        const [request] = sent()
        answer(request!, NOW)
        answer(request!, NOW + 999_999)
        expect(client.time(bench.now)).toBe(NOW)
    })
})

describe("SNTP kiss-o'-death (RFC 5905 section 7.4)", () => {
    test.each(["DENY", "RSTR", "XXXX"])(
        "the kiss code %s: the client asks this server no more, until another is set",
        reference => {
            const { bench, client, sent, answer } = bed()
            answer(sent()[0]!, NOW, { stratum: 0, reference })
            expect([client.denied, client.known]).toEqual([true, false])
            bench.pass(100_000 * SECOND)
            expect(sent()).toEqual([])
            client.setServer(ip("10.0.0.3"), bench.now)
            bench.pass(0)
            expect(bench.others.length).toBe(1)
        }
    )

    test("the kiss code RATE: the client asks every two hours", () => {
        const { bench, client, sent, answer } = bed()
        answer(sent()[0]!, NOW, { stratum: 0, reference: "RATE" })
        expect([client.denied, client.known]).toEqual([false, false])
        bench.pass(7_199 * SECOND)
        expect(sent()).toEqual([])
        bench.pass(SECOND)
        answer(sent()[0]!, NOW)
        bench.pass(7_199 * SECOND)
        expect([client.known, sent()]).toEqual([true, []])
        bench.pass(SECOND)
        expect(sent().length).toBe(1)
    })

    test("a kiss-o'-death with another origin is ignored", () => {
        const { client, sent, answer } = bed()
        answer(sent()[0]!, NOW, { stratum: 0, reference: "DENY", origin: [0, 0, 0, 0, 0, 0, 0, 0] })
        expect(client.denied).toBe(false)
    })
})

test("setServer(0): the client sends nothing more and its clock goes on", () => {
    const { bench, client, sent, answer } = bed()
    answer(sent()[0]!, NOW)
    client.setServer(0, bench.now)
    bench.pass(100_000 * SECOND)
    expect([sent(), client.time(bench.now)]).toEqual([[], NOW + 100_000 * SECOND])
})

test("ntpCheck() of any bytes takes none without the request's number", () => {
    fc.assert(
        fc.property(anyBytes(80), fc.integer({ min: 0, max: 20 }), (bytes, at) => {
            const b = Buffer.alloc(100)
            b.set(bytes, at)
            const check = ntpCheck(b, at, bytes.length, 0x12345678, -2)
            if (check !== NtpCheck.None) {
                expect([...bytes.subarray(24, 32)]).toEqual([0x78, 0x56, 0x34, 0x12, 0xfe, 0xff, 0xff, 0xff])
            }
        }),
        cases(5000)
    )
})

tsharkAgrees("ntp")
