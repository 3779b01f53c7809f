// The connection that ends when a client finds all of them in use: the accepted one that moves least; none while one is free.

import { describe, expect, test } from "vitest"
import * as calls from "../../src/tcp/calls"
import { markServed } from "../../src/tcp/slow-clients"
import { Bench } from "../support/bench"
import { Peer } from "../support/peer"
import { bases } from "../support/states"

/** Peers of a stack with `connections` records; the first listens for all. */
function crowd(connections: number, config: Record<string, number> = {}, start = 1000) {
    const bench = new Bench({ connections, ...config }, { start })
    let port = 6000
    const next = (options: object = {}) => new Peer(bench, { port: port++, ...options })
    next().listens(8)
    /** A peer whose connection is accepted. */
    const arrived = () => {
        const peer = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        peer.id = calls.accept(bench.stack, bench.peers[0]!.listener)
        markServed(bench.stack, peer.id, bench.now)
        return peer
    }
    return { bench, next, arrived }
}

describe.each(bases)("the pace of accepted connections, $name", ({ start }) => {
    test("two idle connections in two records stay, whatever their debt", () => {
        const { bench, arrived } = crowd(2, {}, start)
        const peers = [arrived(), arrived()]
        peers[0]!.after(3_600_000)
        for (const peer of peers) peer.gets().is("ESTABLISHED")
        // the timer looks less and less often, and wants nothing else
        const wait = bench.host.next(bench.now) - bench.now
        expect(wait).toBeGreaterThan(0)
        expect(wait).toBeLessThanOrEqual(64_000)
    })

    test("a waiting client gets the place of the connection with the largest debt, and no other connection ends", () => {
        const { bench, next, arrived } = crowd(2, {}, start)
        const idle = arrived()
        bench.pass(3000)
        const later = arrived()
        bench.pass(20_000)
        const newcomer = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        newcomer.is("SYN-RECEIVED")
        bench.pass(1000)
        idle.gets("R. 1 ack 1").failed("ETIMEDOUT")
        calls.close(bench.stack, idle.id, bench.now)
        // its SYN,ACK is sent again at once
        newcomer.gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        newcomer.is("ESTABLISHED")
        newcomer.after(60_000).gets()
        later.is("ESTABLISHED")
    })

    test("a connection with 1 KB/s in either direction keeps its place, also in bursts", () => {
        const { bench, next, arrived } = crowd(2, {}, start)
        const [sender, reader] = [arrived(), arrived()]
        const newcomer = next({ port: 7000 }).sends("S 0").gets("S. 0 ack 1 <mss 1460>")
        newcomer.sends(". 1 ack 1").gets()
        let theirs = 1
        let ours = 1
        for (let i = 0; i < 30; i++) {
            sender.sends(`P. ${theirs}(500) ack 1`)
            theirs += 500
            sender.seen.splice(0)
            sender.reads(500).seen.splice(0)
            reader.writes(500).gets(`P. ${ours}(500) ack 1`)
            ours += 500
            reader.sends(`. 1 ack ${ours}`).gets()
            bench.pass(2500)
            newcomer.seen.splice(0)
        }
        for (const peer of [sender, reader]) peer.is("ESTABLISHED")
    })

    test("a connection with an octet every 1.9 s loses its place to a waiting client", () => {
        const { bench, next, arrived } = crowd(1, {}, start)
        const slow = arrived()
        let at = 1
        for (let i = 0; i < 4; i++) {
            bench.pass(1900)
            slow.sends(`P. ${at}(1) ack 1`)
            slow.gets(`. 1 ack ${++at} win ${1025 - at}`)
        }
        const newcomer = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        bench.pass(1000)
        newcomer.seen.splice(0)
        slow.gets("R. 1 ack 5").failed("ETIMEDOUT")
    })
})

describe("which connection gives up its place", () => {
    test("a connection that the program opened keeps its place until the program has closed it", () => {
        const { bench, next } = crowd(1)
        const server = next({ localPort: 4000, port: 80 }).connects().gets("S 0 <mss 1460>")
        server.sends("S. 0 ack 1 <mss 1460>").gets(". 1 ack 1")
        const knocks = () => {
            const late = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
            bench.pass(10_000)
            late.seen.splice(0)
            return late
        }
        const late = knocks()
        server.is("ESTABLISHED").closes().gets("F. 1 ack 1")
        bench.pass(12_000)
        expect(server.seen.splice(0).at(-1)!.view.flags.rst).toBe(true)
        server.gone()
        late.seen.splice(0)
        late.sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("a connection that no program has accepted yet keeps its place", () => {
        const { bench, next } = crowd(1)
        const waits = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        const late = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        bench.pass(20_000)
        late.seen.splice(0)
        waits.is("ESTABLISHED")
    })

    test("connect() without a free record makes an idle connection give up its place", () => {
        const { bench, next, arrived } = crowd(1)
        const idle = arrived()
        bench.pass(10_000)
        const stack = bench.stack
        expect(calls.connect(stack, 0x0200000a, 80, 0, bench.now)).toBe(-6)
        bench.pass(1000)
        idle.gets("R. 1 ack 1")
        calls.close(stack, idle.id, bench.now)
        next({ localPort: 4000, port: 80 }).connects().gets("S 0 <mss 1460>")
    })

    test.each([
        ["the peer's FIN and then silence", "F. 1 ack 1", "LAST-ACK"],
        ["no FIN of the peer for ours", undefined, "FIN-WAIT-2"],
    ])("a closed connection with %s gives up its place", (_what, fin, state) => {
        const { bench, next, arrived } = crowd(1)
        const peer = arrived()
        if (fin) peer.sends(fin).gets(". 1 ack 2").closes().gets("F. 1 ack 2")
        else peer.closes().gets("F. 1 ack 1").sends(". 1 ack 2").gets()
        peer.is(state)
        const late = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        bench.pass(7000)
        expect(peer.seen.splice(0).at(-1)!.view.flags.rst).toBe(true)
        peer.gone()
        late.seen.splice(0)
        late.sends(". 1 ack 1").gets().is("ESTABLISHED")
    })
})

describe("connections with a free place", () => {
    test("an idle connection gets a keep-alive after two hours, and ends with ETIMEDOUT without an answer", () => {
        const { arrived } = crowd(2)
        const peer = arrived().after(7_199_000).gets()
        // looks are 64 s apart by now
        expect(peer.after(65_000).seen.splice(0, 1)).toHaveLength(1)
        peer.after(8 * 75_000)
        peer.seen.splice(0)
        peer.after(76_000)
        expect(peer.seen.splice(0).at(-1)!.view.flags.rst).toBe(true)
        peer.failed("ETIMEDOUT")
    })

    test("servedLimit=60000: a connection that answers and carries no data ends after a minute", () => {
        const { bench, arrived } = crowd(2, { servedLimit: 60_000 })
        const peer = arrived()
        bench.pass(58_000)
        peer.gets().is("ESTABLISHED")
        // looks are an eighth of its debt apart
        bench.pass(10_000)
        peer.gets("R. 1 ack 1").failed("ETIMEDOUT")
    })

    test("a record that became free ends the search for one", () => {
        const { bench, next, arrived } = crowd(2)
        const [one, other] = [arrived(), arrived()]
        const late = next().sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets()
        other.sends("R 1").gets().failed("ECONNRESET")
        calls.close(bench.stack, other.id, bench.now)
        bench.pass(60_000)
        late.seen.splice(0)
        one.is("ESTABLISHED")
    })
})
