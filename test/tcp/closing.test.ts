// Closing: FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK. RFC 9293 sections 3.6 and 3.10.7.4.

import { describe, expect, test } from "vitest"
import { TcpError } from "../../src/tcp/records"
import { needs } from "../support/needs"
import { bases, established, reach, type SynchronizedState } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

/** The state before, what arrives, the answers, and the state after. una, nxt, rcv and edge are the stack's. */
type Row = [from: SynchronizedState, what: string, segment: string, answers: string[], to: string]

const rows: Row[] = [
    // ---------------------------------------------------------------- FIN-WAIT-1: <FIN> sent, seq 1
    ["FIN-WAIT-1", "ACK of the FIN", ". 1 ack 2", [], "FIN-WAIT-2"],
    ["FIN-WAIT-1", "ACK of the FIN, from within the window", ". 9 ack 2", [], "FIN-WAIT-2"],
    ["FIN-WAIT-1", "data that does not acknowledge the FIN", "P. 1(5) ack 1", [". 2 ack 6"], "FIN-WAIT-1"],
    ["FIN-WAIT-1", "data that acknowledges the FIN", "P. 1(5) ack 2", [". 2 ack 6"], "FIN-WAIT-2"],
    [
        "FIN-WAIT-1",
        "data out of order that acknowledges the FIN",
        "P. 6(5) ack 2",
        [". 2 ack 1"],
        "FIN-WAIT-2",
    ],
    ["FIN-WAIT-1", "FIN that does not acknowledge ours", "F. 1 ack 1", [". 2 ack 2"], "CLOSING"],
    ["FIN-WAIT-1", "FIN that acknowledges ours", "F. 1 ack 2", [". 2 ack 2"], "TIME-WAIT"],
    ["FIN-WAIT-1", "data and FIN", "FP. 1(5) ack 1", [". 2 ack 7"], "CLOSING"],
    ["FIN-WAIT-1", "data and FIN that acknowledge ours", "FP. 1(5) ack 2", [". 2 ack 7"], "TIME-WAIT"],
    ["FIN-WAIT-1", "FIN out of order that acknowledges ours", "F. 6 ack 2", [". 2 ack 1"], "FIN-WAIT-2"],
    ["FIN-WAIT-1", "FIN out of order", "F. 6 ack 1", [". 2 ack 1"], "FIN-WAIT-1"],

    // ---------------------------------------------------------------- FIN-WAIT-2
    ["FIN-WAIT-2", "data", "P. 1(5) ack 2", [". 2 ack 6"], "FIN-WAIT-2"],
    ["FIN-WAIT-2", "data out of order", "P. 6(5) ack 2", [". 2 ack 1"], "FIN-WAIT-2"],
    ["FIN-WAIT-2", "FIN", "F. 1 ack 2", [". 2 ack 2"], "TIME-WAIT"],
    ["FIN-WAIT-2", "data and FIN", "FP. 1(5) ack 2", [". 2 ack 7"], "TIME-WAIT"],
    ["FIN-WAIT-2", "FIN with an old ACK", "F. 1 ack 1", [". 2 ack 2"], "TIME-WAIT"],
    ["FIN-WAIT-2", "FIN out of order", "F. 6 ack 2", [". 2 ack 1"], "FIN-WAIT-2"],
    [
        "FIN-WAIT-2",
        "more data than the window, and FIN",
        "FP. 1(1030) ack 2",
        [". 2 ack 1025 win 0"],
        "FIN-WAIT-2",
    ],

    // ---------------------------------------------------------------- CLOSE-WAIT: the peer's FIN is at 1
    ["CLOSE-WAIT", "FIN again", "F. 1 ack 1", [". 1 ack 2"], "CLOSE-WAIT"],
    ["CLOSE-WAIT", "data after the FIN: ignored", "P. 2(5) ack 1", [". 1 ack 2"], "CLOSE-WAIT"],
    ["CLOSE-WAIT", "another FIN after the FIN: ignored", "F. 2 ack 1", [". 1 ack 2"], "CLOSE-WAIT"],
    ["CLOSE-WAIT", "urgent pointer: ignored", ".U 2 ack 1 urg 9", [], "CLOSE-WAIT"],

    // ---------------------------------------------------------------- CLOSING: both FINs out, ours not acknowledged
    ["CLOSING", "ACK of the FIN", ". 2 ack 2", [], "TIME-WAIT"],
    ["CLOSING", "FIN again, without an ACK of ours", "F. 1 ack 1", [". 2 ack 2"], "CLOSING"],
    ["CLOSING", "data after the FIN: ignored", "P. 2(5) ack 1", [". 2 ack 2"], "CLOSING"],
    ["CLOSING", "data after the FIN that acknowledges ours", "P. 2(5) ack 2", [". 2 ack 2"], "TIME-WAIT"],
    ["CLOSING", "old ACK", ". 2 ack 1", [], "CLOSING"],

    // ---------------------------------------------------------------- LAST-ACK
    ["LAST-ACK", "ACK of the FIN", ". 2 ack 2", [], "CLOSED"],
    ["LAST-ACK", "FIN again, without an ACK of ours", "F. 1 ack 1", [". 2 ack 2"], "LAST-ACK"],
    ["LAST-ACK", "data after the FIN: ignored", "P. 2(5) ack 1", [". 2 ack 2"], "LAST-ACK"],
    ["LAST-ACK", "data after the FIN that acknowledges ours", "P. 2(5) ack 2", [], "CLOSED"],
    ["LAST-ACK", "old ACK", ". 2 ack 1", [], "LAST-ACK"],
]

describe.each(bases)("closing, $name", base => {
    test.each(rows)("%s: %s (%s) is answered by %j and leads to %s", (from, _, segment, answers, to) => {
        reach(from, { base })
            .sends(segment)
            .gets(...answers)
            .is(to)
    })
})

// ---------------------------------------------------------------- Figure 12: the normal close, from both ends
test.each(bases)("figure 12, TCP peer A: the normal close from the side that closes first, $name", base => {
    const peer = established({ base }).shuts().gets("F. 1 ack 1").is("FIN-WAIT-1")
    peer.sends(". 1 ack 2").gets().is("FIN-WAIT-2")
    peer.sends("F. 1 ack 2").gets(". 2 ack 2").is("TIME-WAIT")
    peer.after(60_000).gets().is("CLOSED")
})

test.each(bases)("figure 12, TCP peer B: the normal close from the side that closes second, $name", base => {
    const peer = established({ base, open: "passive" }).sends("F. 1 ack 1").gets(". 1 ack 2").is("CLOSE-WAIT")
    peer.reads(TcpError.Eof).gets().closes().gets("F. 1 ack 2").is("LAST-ACK")
    peer.sends(". 2 ack 2").gets().is("LISTEN").gone()
})

// ---------------------------------------------------------------- Data before the FIN
test("shutdown() with data beyond the window: the FIN is sent with the last data", () => {
    const peer = established({ peer: { window: 10 } })
        .writes(15)
        .gets(". 1(10) ack 1")
        .shuts()
        .gets()
        .is("FIN-WAIT-1")
    peer.sends(". 1 ack 11").gets("FP. 11(5) ack 1").sends(". 1 ack 16").gets().is("FIN-WAIT-1")
    peer.sends(". 1 ack 17").gets().is("FIN-WAIT-2")
})

test("an ACK of the data but not of the FIN: the FIN alone is retransmitted", () => {
    const peer = established().writes(5).gets("P. 1(5) ack 1").shuts().gets("F. 6 ack 1")
    peer.sends(". 1 ack 6").gets().is("FIN-WAIT-1").after(1000).gets("+1000 F. 6 ack 1")
})

describe("a FIN that is still to be sent, with the send ring empty, is due", () => {
    const states = ["FIN-WAIT-1", "CLOSING", "LAST-ACK"] as const

    test.each(states)(
        "in %s at once when an ACK covers the data of a retransmission but not the FIN",
        state => {
            const peer = established({ config: { sendBuffer: 4096 } })
                .sends(". 1 ack 1 win 2000")
                .gets()
            if (state === "LAST-ACK") peer.sends("F. 1 ack 1 win 2000").gets(". 1 ack 2")
            const [seq, ack] = state === "FIN-WAIT-1" ? [1, 1] : [2, 2]
            const before = state === "LAST-ACK" ? ack : 1
            peer.writes(2000).gets(`. 1(1460) ack ${before}`, `P. 1461(540) ack ${before}`)
            peer.shuts().gets(`F. 2001 ack ${before}`)
            if (state === "CLOSING") peer.sends("F. 1 ack 1 win 2000").gets(". 2002 ack 2")
            peer.is(state).after(1000).gets(`+1000 . 1(1460) ack ${ack}`)
            peer.sends(`. ${seq} ack 2001`).gets(`F. 2001 ack ${ack}`).is(state)
        }
    )

    test.each(states)("in %s at once when the window opens", state => {
        const peer = reach(state)
            .sends(`. ${state === "FIN-WAIT-1" ? 1 : 2} ack 1 win 0`)
            .gets()
        const ack = state === "FIN-WAIT-1" ? 1 : 2
        peer.after(1000).gets(`+1000 F. 1 ack ${ack}`).sends(`. ${ack} ack 1 win 0`).gets()
        peer.sends(`. ${ack} ack 1 win 100`).gets(`F. 1 ack ${ack}`).is(state)
        peer.after(1000).gets(`+1000 F. 1 ack ${ack}`)
    })
})

test("data and FIN both lost are retransmitted in one segment", () => {
    const peer = established().writes(5).gets("P. 1(5) ack 1").shuts().gets("F. 6 ack 1")
    peer.after(1000).gets("+1000 FP. 1(5) ack 1").sends(". 1 ack 7").gets().is("FIN-WAIT-2")
})

test("shutdown() in CLOSE-WAIT with data queued: LAST-ACK at once, the FIN after the data", () => {
    const peer = reach("CLOSE-WAIT", { peer: { window: 10 } })
        .writes(15)
        .gets(". 1(10) ack 2")
        .shuts()
        .gets()
    peer.is("LAST-ACK").sends(". 2 ack 11").gets("FP. 11(5) ack 2").sends(". 2 ack 17").gets().is("CLOSED")
})

test("a peer's FIN while our data and FIN are still queued leads to CLOSING, and the data is sent", () => {
    const peer = established({ peer: { window: 10 } })
        .writes(15)
        .gets(". 1(10) ack 1")
        .shuts()
        .gets()
    peer.sends("F. 1 ack 1").gets(". 11 ack 2").is("CLOSING")
    peer.sends(". 2 ack 11").gets("FP. 11(5) ack 2").is("CLOSING")
    peer.sends(". 2 ack 17").gets().is("TIME-WAIT")
})

// ---------------------------------------------------------------- Half close (3.6.1)
test("FIN-WAIT-2 receives data and a FIN after an hour, and the program reads data, then EOF", () => {
    const peer = reach("FIN-WAIT-2").after(3_600_000).gets().is("FIN-WAIT-2")
    peer.sends("P. 1(100) ack 2").gets(". 2 ack 101").reads(100).gets()
    peer.sends("FP. 101(5) ack 2").gets(". 2 ack 107").is("TIME-WAIT").reads(5).gets().reads(TcpError.Eof)
})

test("FIN-WAIT-2: a zero window opens again when the program reads", () => {
    const peer = reach("FIN-WAIT-2").sends("P. 1(1024) ack 2").gets(". 2 ack 1025 win 0")
    peer.reads(1024).gets(". 2 ack 1025 win 1024")
})

test("CLOSE-WAIT: reading sends no window update, as no more data can come", () => {
    const peer = established().sends("P. 1(1000) ack 1").gets(". 1 ack 1001")
    peer.sends("F. 1001 ack 1").gets(". 1 ack 1002").reads(1000).gets().reads(TcpError.Eof).gets()
})

// ---------------------------------------------------------------- close(): the program reads no more (SHLD-3)
test("close() with unread data in ESTABLISHED sends a RST", () => {
    established().sends("P. 1(5) ack 1").gets(". 1 ack 6").closes().gets("R. 1 ack 6").gone()
})

test("close() with unread data in CLOSE-WAIT sends a RST", () => {
    established().sends("FP. 1(5) ack 1").gets(". 1 ack 7").closes().gets("R. 1 ack 7").gone()
})

test.each(["FIN-WAIT-1", "FIN-WAIT-2"] as const)("close() with unread data in %s sends a RST", state => {
    const peer = reach(state)
    peer.sends(`P. 1(5) ack ${peer.marks.una}`).gets(". 2 ack 6").closes().gets("R. 2 ack 6").gone()
})

test("data that comes after close() is answered by a RST", () => {
    const peer = established().closes().gets("F. 1 ack 1").is("FIN-WAIT-1")
    peer.sends("P. 1(5) ack 2").gets("R. 2 ack 1").gone().is("CLOSED")
})

test("a FIN that comes after close() leads to TIME-WAIT, and the record is free afterwards", () => {
    const peer = established().closes().gets("F. 1 ack 1").sends(". 1 ack 2").gets().is("FIN-WAIT-2")
    peer.sends("F. 1 ack 2")
        .gets(". 2 ack 2")
        .is("TIME-WAIT")
        .after(59_999)
        .gets()
        .is("TIME-WAIT")
        .after(17)
        .gets()
        .gone()
})

test("FIN-WAIT-2 after close() ends after finWait2 ms, after shutdown() alone it stays", () => {
    established({ config: { finWait2: 5000 } })
        .closes()
        .gets("F. 1 ack 1")
        .sends(". 1 ack 2")
        .gets()
        .after(4999)
        .gets()
        .is("FIN-WAIT-2")
        .after(1)
        .gets()
        .is("CLOSED")
        .gone()
    reach("FIN-WAIT-2", { config: { finWait2: 5000 } })
        .after(60_000)
        .gets()
        .is("FIN-WAIT-2")
        .closes()
        .gets()
        .is("FIN-WAIT-2")
        .after(4999)
        .gets()
        .is("FIN-WAIT-2")
        .after(1)
        .gets()
        .is("CLOSED")
})

test("a FIN that comes after FIN-WAIT-2 has timed out is answered by a RST", () => {
    const peer = established({ config: { finWait2: 5000 } })
        .closes()
        .gets("F. 1 ack 1")
        .sends(". 1 ack 2")
        .gets()
    peer.after(5000).gets().sends("F. 1 ack 2").gets("R 2")
})

// ---------------------------------------------------------------- FIN retransmission, and giving up (R2)
test.each(["FIN-WAIT-1", "CLOSING", "LAST-ACK"] as const)(
    "%s: the FIN is retransmitted until R2, then the error is ETIMEDOUT",
    state => {
        // a passive connection is ended earlier for its pace
        needs("ACTIVE_OPENS")
        const peer = reach(state)
        const fin = "F. 1 ack rcv"
        peer.after(122_999)
            .gets(...[1, 3, 7, 15, 31, 63].map(s => `+${s}000 ${fin}`))
            .is(state)
        peer.after(1).gets().failed("ETIMEDOUT")
        expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
    }
)

tsharkAgrees()
