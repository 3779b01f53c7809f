// Both sides at once: SYN-RECEIVED after an active open (RFC 9293 figure 7), and the simultaneous close (figure 13).

import { describe, expect, test } from "vitest"
import { connect, shutdown, stateOf } from "../../src/tcp/calls"
import { State } from "../../src/tcp/records"
import { Host, ip, Wire } from "../support/host"
import { bases, established, synReceived, synSent } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("SYN-RECEIVED from an active open, $name", base => {
    test.each([
        // ---------------------------------------------------------------- First, check sequence number
        ["an ACK below the window", ". 0 ack 1", ". 1 ack 1"],
        ["an ACK at the right edge", ". edge ack 1", ". 1 ack 1"],
        ["the peer's SYN again", "S 0 <mss 1460>", ". 1 ack 1"],
        ["another SYN, below the window", "S -100", ". 1 ack 1"],
        // ---------------------------------------------------------------- Second, check the RST bit
        ["RST outside the window", "R 0"],
        ["RST at the right edge", "R edge"],
        ["RST within the window, not exact: challenge", "R 2", ". 1 ack 1"],
        // ---------------------------------------------------------------- Fourth: "handle per the directions for synchronized states"
        ["SYN within the window: challenge", "S 5", ". 1 ack 1"],
        ["SYN at RCV.NXT: challenge", "S. 1 ack 1", ". 1 ack 1"],
        // ---------------------------------------------------------------- Fifth, check the ACK field
        ["data without an ACK", "P 1(5)"],
        ["an ACK with SEG.ACK = ISS", ". 1 ack 0", "R 0"],
        ["an ACK with SEG.ACK > SND.NXT", ". 1 ack 2", "R 2"],
        ["SYN,ACK with SEG.ACK = ISS", "S. 0 ack 0", "R 0"],
        ["SYN,ACK with SEG.ACK > SND.NXT", "S. 0 ack 2", "R 2"],
    ])("%s (%s): the state stays, and the next data opens", (_, segment, ...answers) => {
        const peer = synReceived({ base })
        peer.sends(segment)
            .gets(...answers)
            .is("SYN-RECEIVED")
        peer.sends("P. 1(5) ack 1").gets(". 1 ack 6").is("ESTABLISHED").reads(5).gets()
    })

    test.each([
        ["RST at RCV.NXT", "R 1"],
        ["RST at RCV.NXT with an ACK", "R. 1 ack 1"],
    ])("%s (%s): ECONNREFUSED, and CLOSED, not LISTEN", (_, segment) => {
        synReceived({ base }).sends(segment).gets().is("CLOSED").failed("ECONNREFUSED").after(200_000).gets()
    })

    test.each([
        ["an ACK", ". 1 ack 1", [], "ESTABLISHED"],
        ["an ACK with data", "P. 1(5) ack 1", [". 1 ack 6"], "ESTABLISHED"],
        ["an ACK with a FIN", "F. 1 ack 1", [". 1 ack 2"], "CLOSE-WAIT"],
        // Figure 7, line 6. By the letter of 3.10.7.4 the SYN is below the window and is answered by an ACK; the peer, who
        // may read it by the letter too, is established by that ACK.
        ["the peer's SYN,ACK", "S. 0 ack 1 <mss 1460>", [". 1 ack 1"], "ESTABLISHED"],
        ["the peer's SYN,ACK with data", "SP. 0(5) ack 1", [". 1 ack 6"], "ESTABLISHED"],
        ["the peer's SYN,ACK with a FIN", "SF. 0 ack 1", [". 1 ack 2"], "CLOSE-WAIT"],
    ] as const)("%s (%s) is answered by %j and leads to %s", (_, segment, answers, state) => {
        synReceived({ base })
            .sends(segment)
            .gets(...answers)
            .is(state)
    })
})

// ---------------------------------------------------------------- SYN-RECEIVED: retransmission
test("a SYN,ACK in SYN-RECEIVED from an active open is retransmitted as the SYN would be", () => {
    const again = "S. 0 ack 1 <mss 1460>"
    synReceived()
        .after(31_000)
        .gets(...[1, 3, 7, 15, 31].map(s => `+${s}000 ${again}`))
})

test("SYN-RECEIVED from an active open ends with ETIMEDOUT after R2", () => {
    const peer = synReceived().after(600_000)
    peer.seen.length = 0
    peer.failed("ETIMEDOUT")
})

test("Karn: after a simultaneous open no round trip is measured, as the SYN was sent twice (RFC 6298, 3)", () => {
    // had it been, an RTO of 500 + 4 * 250 ms would follow from these 500 ms
    const peer = synSent().after(250).gets().sends("S 0").gets("S. 0 ack 1 <mss 1460>").after(250).gets()
    peer.sends(". 1 ack 1").gets().writes(10).gets("P. 1(10) ack 1")
    peer.after(1000).gets("+1000 P. 1(10) ack 1")
})

// ---------------------------------------------------------------- SYN-RECEIVED: calls
test("SEND in SYN-RECEIVED from an active open: the data is queued until ESTABLISHED (3.10.2)", () => {
    synReceived().writes(5).gets().sends(". 1 ack 1").gets("P. 1(5) ack 1")
})

test("CLOSE in SYN-RECEIVED from an active open: the FIN follows the handshake (3.10.4)", () => {
    const peer = synReceived().shuts().gets().sends(". 1 ack 1").gets("F. 1 ack 1").is("FIN-WAIT-1")
    peer.sends(". 1 ack 2").gets().is("FIN-WAIT-2")
})

test("CLOSE in SYN-RECEIVED from an active open with data queued: data and FIN follow (3.10.4)", () => {
    synReceived().writes(5).gets().shuts().gets().sends(". 1 ack 1").gets("FP. 1(5) ack 1").is("FIN-WAIT-1")
})

test("ABORT in SYN-RECEIVED from an active open sends a RST (3.10.5)", () => {
    synReceived().aborts().gets("R. 1 ack 1").gone()
})

// ---------------------------------------------------------------- Figure 7: two of us
test.each(bases)(
    "figure 7: two stacks that connect to each other at the same moment open and close, $name",
    base => {
        const a = new Host("10.0.0.1", { iss: base.ours, localPort: 5000 })
        const b = new Host("10.0.0.2", { iss: base.theirs, localPort: 6000 })
        const wire = new Wire([a, b])
        wire.now = base.start
        const toB = connect(a.stack, ip("10.0.0.2"), 6000, 0, wire.now | 0)
        const toA = connect(b.stack, ip("10.0.0.1"), 5000, 0, wire.now | 0)
        wire.settle()
        expect(stateOf(a.stack, toB)).toBe(State.Established)
        expect(stateOf(b.stack, toA)).toBe(State.Established)
        const before = wire.frames.length
        wire.run(60_000)
        expect(wire.frames.length, "and then there is silence").toBe(before)
        // ---------------------------------------------------------------- Figure 13: and close at the same moment
        shutdown(a.stack, toB, wire.now | 0)
        shutdown(b.stack, toA, wire.now | 0)
        wire.settle()
        expect(stateOf(a.stack, toB)).toBe(State.TimeWait)
        expect(stateOf(b.stack, toA)).toBe(State.TimeWait)
        wire.run(60_000)
        expect(stateOf(a.stack, toB)).toBe(State.Closed)
        expect(stateOf(b.stack, toA)).toBe(State.Closed)
    }
)

// ---------------------------------------------------------------- Figure 13: simultaneous close, by hand
test.each(bases)("figure 13: FINs that cross lead through CLOSING to TIME-WAIT, $name", base => {
    const peer = established({ base }).shuts().gets("F. 1 ack 1").is("FIN-WAIT-1")
    peer.sends("F. 1 ack 1").gets(". 2 ack 2").is("CLOSING")
    peer.sends(". 2 ack 2").gets().is("TIME-WAIT")
    peer.after(59_999).gets().is("TIME-WAIT").after(1).gets().is("CLOSED")
})

tsharkAgrees()
