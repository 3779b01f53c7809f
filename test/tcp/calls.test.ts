// The user's calls in each state: RFC 9293 sections 3.10.1 to 3.10.6.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import * as calls from "../../src/tcp/calls"
import { errorName, State, stateName, TcpError } from "../../src/tcp/records"
import { ip } from "../support/host"
import { needs } from "../support/needs"
import { Peer } from "../support/peer"
import {
    established,
    listening,
    newPeer,
    reach,
    type SynchronizedState,
    synReceived,
    synSent,
} from "../support/states"
import { tsharkAgrees } from "../support/tshark"

const buffer = Buffer.alloc(10)

// ---------------------------------------------------------------- CLOSED: "connection does not exist"
test("CLOSED: every call but OPEN returns NotConnected", () => {
    const { stack, now } = newPeer().bench
    for (const id of [0, 1, 77, 65535, -1]) {
        expect(calls.write(stack, id, buffer, 0, 1)).toBe(TcpError.NotConnected)
        expect(calls.read(stack, id, buffer, 0, 1)).toBe(TcpError.NotConnected)
        expect(calls.shutdown(stack, id, now)).toBe(TcpError.NotConnected)
        expect(calls.close(stack, id, now)).toBe(TcpError.NotConnected)
        expect(calls.abort(stack, id, now)).toBe(TcpError.NotConnected)
        expect(calls.accept(stack, id)).toBe(TcpError.NotConnected)
        expect(calls.stateOf(stack, id)).toBe(State.Closed)
        expect(calls.errorOf(stack, id)).toBe(TcpError.None)
    }
})

// ---------------------------------------------------------------- OPEN (3.10.1), active
describe("OPEN, active", () => {
    test.each([
        ["port 0", "10.0.0.2", 0, 0],
        ["port 65536", "10.0.0.2", 65536, 0],
        ["a negative port", "10.0.0.2", -1, 0],
        ["local port 65536", "10.0.0.2", 80, 65536],
        ["a negative local port", "10.0.0.2", 80, -5],
        ["no address", "0.0.0.0", 80, 0],
        ['an address on "this network"', "0.0.0.5", 80, 0],
        ["our own address", "10.0.0.1", 80, 0],
        ["a loopback address", "127.0.0.1", 80, 0],
        ["a multicast address (MUST-46)", "224.0.0.1", 80, 0],
        ["a reserved address", "250.1.2.3", 80, 0],
        ["the limited broadcast address (MUST-46)", "255.255.255.255", 80, 0],
        ["this network's own address (RFC 1122 section 3.3.6)", "10.0.0.0", 80, 0],
        ["this network's broadcast address (MUST-46)", "10.0.0.255", 80, 0],
    ])("connect() to %s returns EINVAL and sends nothing", (_, to, port, local) => {
        const { stack, now, host } = newPeer().bench
        expect(errorName(calls.connect(stack, ip(to), port, local, now))).toBe("EINVAL")
        expect(host.poll(now)).toEqual([])
    })

    test("connect() without an address of our own returns Unreachable", () => {
        const { stack, now } = newPeer().bench
        stack.ip = 0
        expect(calls.connect(stack, ip("10.0.0.2"), 80, 0, now)).toBe(TcpError.Unreachable)
    })

    test("connect() with the addresses and ports of a connection returns InUse", () => {
        for (const peer of [synSent(), synReceived(), established(), reach("TIME-WAIT")]) {
            const { stack, now } = peer.bench
            expect(calls.connect(stack, ip("10.0.0.2"), 5000, 80, now)).toBe(TcpError.InUse)
        }
    })

    test("connect() with the addresses and ports of a half-open record returns InUse", () => {
        needs("ACTIVE_OPENS")
        const peer = listening().sends("S 0").gets("S. 0 ack 1 <mss 1460>")
        const { stack, now } = peer.bench
        expect(calls.connect(stack, ip("10.0.0.2"), 5000, 80, now)).toBe(TcpError.InUse)
        peer.sends(". 1 ack 1").gets().accepts()
    })

    test("connect() from a local port in use to another remote port opens a second connection", () => {
        const peer = established()
        const other = new Peer(peer.bench, { port: 5001 }).connects().gets("S 0 <mss 1460>")
        other.sends("S. 0 ack 1").gets(". 1 ack 1").is("ESTABLISHED")
        peer.is("ESTABLISHED")
    })

    test("connect() with the ports of a connection that was reset opens a new one, with another id", () => {
        const peer = established().sends("R 1").gets().failed("ECONNRESET")
        const held = peer.id
        peer.connects().gets("S 0 <mss 1460>").sends("S. 0 ack 1").gets(". 1 ack 1").is("ESTABLISHED")
        expect(peer.id).not.toBe(held)
    })
})

// ---------------------------------------------------------------- LISTEN
test("LISTEN: write, read and shutdown of a listener return NotConnected, accept returns 0", () => {
    const peer = listening()
    const { stack, now } = peer.bench
    expect(calls.write(stack, peer.listener, buffer, 0, 1)).toBe(TcpError.NotConnected)
    expect(calls.read(stack, peer.listener, buffer, 0, 1)).toBe(TcpError.NotConnected)
    expect(calls.shutdown(stack, peer.listener, now)).toBe(TcpError.NotConnected)
    expect(calls.accept(stack, peer.listener)).toBe(0)
    expect(calls.stateOf(stack, peer.listener)).toBe(State.Listen)
})

test.each([
    ["close", calls.close],
    ["abort", calls.abort],
] as const)("LISTEN: %s() ends the listener, and a SYN is reset", (_, call) => {
    const peer = listening()
    const { stack, now } = peer.bench
    expect(call(stack, peer.listener, now)).toBe(0)
    expect(calls.stateOf(stack, peer.listener)).toBe(State.Closed)
    peer.is("CLOSED").sends("S 0").gets("R. =0 ack 1")
})

// ---------------------------------------------------------------- SYN-SENT
test("SYN-SENT: SEND queues its data, RECEIVE returns 0, STATUS returns SYN-SENT", () => {
    const peer = synSent().writes(5).gets().reads(0).gets()
    expect(stateName(calls.stateOf(peer.bench.stack, peer.id))).toBe("SYN-SENT")
})

test.each(["shuts", "closes"] as const)(
    "SYN-SENT: CLOSE (the peer.%s() call) ends the connection without a segment",
    call => {
        const peer = synSent()
        peer[call]().gets().is("CLOSED").after(600_000).gets()
        peer.sends("S. 0 ack 1").gets("R 1")
    }
)

test("SYN-SENT: ABORT ends the connection without a segment", () => {
    synSent().aborts().gets().gone().after(600_000).gets()
})

test("SYN-SENT: after shutdown() write returns Pipe, read returns Eof, and close() frees the id", () => {
    const peer = synSent().shuts().gets().reads(TcpError.Eof)
    expect(calls.write(peer.bench.stack, peer.id, buffer, 0, 1)).toBe(TcpError.Pipe)
    peer.closes().closes(TcpError.NotConnected)
})

// ---------------------------------------------------------------- SEND (3.10.2)
test.each([
    ["ESTABLISHED", 5],
    ["CLOSE-WAIT", 5],
    ["FIN-WAIT-1", TcpError.Pipe],
    ["FIN-WAIT-2", TcpError.Pipe],
    ["CLOSING", TcpError.Pipe],
    ["LAST-ACK", TcpError.Pipe],
    ["TIME-WAIT", TcpError.Pipe],
] as [SynchronizedState, number][])("SEND of 5 octets in %s returns %d", (state, result) => {
    const peer = reach(state)
    const { stack } = peer.bench
    expect(calls.write(stack, peer.id, buffer, 0, 5)).toBe(result)
})

test.each([
    ["no octets", 0, 0, 0],
    ["a negative number of octets", 0, -5, 0],
    ["octets before the buffer's start", -1, 5, 0],
    ["octets after the buffer's end", 11, 5, 0],
    ["octets at the buffer's end", 10, 5, 0],
    ["more octets than the buffer has", 7, 100, 3],
    ["the whole buffer", 0, 10, 10],
])("SEND of %s: from offset %d, %d octets: %d are taken", (_, at, length, taken) => {
    const peer = synSent()
    const { stack } = peer.bench
    expect(calls.write(stack, peer.id, buffer, 0, 2)).toBe(2)
    expect(calls.write(stack, peer.id, buffer, at, length)).toBe(taken)
    peer.sends("S. 0 ack 1")
    const [sent] = peer.seen.splice(0)
    expect(sent!.view.payload.length).toBe(2 + taken)
})

// ---------------------------------------------------------------- RECEIVE (3.10.3)
test.each([
    ["ESTABLISHED", 0],
    ["FIN-WAIT-1", 0],
    ["FIN-WAIT-2", 0],
    ["CLOSE-WAIT", TcpError.Eof],
    ["CLOSING", TcpError.Eof],
    ["LAST-ACK", TcpError.Eof],
    ["TIME-WAIT", TcpError.Eof],
] as [SynchronizedState, number][])("RECEIVE without data in %s returns %d", (state, result) => {
    const peer = reach(state)
    expect(calls.read(peer.bench.stack, peer.id, buffer, 0, 10)).toBe(result)
})

test.each([
    ["no octets", 0, 0, 0],
    ["a negative number of octets", 0, -5, 0],
    ["octets into a place before the buffer", -1, 5, 0],
    ["octets into a place after the buffer", 11, 5, 0],
    ["more octets than the buffer has room for", 7, 100, 3],
    ["more octets than have come in", 0, 10, 6],
])("RECEIVE of %s: to offset %d, %d octets: %d are read", (_, at, length, got) => {
    const peer = established().sends("P. 1(6) ack 1").gets(". 1 ack 7")
    expect(calls.read(peer.bench.stack, peer.id, buffer, at, length)).toBe(got)
})

test("RECEIVE after a reset returns the data that came before, then Reset", () => {
    const peer = established().sends("P. 1(6) ack 1").gets(". 1 ack 7").sends("R 7").gets()
    peer.reads(4, 4).gets().reads(2).gets().reads(TcpError.Reset).reads(TcpError.Reset)
    expect(calls.write(peer.bench.stack, peer.id, buffer, 0, 1)).toBe(TcpError.Reset)
    expect(calls.shutdown(peer.bench.stack, peer.id, peer.bench.now)).toBe(TcpError.Reset)
    peer.closes().gone()
    expect(calls.read(peer.bench.stack, peer.id, buffer, 0, 1)).toBe(TcpError.NotConnected)
})

test("SEND after TIME-WAIT has ended returns Pipe, RECEIVE returns Eof", () => {
    const peer = reach("TIME-WAIT").after(60_000).gets().is("CLOSED")
    expect(calls.write(peer.bench.stack, peer.id, buffer, 0, 1)).toBe(TcpError.Pipe)
    expect(calls.read(peer.bench.stack, peer.id, buffer, 0, 1)).toBe(TcpError.Eof)
})

// ---------------------------------------------------------------- CLOSE (3.10.4)
test.each([
    ["ESTABLISHED", ["F. 1 ack 1"], "FIN-WAIT-1"],
    ["FIN-WAIT-1", [], "FIN-WAIT-1"],
    ["FIN-WAIT-2", [], "FIN-WAIT-2"],
    ["CLOSE-WAIT", ["F. 1 ack 2"], "LAST-ACK"],
    ["CLOSING", [], "CLOSING"],
    ["LAST-ACK", [], "LAST-ACK"],
    ["TIME-WAIT", [], "TIME-WAIT"],
] as [SynchronizedState, string[], string][])(
    "CLOSE in %s sends %j and leads to %s; a second one sends nothing",
    (state, fin, to) => {
        for (const call of ["shuts", "closes"] as const) {
            const peer = reach(state)
            peer[call]()
                .gets(...fin)
                .is(to)
            peer[call]().gets().is(to)
            if (call === "shuts") peer.closes().gets().is(to)
        }
    }
)

// ---------------------------------------------------------------- ABORT (3.10.5)
test.each([
    ["ESTABLISHED", ["R. nxt ack rcv"]],
    ["FIN-WAIT-1", ["R. nxt ack rcv"]],
    ["FIN-WAIT-2", ["R. nxt ack rcv"]],
    ["CLOSE-WAIT", ["R. nxt ack rcv"]],
    ["CLOSING", []],
    ["LAST-ACK", []],
    ["TIME-WAIT", []],
] as [SynchronizedState, string[]][])("ABORT in %s sends %j and frees the record", (state, reset) => {
    const peer = reach(state)
        .aborts()
        .gets(...reset)
        .gone()
    peer.aborts(TcpError.NotConnected).after(600_000).gets()
})

test("ABORT with data queued sends a RST with SEQ=SND.NXT and drops the data", () => {
    const peer = established({ peer: { window: 10 } })
        .writes(30)
        .gets(". 1(10) ack 1")
    peer.aborts().gets("R. 11 ack 1").after(600_000).gets()
})

test("ABORT after a retransmission sends a RST with the highest SND.NXT, not the retransmitted number", () => {
    const peer = established().writes(10).gets("P. 1(10) ack 1").sends(". 1 ack 1 win 4").gets()
    peer.after(1000).gets("+1000 . 1(4) ack 1").aborts().gets("R. 11 ack 1")
})

// ---------------------------------------------------------------- STATUS (3.10.6)
test.each([
    ["ESTABLISHED"],
    ["FIN-WAIT-1"],
    ["FIN-WAIT-2"],
    ["CLOSE-WAIT"],
    ["CLOSING"],
    ["LAST-ACK"],
    ["TIME-WAIT"],
] as [SynchronizedState][])("STATUS in %s returns that state and no error", state => {
    const peer = reach(state)
    expect(stateName(calls.stateOf(peer.bench.stack, peer.id))).toBe(state)
    expect(calls.errorOf(peer.bench.stack, peer.id)).toBe(TcpError.None)
})

test("stateName() and errorName() return the names of RFC 9293 and of POSIX", () => {
    const names = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]
    names.push("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT")
    expect(names.map((_, i) => stateName(i))).toEqual(names)
    expect(errorName(TcpError.None)).toBe("OK")
    expect(errorName(TcpError.Refused)).toBe("ECONNREFUSED")
    expect(errorName(TcpError.Invalid)).toBe("EINVAL")
    expect(errorName(TcpError.Eof)).toBe("EOF")
})

tsharkAgrees()
