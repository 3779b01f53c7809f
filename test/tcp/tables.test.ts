// Full tables: half-open records, connections, backlogs. Design: full tables are answered by policy, never by growing.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { accept, close, connect, listen, stateOf } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/records"
import { Bench } from "../support/bench"
import { ip } from "../support/host"
import { Peer } from "../support/peer"
import { afterSynAck } from "../support/secret-values"
import { halfOpen, listening } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const SYN = "S 0 <mss 1460>"
const SYNACK = "S. 0 ack 1 <mss 1460>"

/** Peers of one stack, with ports 5001, 5002 and so on; the first listens. */
function crowd(count: number, config: { [key: string]: number } = {}, backlog = 100): Peer[] {
    const bench = new Bench(config)
    const peers = Array.from({ length: count }, (_, i) => new Peer(bench, { port: 5001 + i }))
    peers[0]!.listens(backlog)
    for (const peer of peers) peer.listener = peers[0]!.listener
    return peers
}

// ---------------------------------------------------------------- Half-open records
describe("half-open records", () => {
    test("eight handshakes at once are completed in any order", () => {
        const peers = crowd(8)
        for (const peer of peers) peer.sends(SYN).gets(SYNACK)
        for (const peer of [...peers].reverse()) peer.sends(". 1 ack 1").gets().is("ESTABLISHED")
        // accepted in the order of the handshakes' ends
        for (const peer of [...peers].reverse()) {
            peer.accepts().writes(3).gets("P. 1(3) ack 1")
        }
    })

    test("a SYN with all half-open records taken gets a cookie, and the others' handshakes go on", () => {
        const [first, second, third] = crowd(3, { halfOpen: 2 }) as [Peer, Peer, Peer]
        for (const peer of [first, second]) peer.sends(SYN).gets(SYNACK)
        const last = afterSynAck(third, SYN).is("LISTEN")
        expect([first.state, second.state]).toEqual(["SYN-RECEIVED", "SYN-RECEIVED"])
        expect(first.bench.counter(Counter.CookiesSent)).toBe(1)
        for (const peer of [last, second, first]) peer.sends(". 1 ack 1").gets().is("ESTABLISHED")
        for (const peer of [last, second, first]) peer.accepts().writes(3).gets("P. 1(3) ack 1")
    })

    test("a half-open record keeps its place, however often its SYN,ACK was retransmitted", () => {
        const [silent, next] = crowd(2, { halfOpen: 1 }) as [Peer, Peer]
        silent.sends(SYN).gets(SYNACK).after(40_000).seen.length = 0
        afterSynAck(next, SYN).sends(". 1 ack 1").gets().is("ESTABLISHED")
        silent.is("SYN-RECEIVED").sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("SYN, SYN,ACK, RST, 50 times: the half-open record is free each time", () => {
        const peers = crowd(2, { halfOpen: 1, connections: 1 })
        for (let i = 0; i < 50; i++) peers[0]!.sends(SYN).gets(SYNACK).sends("R 1").gets().is("LISTEN")
        peers[1]!.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
    })

    test("a silent client frees its half-open record after a minute", () => {
        const peers = crowd(2, { halfOpen: 1 })
        peers[0]!.sends(SYN).gets(SYNACK).after(63_000).seen.splice(0)
        peers[1]!.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("a half-open record that became free is taken by the next SYN", () => {
        const [first, second, third] = crowd(3, { halfOpen: 2 }) as [Peer, Peer, Peer]
        for (const peer of [first, second]) peer.sends(SYN).gets(SYNACK)
        first.sends("R 1").gets()
        third.sends(SYN).gets(SYNACK).is("SYN-RECEIVED")
        expect(first.bench.counter(Counter.CookiesSent)).toBe(0)
        // searches end after the last record in use
        second.sends("R 1").gets()
        third.sends("R 1").gets()
        expect(first.bench.stack.halvesEnd).toBe(0)
    })

    test("half-open records are shared by all listeners", () => {
        const [first, second] = crowd(2, { halfOpen: 1 }) as [Peer, Peer]
        second.localPort = 81
        second.listens()
        first.sends(SYN).gets(SYNACK)
        afterSynAck(second, SYN).sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
        first.sends(". 1 ack 1").gets().accepts()
    })
})

// ---------------------------------------------------------------- Backlog
describe("the backlog", () => {
    test("a SYN with a full backlog is dropped and counted, and answered after accept()", () => {
        const peers = crowd(3, {}, 2)
        for (const peer of peers.slice(0, 2)) peer.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets()
        peers[2]!.sends(SYN).gets()
        expect(peers[0]!.bench.counter(Counter.BacklogFull)).toBe(1)
        peers[0]!.accepts()
        peers[2]!.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("handshakes beyond the backlog stay in SYN-RECEIVED and are completed after accept()", () => {
        const peers = crowd(3, {}, 1)
        for (const peer of peers) peer.sends(SYN).gets(SYNACK)
        for (const peer of peers) peer.sends(". 1 ack 1").gets()
        expect(peers.map(p => p.state)).toEqual(["ESTABLISHED", "SYN-RECEIVED", "SYN-RECEIVED"])
        const { stack } = peers[0]!.bench
        expect(accept(stack, peers[0]!.listener)).toBeGreaterThan(0)
        expect(accept(stack, peers[0]!.listener)).toBe(0)
        peers[1]!.sends("P. 1(5) ack 1").gets(". 1 ack 6").accepts().reads(5)
        // the client without data gets the SYN,ACK again
        peers[2]!.after(1000).gets(`+1000 ${SYNACK}`).sends(". 1 ack 1").gets().accepts()
    })

    test("each of two listeners has a backlog of its own", () => {
        const [first, second] = crowd(2, {}, 1) as [Peer, Peer]
        second.localPort = 81
        second.listens(1)
        first.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets()
        second.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
        first.accepts()
    })

    test("a connection that is reset before accept() frees its place in the backlog", () => {
        const peers = crowd(2, {}, 1)
        peers[0]!.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().sends("R 1").gets().is("LISTEN")
        expect(accept(peers[0]!.bench.stack, peers[0]!.listener)).toBe(0)
        peers[1]!.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
    })

    test("a connection that the peer closes before accept() is still returned, with its data", () => {
        const peer = halfOpen().sends("FP. 1(5) ack 1").gets(". 1 ack 7").is("CLOSE-WAIT")
        peer.accepts().reads(5).gets().reads(TcpError.Eof).closes().gets("F. 1 ack 7")
    })
})

// ---------------------------------------------------------------- Closing a listener
describe("closing a listener", () => {
    test("close() of a listener resets connections not accepted, drops half-open ones and keeps accepted ones", () => {
        const [accepted, waiting, half] = crowd(3) as [Peer, Peer, Peer]
        accepted.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
        waiting.sends(SYN).gets(SYNACK).sends("P. 1(5) ack 1").gets(". 1 ack 6")
        half.sends(SYN).gets(SYNACK)
        expect(close(accepted.bench.stack, accepted.listener, accepted.bench.now)).toBe(0)
        accepted.bench.poll()
        waiting.gets("R. 1 ack 6").is("CLOSED")
        half.is("CLOSED").sends(". 1 ack 1").gets("R 1")
        accepted.is("ESTABLISHED").sends("P. 1(5) ack 1").gets(". 1 ack 6")
        half.sends(SYN).gets("R. =0 ack 1")
        half.after(100_000).gets()
    })

    test("listen() on a port whose listener was closed opens connections again", () => {
        const peer = listening()
        close(peer.bench.stack, peer.listener, peer.bench.now)
        peer.listens().sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
    })
})

// ---------------------------------------------------------------- Connections
describe("the table of connections", () => {
    test("a full table of connections: connect() returns NoBuffers, and an ACK of a SYN,ACK waits for a record", () => {
        const [first, second] = crowd(2, { connections: 1 }) as [Peer, Peer]
        first.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
        const { stack, now } = first.bench
        expect(connect(stack, ip("10.0.0.9"), 80, 0, now)).toBe(TcpError.NoBuffers)
        second.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().is("SYN-RECEIVED")
        expect(first.bench.counter(Counter.ConnectionsFull)).toBe(1)
        first.aborts().gets("R. 1 ack 1")
        second.after(1000).gets(`+1000 ${SYNACK}`).sends(". 1 ack 1").gets().is("ESTABLISHED").accepts()
    })

    test("a second client opens while the first one's handshake is under way", () => {
        const [first, second] = crowd(2) as [Peer, Peer]
        first.sends(SYN).gets(SYNACK)
        second.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
        first.sends(". 1 ack 1").gets().accepts().is("ESTABLISHED")
    })

    test("a record that a program holds is not given to another connection, a closed one is", () => {
        const [first, second] = crowd(2, { connections: 1 }) as [Peer, Peer]
        first
            .sends(SYN)
            .gets(SYNACK)
            .sends(". 1 ack 1")
            .gets()
            .accepts()
            .sends("R 1")
            .gets()
            .failed("ECONNRESET")
        second.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().is("SYN-RECEIVED")
        first.closes().gone()
        second.sends(". 1 ack 1").gets().is("ESTABLISHED")
    })

    test("a thousand connections opened and reset leave no record in use", () => {
        const peer = listening({ config: { connections: 2, halfOpen: 2 } })
        for (let i = 0; i < 1000; i++) {
            peer.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
            if (i % 2 === 0) peer.aborts().gets("R. 1 ack 1")
            else peer.sends("R 1").gets().closes()
        }
        peer.is("LISTEN").gone()
    })
})

// ---------------------------------------------------------------- Ids
test("ids of connections are unique, never 0, and wrap at 65,535", () => {
    const peer = listening({ config: { connections: 2, listeners: 2 } })
    const { stack } = peer.bench
    const kept = listen(stack, 81, 1)
    stack.lastId = 65_530
    const seen = new Set<number>()
    for (let i = 0; i < 20; i++) {
        peer.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets().accepts()
        expect(peer.id).toBeGreaterThan(0)
        expect(peer.id).toBeLessThan(65_536)
        expect(peer.id).not.toBe(kept)
        expect(seen.has(peer.id)).toBe(false)
        seen.add(peer.id)
        peer.aborts().gets("R. 1 ack 1")
    }
    expect(seen.has(65_535)).toBe(true)
    expect(stateOf(stack, kept)).toBe(State.Listen)
})

test("accept() returns connections in the order of their handshakes, also when ids wrap", () => {
    const peers = crowd(4)
    peers[0]!.bench.stack.lastId = 65_533
    for (const peer of peers) peer.sends(SYN).gets(SYNACK)
    const order = [2, 0, 3, 1]
    for (const i of order) peers[i]!.sends(". 1 ack 1").gets()
    const { stack } = peers[0]!.bench
    for (const i of order) {
        peers[i]!.id = accept(stack, peers[i]!.listener)
        peers[i]!.writes(i + 1).gets(`P. 1(${i + 1}) ack 1`)
    }
    expect(accept(stack, peers[0]!.listener)).toBe(0)
})

test("accept() returns the oldest connection first also when it is not first in the table", () => {
    const [gone, second, third] = crowd(3) as [Peer, Peer, Peer]
    for (const peer of [gone, second]) peer.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets()
    // the third one takes the record of the first
    gone.sends("R 1").gets()
    third.sends(SYN).gets(SYNACK).sends(". 1 ack 1").gets()
    second.accepts().writes(2).gets("P. 1(2) ack 1")
    third.accepts().writes(3).gets("P. 1(3) ack 1")
})

tsharkAgrees()
