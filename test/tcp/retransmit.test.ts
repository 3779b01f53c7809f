// The retransmission timer: RFC 6298, and the limits of RFC 9293 section 3.8.3.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { needs } from "../support/needs"
import type { Peer } from "../support/peer"
import { bases, established, halfOpen, reach, synSent } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

/** Returns the same segment at each of these times, ms. */
const at = (segment: string, ...times: number[]) => times.map(time => `+${time} ${segment}`)

const SYN = "S 0 <mss 1460>"

// ---------------------------------------------------------------- SYN-SENT
test.each(bases)(
    "a SYN is retransmitted after 1 s (2.1), then doubled (5.5) up to a minute (2.5); R2 is 3 minutes (MUST-23), $name",
    base => {
        const peer = synSent({ base })
        peer.after(182_999)
            .gets(...at(SYN, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000))
            .is("SYN-SENT")
        peer.after(1).gets().is("CLOSED").failed("ETIMEDOUT")
        peer.after(600_000).gets()
        expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
    }
)

test("a SYN,ACK that answers a retransmitted SYN opens the connection", () => {
    synSent().after(1000).gets(`+1000 ${SYN}`).sends("S. 0 ack 1").gets(". 1 ack 1").is("ESTABLISHED")
})

test("rtoInitial, rtoMax and r2Syn set the times at which a SYN is retransmitted and given up", () => {
    const config = { rtoInitial: 200, rtoMax: 1000, r2Syn: 3000 }
    const peer = synSent({ config })
        .after(3399)
        .gets(...at(SYN, 200, 600, 1400, 2400))
    peer.after(1).gets().failed("ETIMEDOUT")
})

test("data after a retransmitted SYN: RTO 3 s (5.7), one segment (RFC 5681, 3.1)", () => {
    const peer = synSent().after(1000).gets(`+1000 ${SYN}`).writes(300).gets()
    peer.sends("S. 0 ack 1 <mss 100>").gets(". 1(100) ack 1")
    peer.after(2999).gets().after(1).gets("+1 . 1(100) ack 1")
})

test("data after a SYN that was sent once: RTO 1 s at least (2.4)", () => {
    const peer = synSent().sends("S. 0 ack 1").gets(". 1 ack 1").writes(5).gets("P. 1(5) ack 1")
    peer.after(999).gets().after(1).gets("+1 P. 1(5) ack 1")
})

// ---------------------------------------------------------------- Data
describe.each(bases)("unacknowledged data, $name", base => {
    test("data is retransmitted after 1, 2, 4 ... s, a minute at most; R2 is 100 s (MUST-20, SHLD-11)", () => {
        const peer = established({ base }).writes(5).gets("P. 1(5) ack 1")
        peer.after(122_999)
            .gets(...at("P. 1(5) ack 1", 1000, 3000, 7000, 15_000, 31_000, 63_000))
            .is("ESTABLISHED")
        peer.after(1).gets().failed("ETIMEDOUT").after(600_000).gets()
    })

    test("an ACK of new data starts the retransmission timer anew (5.3), and R2", () => {
        const peer = established({ base }).writes(5).gets("P. 1(5) ack 1").after(60).gets()
        peer.writes(5).gets("P. 6(5) ack 1").after(40).gets().sends(". 1 ack 6").gets()
        peer.after(999).gets().after(1).gets("+1 P. 6(5) ack 1")
        peer.after(121_999).seen.splice(0)
        peer.is("ESTABLISHED").after(1).gets().failed("ETIMEDOUT")
    })

    test("a duplicate ACK does not start the retransmission timer anew", () => {
        const peer = established({ base })
            .writes(5)
            .gets("P. 1(5) ack 1")
            .after(500)
            .gets()
            .sends(". 1 ack 1")
            .gets()
        peer.after(499).gets().after(1).gets("+1 P. 1(5) ack 1")
    })

    test("an ACK of all data stops the retransmission timer (5.2)", () => {
        const peer = established({ base })
            .writes(5)
            .gets("P. 1(5) ack 1")
            .after(1000)
            .gets("+1000 P. 1(5) ack 1")
        peer.sends(". 1 ack 6").gets().after(600_000).gets().is("ESTABLISHED")
    })

    test("new data does not start the retransmission timer anew (5.1)", () => {
        const peer = established({ base })
            .writes(5)
            .gets("P. 1(5) ack 1")
            .after(900)
            .gets()
            .writes(5)
            .gets("P. 6(5) ack 1")
        peer.after(100).gets("+100 P. 1(10) ack 1")
    })

    test("data written after the first segment is sent with its retransmission", () => {
        const peer = established({ base }).writes(5).gets("P. 1(5) ack 1").writes(5).gets("P. 6(5) ack 1")
        peer.after(1000).gets("+1000 P. 1(10) ack 1").sends(". 1 ack 11").gets().after(600_000).gets()
    })

    test("ACKs of the first transmission after a retransmission are taken, and the timer stops", () => {
        const peer = established({ base })
            .writes(10)
            .gets("P. 1(10) ack 1")
            .writes(10)
            .gets("P. 11(10) ack 1")
        peer.after(1000).gets("+1000 P. 1(20) ack 1").sends(". 1 ack 11").gets().sends(". 1 ack 21").gets()
        peer.after(600_000).gets()
    })
})

// ---------------------------------------------------------------- The estimator (RFC 6298 section 2)
/** Sends a segment and acknowledges it `ms` later. */
function roundTrip(peer: Peer, seq: number, ms: number): Peer {
    return peer
        .writes(1)
        .gets(`P. ${seq}(1) ack 1`)
        .after(ms)
        .gets()
        .sends(`. 1 ack ${seq + 1}`)
        .gets()
}

test("the RTT's first measurement is the SYN's round trip: RTO = R + 4 * R/2 (2.2)", () => {
    const peer = synSent()
        .after(800)
        .gets()
        .sends("S. 0 ack 1")
        .gets(". 1 ack 1")
        .writes(1)
        .gets("P. 1(1) ack 1")
    peer.after(2399).gets().after(1).gets("+1 P. 1(1) ack 1")
})

test("the RTT's later measurements: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R'|, SRTT = 7/8 SRTT + 1/8 R' (2.3)", () => {
    // R = 800: SRTT 800, RTTVAR 400. R' = 800: RTTVAR 300, RTO 2000. R' = 1600: RTTVAR 425, SRTT 900, RTO 2600.
    const peer = synSent().after(800).gets().sends("S. 0 ack 1").gets(". 1 ack 1")
    roundTrip(peer, 1, 800)
    roundTrip(peer, 2, 1600)
    peer.writes(1).gets("P. 3(1) ack 1").after(2599).gets().after(1).gets("+1 P. 3(1) ack 1")
})

test("the RTT is measured by one segment: others in flight with it do not count", () => {
    const peer = synSent().after(800).gets().sends("S. 0 ack 1").gets(". 1 ack 1")
    peer.writes(1).gets("P. 1(1) ack 1").after(400).gets().writes(1).gets("P. 2(1) ack 1").after(400).gets()
    // R' = 800 for the first: RTO 2000
    peer.sends(". 1 ack 3")
        .gets()
        .writes(1)
        .gets("P. 3(1) ack 1")
        .after(1999)
        .gets()
        .after(1)
        .gets("+1 P. 3(1) ack 1")
})

test("Karn: a retransmitted segment is not measured (3), and the RTO stays backed off (5.5)", () => {
    const peer = established().writes(1).gets("P. 1(1) ack 1").after(1000).gets("+1000 P. 1(1) ack 1")
    peer.after(10).gets().sends(". 1 ack 2").gets()
    // no measurement: still 2 s
    peer.writes(1).gets("P. 2(1) ack 1").after(1999).gets().after(1).gets("+1 P. 2(1) ack 1")
    // and 4 s
    peer.sends(". 1 ack 3").gets().writes(1).gets("P. 3(1) ack 1").after(10).gets().sends(". 1 ack 4").gets()
    // this one was measured: the handshake took none, 10 ms now. 1 s, the least
    peer.writes(1).gets("P. 4(1) ack 1").after(999).gets().after(1).gets("+1 P. 4(1) ack 1")
})

test("the RTO is at most a minute, however slow the path", () => {
    const peer = synSent({ config: { r2Syn: 1_000_000, r2: 1_000_000, rtoInitial: 60_000 } })
    peer.after(50_000).gets().sends("S. 0 ack 1").gets(". 1 ack 1").writes(1).gets("P. 1(1) ack 1")
    peer.after(59_999).gets().after(1).gets("+1 P. 1(1) ack 1")
})

// ---------------------------------------------------------------- Counters, and what the program learns
test("the counter of retransmissions counts no first transmission", () => {
    const peer = established()
        .writes(5)
        .gets("P. 1(5) ack 1")
        .after(3000)
        .gets(...at("P. 1(5) ack 1", 1000, 3000))
    expect(peer.bench.counter(Counter.Retransmits)).toBe(2)
})

test("R2 in CLOSE-WAIT with unread data: the program reads the data, then ETIMEDOUT", () => {
    const peer = established().sends("FP. 1(5) ack 1").gets(". 1 ack 7").writes(1).gets("P. 1(1) ack 7")
    peer.after(200_000).seen.splice(0)
    peer.failed("ETIMEDOUT").reads(5).gets().reads(-3).closes().gone()
})

test("R2 counts from the last ACK of new data, not from the opening", () => {
    const peer = established().after(500_000).gets().writes(5).gets("P. 1(5) ack 1")
    peer.after(63_000)
        .gets(...at("P. 1(5) ack 1", 1000, 3000, 7000, 15_000, 31_000, 63_000))
        .is("ESTABLISHED")
    peer.sends(". 1 ack 6").gets().after(500_000).gets().is("ESTABLISHED")
    peer.writes(5).gets("P. 6(5) ack 1").after(60_000).gets("+60000 P. 6(5) ack 1").is("ESTABLISHED")
})

test("a connection without data in flight has no timer and stays for a month", () => {
    needs("ACTIVE_OPENS")
    for (const state of ["ESTABLISHED", "FIN-WAIT-2", "CLOSE-WAIT"] as const) {
        const peer = reach(state)
        for (let day = 0; day < 30; day++) peer.after(86_400_000).gets()
        peer.is(state).sends("P. rcv(5) ack nxt")
        peer.seen.splice(0)
        peer.is(state)
    }
})

test("a half-open connection that is established after a retransmitted SYN,ACK has no timer left", () => {
    const peer = halfOpen()
        .after(1000)
        .gets("+1000 S. 0 ack 1 <mss 1460>")
        .sends(". 1 ack 1")
        .gets()
        .accepts()
    peer.after(600_000).gets().is("ESTABLISHED")
})

tsharkAgrees()
