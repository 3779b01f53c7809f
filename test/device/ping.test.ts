// The console's ping, and the echo request it makes.

import { describe, expect, test } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { Counter } from "../../src/base/counters"
import { EchoRequest } from "../../src/net/echo-request"
import { Bench } from "../support/bench"
import { ethernet, icmp, ipv4 } from "../support/frames"
import { ip } from "../support/host"
import { ConsoleBench } from "./console-bench"

describe("console ping", () => {
    test("ping prints a line for each reply, one a second, then how many came", async () => {
        const bench = new ConsoleBench()
        expect(await bench.ok("ping 10.0.0.1 3")).toEqual([
            "10.0.0.1: 56 bytes, 0 ms",
            "10.0.0.1: 56 bytes, 0 ms",
            "10.0.0.1: 56 bytes, 0 ms",
            "3 of 3 answered",
        ])
        const sent = bench.wire.frames
            .map(({ time, frame }) => ({ time, view: dissect(frame) }))
            .flatMap(({ time, view }) => (view.kind === "icmp" && view.type === 8 ? [{ time, view }] : []))
        expect(sent.map(({ time }) => Math.floor(time / 1000))).toEqual([0, 1, 2])
        expect(sent.map(({ view }) => [view.echo!.sequence, view.payload.length])).toEqual([
            [1, 56],
            [2, 56],
            [3, 56],
        ])
        // 4 unless told otherwise
        expect((await bench.ok("ping 10.0.0.1")).at(-1)).toBe("4 of 4 answered")
    })

    test('ping prints "no reply" for a reply that is lost, and goes on', async () => {
        const bench = new ConsoleBench()
        let replies = 0
        bench.wire.filter = (_from, frame) => {
            const view = dissect(frame)
            return !(view.kind === "icmp" && view.type === 0 && ++replies === 2)
        }
        expect(await bench.ok("ping 10.0.0.1 3")).toEqual([
            "10.0.0.1: 56 bytes, 0 ms",
            "10.0.0.1: no reply",
            "10.0.0.1: 56 bytes, 0 ms",
            "2 of 3 answered",
        ])
    })

    test("ping of a host without replies ends with status 1", async () => {
        const bench = new ConsoleBench()
        expect(await bench.run("ping 10.0.0.9 2")).toEqual({
            status: 1,
            lines: ["10.0.0.9: no reply", "10.0.0.9: no reply", "ping: 0 of 2 answered"],
        })
        // and no way there at all
        expect(await bench.run("ping 192.0.2.1 1")).toEqual({
            status: 1,
            lines: ["192.0.2.1: no reply", "ping: 0 of 1 answered"],
        })
    })

    test.each([
        ["ping", "ping: usage: ping HOST [COUNT]"],
        ["ping 10.0.0.1 2 3", "ping: usage: ping HOST [COUNT]"],
        ["ping nowhere", 'ping: "nowhere" is not an IPv4 address'],
        ["ping 10.0.0.1 0", 'ping: "0" is not a number from 1 to 100'],
        ["ping 10.0.0.1 101", 'ping: "101" is not a number from 1 to 100'],
        ["ping 10.0.0.1 all", 'ping: "all" is not a number from 1 to 100'],
        ["ping 10.0.0.2", "ping: EINVAL, the address or port is not valid, or the data does not fit a frame"],
        [
            "ping 10.0.0.255",
            "ping: EINVAL, the address or port is not valid, or the data does not fit a frame",
        ],
        [
            "ping 224.0.0.1",
            "ping: EINVAL, the address or port is not valid, or the data does not fit a frame",
        ],
    ])("%s is refused: %s", async (line, reply) => {
        expect(await new ConsoleBench().refused(line)).toBe(reply)
    })
})

describe("EchoRequest", () => {
    const US = "02:00:00:00:00:01"
    const THEM = "02:00:00:00:01:02"
    const rest = 0x1234_0001

    /** A stack at 10.0.0.1 that has pinged 10.0.0.2, and what replies to it. */
    function pinged() {
        const bench = new Bench({}, { arp: false })
        bench.introduce("10.0.0.2", THEM)
        const request = new EchoRequest(bench.stack, ip("10.0.0.2"), 0x0100_3412)
        request.work(bench.now)
        bench.poll()
        const [sent] = bench.others.splice(0)
        const reply = (source = "10.0.0.2", id = rest, size = 56) => {
            const header = { source, destination: "10.0.0.1", protocol: 1 }
            const message = icmp(0, 0, id, new Uint8Array(size).fill(0x55))
            bench.receive(ethernet(US, THEM, 0x0800, ipv4(header, message)))
        }
        return { bench, request, sent, reply }
    }

    test("is sent once, as RFC 792 has it", () => {
        const { bench, request, sent } = pinged()
        expect(sent!.view).toMatchObject({
            kind: "icmp",
            type: 8,
            code: 0,
            source: "10.0.0.1",
            destination: "10.0.0.2",
            echo: { identifier: 0x1234, sequence: 1 },
        })
        request.work(bench.now)
        bench.poll()
        expect(bench.others).toEqual([])
    })

    test("takes its own reply once, with the round trip's time", () => {
        const { bench, request, reply } = pinged()
        bench.pass(37)
        reply()
        expect([request.answered, request.time]).toEqual([true, 37])
        reply()
        expect(bench.counter(Counter.IcmpIgnored)).toBe(1)
    })

    test("ignores a reply of another host, with other numbers or of another size", () => {
        const { bench, request, reply } = pinged()
        reply("10.0.0.3")
        reply("10.0.0.2", rest + 1)
        reply("10.0.0.2", rest + 0x10000)
        reply("10.0.0.2", rest, 55)
        reply("10.0.0.2", rest, 57)
        reply("10.0.0.2", rest, 0)
        expect(request.answered).toBe(false)
        expect(bench.counter(Counter.IcmpIgnored)).toBe(6)
        reply()
        expect(request.answered).toBe(true)
    })

    test("is sent when the transmit frame is free", () => {
        const { bench } = pinged()
        const next = new EchoRequest(bench.stack, ip("10.0.0.2"), 1)
        bench.stack.replyLength = 40
        next.work(bench.now)
        expect(next.sent).toBe(false)
        bench.stack.replyLength = 0
        next.work(bench.now)
        expect(next.sent).toBe(true)
    })
})
