// Numbers that no attacker can guess: initial sequence numbers (RFC 6528, RFC 9293 section 3.4.1) and ephemeral ports (RFC 6056).

import { describe, expect, test } from "vitest"
import type { TcpView } from "../../sim/view/dissect"
import { abort, connect } from "../../src/tcp/calls"
import { Tcb, TcpError } from "../../src/tcp/records"
import { cookieHash, ephemeralPort, initialSequence, timestampOffset } from "../../src/tcp/secret-numbers"
import { synCookie } from "../../src/tcp/syn-cookie"
import { joinPorts } from "../../src/tcp/tables"
import { Bench } from "../support/bench"
import { Host, ip } from "../support/host"
import { Peer } from "../support/peer"
import { established, newPeer } from "../support/states"

const remote = ip("10.0.0.2")
const ports = joinPorts(80, 50_000)

// ---------------------------------------------------------------- RFC 6528 section 3: ISN = M + F(...)
describe("initial sequence numbers", () => {
    test.each([0, 1000, 0x7fff_fff0, -10])(
        "an ISS grows by 1 every 4 microseconds (M), from %d ms on",
        now => {
            const { stack } = new Host("10.0.0.1")
            const first = initialSequence(stack, remote, ports, now)
            for (const later of [0, 1, 7, 1000, 60_000]) {
                expect((initialSequence(stack, remote, ports, (now + later) | 0) - first) | 0).toBe(
                    later * 250
                )
            }
        }
    )

    test("an ISS goes around every 4.77 hours; within half of that a later one is larger", () => {
        const { stack } = new Host("10.0.0.1")
        let before = initialSequence(stack, remote, ports, 0)
        for (let hour = 2; hour < 200; hour += 2) {
            const number = initialSequence(stack, remote, ports, hour * 3_600_000)
            expect((number - before) | 0).toBeGreaterThan(0)
            before = number
        }
    })

    test("an ISS depends on every part of the four-tuple (F)", () => {
        const { stack } = new Host("10.0.0.1")
        const own = stack.ip
        const numbers = [
            initialSequence(stack, remote, ports, 0),
            initialSequence(stack, ip("10.0.0.3"), ports, 0),
            initialSequence(stack, remote, joinPorts(81, 50_000), 0),
            initialSequence(stack, remote, joinPorts(80, 50_001), 0),
        ]
        stack.ip = ip("10.0.0.9")
        numbers.push(initialSequence(stack, remote, ports, 0))
        stack.ip = own
        expect(new Set(numbers).size).toBe(numbers.length)
        expect(initialSequence(stack, remote, ports, 0)).toBe(numbers[0])
    })

    test("ISSs of 1,000 four-tuples are spread over all 32 bits", () => {
        const { stack } = new Host("10.0.0.1")
        const ones = new Array<number>(32).fill(0)
        for (let port = 0; port < 1000; port++) {
            const number = initialSequence(stack, remote, joinPorts(80, 1024 + port), 0)
            for (let bit = 0; bit < 32; bit++) ones[bit]! += (number >>> bit) & 1
        }
        // 500 each if they are random: 400 to 600 is more than six standard deviations
        for (const count of ones) expect(count).toBeGreaterThan(400)
        for (const count of ones) expect(count).toBeLessThan(600)
    })

    test("five starts of a stack have five secrets, so five ISSs for one four-tuple", () => {
        const numbers = Array.from({ length: 5 }, () =>
            initialSequence(new Host("10.0.0.1").stack, remote, ports, 0)
        )
        expect(new Set(numbers).size).toBe(5)
    })

    test("iss=4321 is the ISS of the next connection, and of no other", () => {
        const { stack } = new Host("10.0.0.1", { iss: 4321 })
        expect(initialSequence(stack, remote, ports, 0)).toBe(4321)
        expect(stack.config.iss).toBe(-1)
        expect(initialSequence(stack, remote, ports, 0)).toBe(initialSequence(stack, remote, ports, 0))
    })

    test.each([0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
        "iss=%d is the sequence number of the next SYN",
        iss => {
            const bench = new Bench({ iss })
            const peer = new Peer(bench)
            const id = connect(bench.stack, ip("10.0.0.2"), 5000, 80, bench.now)
            expect(id).toBeGreaterThan(0)
            bench.poll()
            expect(peer.seen.splice(0).map(s => (s.view as TcpView).seq)).toEqual([iss])
        }
    )

    test("an ISS that a refused connect() did not use is there for the next", () => {
        const { stack } = new Host("10.0.0.1", { iss: 7 })
        expect(connect(stack, ip("10.0.0.1"), 80, 0, 0)).toBe(TcpError.Invalid)
        expect(stack.config.iss).toBe(7)
    })
})

// ---------------------------------------------------------------- RFC 7323 section 7.1
describe("offsets of timestamps", () => {
    test("the offset of a four-tuple is the same at any time, another for each other and each host, in 16 bits", () => {
        const { stack } = new Host("10.0.0.1")
        const own = stack.ip
        const offsets = [
            timestampOffset(stack, remote, ports),
            timestampOffset(stack, ip("10.0.0.3"), ports),
            timestampOffset(stack, remote, joinPorts(81, 50_000)),
            timestampOffset(stack, remote, joinPorts(80, 50_001)),
            timestampOffset(new Host("10.0.0.1").stack, remote, ports),
        ]
        stack.ip = ip("10.0.0.9")
        offsets.push(timestampOffset(stack, remote, ports))
        stack.ip = own
        // that two of six are the same by chance: one in 4,000
        expect(new Set(offsets).size).toBeGreaterThanOrEqual(5)
        for (const offset of offsets) expect(offset >= 0 && offset < 65_536).toBe(true)
        expect(timestampOffset(stack, remote, ports)).toBe(offsets[0])
    })

    test("the offsets of 1,000 four-tuples are spread over all 16 bits", () => {
        const { stack } = new Host("10.0.0.1")
        const ones = new Array<number>(16).fill(0)
        for (let port = 0; port < 1000; port++) {
            const offset = timestampOffset(stack, remote, joinPorts(80, 1024 + port))
            for (let bit = 0; bit < 16; bit++) ones[bit]! += (offset >>> bit) & 1
        }
        for (const count of ones) expect(count).toBeGreaterThan(400)
        for (const count of ones) expect(count).toBeLessThan(600)
    })

    test("an offset, an ISS and the cookies of one four-tuple have no low 16 bits in common", () => {
        const { stack } = new Host("10.0.0.1")
        let same = 0
        for (let port = 0; port < 200; port++) {
            const tuple = joinPorts(80, 1024 + port)
            const offset = timestampOffset(stack, remote, tuple)
            const low = [
                initialSequence(stack, remote, tuple, 0),
                cookieHash(stack, remote, tuple, 0, 0),
                cookieHash(stack, remote, tuple, 0, 1),
                cookieHash(stack, remote, tuple, 1, 0),
            ].map(n => n & 0xffff)
            if (new Set([offset, ...low]).size < 5) same++
        }
        // ten pairs of 65,536 numbers each time: 0.03 by chance
        expect(same).toBeLessThan(5)
    })

    test("a cookie's hash changes neither ISS nor offset", () => {
        const { stack } = new Host("10.0.0.1")
        const before = [initialSequence(stack, remote, ports, 0), timestampOffset(stack, remote, ports)]
        expect(cookieHash(stack, remote, ports, -1, 0xff_ffff)).not.toBe(
            cookieHash(stack, remote, ports, -2, 0xff_ffff)
        )
        expect([initialSequence(stack, remote, ports, 0), timestampOffset(stack, remote, ports)]).toEqual(
            before
        )
    })
})

// ---------------------------------------------------------------- RFC 6056 section 3.3.3
describe("ephemeral ports", () => {
    test("ephemeral ports are dynamic ports, and all 16,384 are used before one is used again", () => {
        const { stack } = new Host("10.0.0.1")
        const seen = new Set<number>()
        for (let i = 0; i < 16_384; i++) {
            const port = ephemeralPort(stack, remote, 80)
            expect(port >= 49_152 && port <= 65_535).toBe(true)
            seen.add(port)
        }
        expect(seen.size).toBe(16_384)
    })

    test("the first ephemeral port depends on the destination and on the secret", () => {
        const first = (address: string, port: number) =>
            ephemeralPort(new Host("10.0.0.1").stack, ip(address), port)
        const starts = new Set(Array.from({ length: 8 }, () => first("10.0.0.2", 80)))
        expect(starts.size).toBeGreaterThan(4)
        const { stack } = new Host("10.0.0.1")
        const places = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"]
        const offsets = places.map((place, i) => (ephemeralPort(stack, ip(place), 80) - i - 49_152) & 0x3fff)
        expect(new Set(offsets).size).toBeGreaterThan(3)
    })

    test("an ephemeral port that is in use for the destination is skipped", () => {
        const { stack } = new Host("10.0.0.1", { connections: 4 })
        const used = connect(stack, remote, 80, 0, 0)
        stack.portCounter = 0
        const other = connect(stack, remote, 80, 0, 0)
        expect(used).toBeGreaterThan(0)
        expect(other).toBeGreaterThan(0)
        const tuples = [0, 1].map(i => stack.conns[i].getAt(Tcb.Ports, "i32"))
        expect(tuples[0]).not.toBe(tuples[1])
    })

    test("an ephemeral port in TIME-WAIT in 24 bytes is skipped", () => {
        const bench = new Bench()
        const peer = new Peer(bench, { port: 80, localPort: ephemeralPort(bench.stack, remote, 80) })
        peer.connects()
            .gets("S 0 <mss 1460>")
            .sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .closes()
            .gets("F. 1 ack 1")
        peer.sends("F. 1 ack 2").gets(". 2 ack 2").is("TIME-WAIT")
        bench.stack.portCounter = 0
        expect(ephemeralPort(bench.stack, remote, 80)).not.toBe(peer.localPort)
        // the counter is after the next one
        expect(bench.stack.portCounter).toBe(2)
    })

    test("localPort=1234 is the port of the next connection, and of no other", () => {
        const { stack } = new Host("10.0.0.1", { localPort: 1234 })
        expect(ephemeralPort(stack, remote, 80)).toBe(1234)
        expect(stack.config.localPort).toBe(0)
        expect(ephemeralPort(stack, remote, 80)).toBeGreaterThanOrEqual(49_152)
    })

    test("connect() with a localPort in use returns InUse, and the next one opens", () => {
        const { stack } = new Host("10.0.0.1")
        expect(connect(stack, remote, 80, 1234, 0)).toBeGreaterThan(0)
        stack.config.localPort = 1234
        expect(connect(stack, remote, 80, 0, 0)).toBe(TcpError.InUse)
        expect(connect(stack, remote, 80, 0, 0)).toBeGreaterThan(0)
    })
})

// ---------------------------------------------------------------- A board that reboots and uses its port again
test("five connections of one four-tuple, a second apart: each ISS is 250,000 above the one before", () => {
    const bench = new Bench()
    const peer = new Peer(bench)
    const numbers: number[] = []
    for (let i = 0; i < 5; i++) {
        const id = connect(bench.stack, ip("10.0.0.2"), 5000, 80, bench.now)
        bench.poll()
        numbers.push((peer.seen.splice(0)[0]!.view as TcpView).seq)
        abort(bench.stack, id, bench.now)
        bench.pass(1000)
    }
    for (let i = 1; i < 5; i++) expect((numbers[i]! - numbers[i - 1]!) | 0).toBe(250_000)
})

test("the ISSs of two connections of two ports are far apart", () => {
    const peer = newPeer()
    const a = connect(peer.bench.stack, ip("10.0.0.2"), 5000, 80, peer.bench.now)
    peer.bench.poll()
    const [first] = peer.seen.splice(0)
    const other = new Peer(peer.bench, { port: 5001 })
    connect(peer.bench.stack, ip("10.0.0.2"), 5001, 80, peer.bench.now)
    peer.bench.poll()
    const [second] = other.seen.splice(0)
    expect(a).toBeGreaterThan(0)
    expect(Math.abs((first!.view.seq - second!.view.seq) | 0)).toBeGreaterThan(1000)
    expect(established().state).toBe("ESTABLISHED")
})

// ---------------------------------------------------------------- RFC 4086: what a board's random numbers may lack
describe("the secret of a board whose random bytes are the same at every start", () => {
    /** Returns the ISS, offset and cookie of a device whose random bytes are the same at every start. */
    function numbers(address: string, start: number, heard: number[], config = {}): number[] {
        const { stack } = new Host(address, config)
        stack.hashInput.fillAt(0, 16, 7)
        stack.ip = ip("10.0.0.1")
        stack.rx.set(Uint8Array.from(heard))
        const iss = initialSequence(stack, remote, ports, start)
        // without M, as `start` is to count by the key alone
        return [
            (iss - start * 250) | 0,
            timestampOffset(stack, remote, ports),
            cookieHash(stack, remote, ports, 0, 0),
        ]
    }
    const first = numbers("10.0.0.1", 1000, [1, 2, 3])

    test("the same random bytes, device, clock and frame lead to the same ISS, offset and cookie", () => {
        expect(numbers("10.0.0.1", 1000, [1, 2, 3])).toEqual(first)
    })

    test.each([
        ["another Ethernet address", numbers("10.0.0.9", 1000, [1, 2, 3])],
        ["a start a millisecond later", numbers("10.0.0.1", 1001, [1, 2, 3])],
        ["another frame heard", numbers("10.0.0.1", 1000, [1, 2, 4])],
    ])("%s leads to another ISS, offset and cookie", (_what, others) => {
        for (let i = 0; i < first.length; i++) expect(others[i]).not.toBe(first[i])
    })

    test("connect() at another millisecond has another ephemeral port", () => {
        const starts = [0, 1, 2, 3, 4, 5, 6, 7].map(now => {
            const { stack } = new Host("10.0.0.1")
            stack.hashInput.fillAt(0, 16, 7)
            expect(connect(stack, remote, 80, 0, now)).toBeGreaterThan(0)
            return stack.conns[0].getAt(Tcb.Ports, "i32")
        })
        expect(new Set(starts).size).toBeGreaterThan(4)
    })

    test("a SYN cookie as the first secret number depends on the Ethernet address", () => {
        const cookies = ["10.0.0.1", "10.0.0.9"].map(address => {
            const { stack } = new Host(address, { halfOpen: 0 })
            stack.hashInput.fillAt(0, 16, 7)
            stack.ip = ip("10.0.0.1")
            return synCookie(stack, 0)
        })
        expect(cookies[0]).not.toBe(cookies[1])
    })

    test("the secret stays as it is after its first use, also when the first ISS was a pinned one", () => {
        const { stack } = new Host("10.0.0.1", { iss: 5 })
        expect(initialSequence(stack, remote, ports, 0)).toBe(5)
        const one = initialSequence(stack, remote, ports, 10)
        stack.rx.fill(9)
        expect((initialSequence(stack, remote, ports, 20) - one) | 0).toBe(2500)
    })
})
