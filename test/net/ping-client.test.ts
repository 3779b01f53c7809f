// Pings that the stack sends.

import { describe, expect, test } from "vitest"
import type { IcmpView } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { Endpoints } from "../../src/net/endpoint-table"
import { Ping, PingResult } from "../../src/net/ping"
import { TcpError } from "../../src/tcp/records"
import { Bench } from "../support/bench"
import { arp, ethernet, icmp, ipv4 } from "../support/frames"
import { ip } from "../support/host"
import { tsharkAgrees } from "../support/tshark"

const US = "02:00:00:00:00:01"
const THEM = "02:00:00:00:01:02"

function bed(known = true) {
    const bench = new Bench({}, { arp: false })
    const ping = new Ping(new Endpoints(bench.stack))
    if (known) bench.introduce("10.0.0.2", THEM)
    const start = (to = "10.0.0.2", size = 56) => ping.start(ip(to), size, 1000, bench.now)
    const sent = () => {
        bench.poll()
        return bench.others.splice(0).map(s => s.view as IcmpView)
    }
    const reply = (
        { echo, payload }: IcmpView,
        change: { id?: number; sequence?: number; data?: Uint8Array; source?: string } = {}
    ) => {
        const rest = (change.id ?? echo!.identifier) * 0x10000 + (change.sequence ?? echo!.sequence)
        const header = { source: change.source ?? "10.0.0.2", destination: "10.0.0.1", protocol: 1 }
        bench.receive(ethernet(US, THEM, 0x0800, ipv4(header, icmp(0, 0, rest, change.data ?? payload))))
    }
    return { bench, ping, start, sent, reply }
}

test("a ping that is answered after 37 ms reports 37 ms, also when the reply comes twice", () => {
    const { bench, ping, start, sent, reply } = bed()
    expect(start()).toBe(TcpError.None)
    const [request] = sent()
    expect(request).toMatchObject({ type: 8, code: 0, destination: "10.0.0.2", frameLength: 98, ttl: 64 })
    expect(ping.result).toBe(PingResult.Waiting)
    bench.pass(37)
    reply(request!)
    expect([ping.result, ping.time]).toEqual([PingResult.Answered, 37])
    // the reply comes twice
    reply(request!)
    expect(bench.counter(Counter.IcmpIgnored)).toBe(1)
    bench.pass(5000)
    expect([ping.result, ping.time, sent()]).toEqual([PingResult.Answered, 37, []])
})

test("a ping of 0 to 1472 bytes is sent whole, one of 1473 is refused", () => {
    const { ping, start, sent, reply } = bed()
    const identifiers = new Set<number>()
    for (const [i, size] of [0, 1, 7, 8, 1000, 1471, 1472].entries()) {
        expect(start("10.0.0.2", size)).toBe(TcpError.None)
        const [request] = sent()
        expect([request!.payload.length, request!.echo!.sequence]).toEqual([size, i + 1])
        identifiers.add(request!.echo!.identifier)
        reply(request!)
        expect(ping.result).toBe(PingResult.Answered)
    }
    expect(identifiers.size).toBe(7)
    for (const size of [-1, 1473]) expect(start("10.0.0.2", size)).toBe(TcpError.Invalid)
})

test.each(["0.0.0.0", "127.0.0.1", "10.0.0.1", "10.0.0.255", "255.255.255.255", "224.0.0.1"])(
    "a ping to %s is refused",
    to => {
        const { start, sent } = bed()
        expect([start(to), sent()]).toEqual([TcpError.Invalid, []])
    }
)

describe("pings without a valid reply", () => {
    test.each([
        ["another identifier", { id: 1 }],
        ["another sequence number", { sequence: 99 }],
        ["less data", { data: new Uint8Array(55) }],
        ["another source", { source: "10.0.0.3" }],
    ])("a reply with %s is ignored, and the ping times out", (_, change) => {
        const { bench, ping, start, sent, reply } = bed()
        start()
        reply(sent()[0]!, change)
        bench.pass(999)
        expect(ping.result).toBe(PingResult.Waiting)
        bench.pass(1)
        expect(ping.result).toBe(PingResult.TimedOut)
    })

    test("a ping to a host that does not answer ARP ends as unreachable", () => {
        const { bench, ping } = bed(false)
        ping.start(ip("10.0.0.2"), 56, 10_000, bench.now)
        bench.pass(3000)
        expect(ping.result).toBe(PingResult.Unreachable)
    })

    test("a ping to another network without a router ends as unreachable", () => {
        const { start, sent, ping } = bed()
        start("192.0.2.1")
        expect([sent(), ping.result]).toEqual([[], PingResult.Unreachable])
    })

    test.each([
        ["about the request ends it as unreachable", "10.0.0.2", PingResult.Unreachable],
        ["about another host is ignored", "10.0.0.9", PingResult.Waiting],
    ])("an ICMP host-unreachable error %s", (_, destination, result) => {
        const { bench, ping, start, sent } = bed()
        start()
        const { echo, payload } = sent()[0]!
        const message = icmp(8, 0, echo!.identifier * 0x10000 + echo!.sequence, payload)
        const quoted = ipv4({ source: "10.0.0.1", destination, protocol: 1 }, message).slice(0, 28)
        const header = { source: "10.0.0.254", destination: "10.0.0.1", protocol: 1 }
        bench.receive(ethernet(US, THEM, 0x0800, ipv4(header, icmp(3, 1, 0, quoted))))
        expect(ping.result).toBe(result)
    })

    test("the round trip counts from when the request was sent, after ARP", () => {
        const { bench, ping, start, sent, reply } = bed(false)
        start()
        sent()
        bench.pass(400)
        const said = { operation: 2, senderMac: THEM, senderIp: "10.0.0.2", targetIp: "10.0.0.1" }
        bench.receive(ethernet(US, THEM, 0x0806, arp(said)))
        const [request] = sent()
        bench.pass(10)
        reply(request!)
        expect([ping.result, ping.time]).toEqual([PingResult.Answered, 10])
    })
})

tsharkAgrees()
