// What a connection sends: segments, acknowledgments that come in, and the peer's window. RFC 9293 sections 3.8 and 3.10.7.4
// (fifth step), RFC 5681.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { ConnOption, Tcb } from "../../src/tcp/records"
import { findConnection } from "../../src/tcp/tables"
import type { Bench } from "../support/bench"
import { ethernet, icmp, ipv4 } from "../support/frames"
import { needs } from "../support/needs"
import { bases, established, listening } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("ESTABLISHED, sending, $name", base => {
    // ---------------------------------------------------------------- Fifth: SND.UNA < SEG.ACK =< SND.NXT
    test("an ACK of the only segment stops the timer", () => {
        const peer = established({ base }).writes(5).gets("P. 1(5) ack 1").sends(". 1 ack 6").gets()
        peer.after(600_000).gets()
        expect(peer.bench.counter(Counter.Retransmits)).toBe(0)
    })

    test("an ACK of a part of a segment: the rest is retransmitted after the RTO", () => {
        const peer = established({ base }).writes(10).gets("P. 1(10) ack 1").sends(". 1 ack 4").gets()
        peer.after(1000).gets("+1000 P. 4(7) ack 1")
    })

    test("one ACK acknowledges three segments and stops the timer", () => {
        const peer = established({ base })
        peer.writes(5).gets("P. 1(5) ack 1").writes(5).gets("P. 6(5) ack 1").writes(5).gets("P. 11(5) ack 1")
        peer.sends(". 1 ack 16").gets().after(600_000).gets()
    })

    test("duplicate and old ACKs change nothing", () => {
        const peer = established({ base }).writes(5).gets("P. 1(5) ack 1")
        peer.sends(". 1 ack 1")
            .gets()
            .sends(". 1 ack 6")
            .gets()
            .sends(". 1 ack 6")
            .gets()
            .sends(". 1 ack 1")
            .gets()
        peer.writes(5).gets("P. 6(5) ack 1")
    })

    test("an ACK that comes with data acknowledges ours", () => {
        const peer = established({ base })
            .writes(5)
            .gets("P. 1(5) ack 1")
            .sends("P. 1(3) ack 6")
            .gets(". 6 ack 4")
        peer.after(600_000).gets()
    })

    test("a send ring that wraps sends each octet once, in order", () => {
        const peer = established({ base, config: { sendBuffer: 100 } })
        let seq = 1
        for (let i = 0; i < 40; i++) {
            const length = 1 + ((i * 41) % 99)
            peer.writes(length).gets(`P. ${seq}(${length}) ack 1`)
            seq += length
            peer.sends(`. 1 ack ${seq}`).gets()
        }
    })

    // ---------------------------------------------------------------- SND.WL1, SND.WL2: old segments do not update the window
    test.each([
        ["a newer sequence number", ["P. 1(5) ack 1 win 10", ". 6 ack 1 win 50"], 50],
        ["the same sequence number, a newer ACK", [". 1 ack 1 win 30", ". 1 ack 1 win 50"], 50],
        [
            "an older sequence number does not happen",
            ["P. 1(5) ack 1", ". 6 ack 1 win 50", "P. 1(6) ack 1 win 10"],
            50,
        ],
        ["a window that shrinks", [". 1 ack 1 win 70", ". 1 ack 1 win 50"], 50],
    ] as const)("window update by %s", (_, segments, window) => {
        // half of the largest window is enough to send (section 3.8.6.2.1)
        const peer = established({ base, peer: { window: 100 } })
        for (const segment of segments) {
            peer.sends(segment)
            peer.seen.length = 0
        }
        peer.writes(100)
        expect(peer.seen.map(s => (s.view as { payload: Uint8Array }).payload.length)).toEqual([window])
        peer.seen.length = 0
    })

    test("no window update by the same sequence number and an older ACK", () => {
        const peer = established({ base, peer: { window: 100 } })
            .writes(20)
            .gets("P. 1(20) ack 1")
        peer.sends(". 1 ack 21 win 50").gets().sends(". 1 ack 11 win 2000").gets()
        peer.writes(100).gets(". 21(50) ack 1")
    })
})

// ---------------------------------------------------------------- Segmentation (3.7): MSS and window
test("1,200 octets are cut into segments of the MSS, with PSH on the last (section 3.9.1.2)", () => {
    const peer = listening({ config: { sendBuffer: 4096 } })
        .sends("S 0 <mss 500>")
        .gets("S. 0 ack 1 <mss 1460>")
    peer.sends(". 1 ack 1").gets().accepts()
    peer.writes(1200).gets(". 1(500) ack 1", ". 501(500) ack 1", "P. 1001(200) ack 1")
})

test("data beyond the peer's window waits, and no small pieces are sent (section 3.8.6.2.1)", () => {
    const peer = established({ peer: { window: 10 } })
        .writes(25)
        .gets(". 1(10) ack 1")
    // silly window avoidance (section 3.8.6.2.1): no small segment after the data in flight
    peer.sends(". 1 ack 6").gets().sends(". 1 ack 11").gets(". 11(10) ack 1")
    peer.sends(". 1 ack 21").gets("P. 21(5) ack 1").sends(". 1 ack 26").gets()
})

test("a window that shrinks below the data in flight (SHLD-14, MUST-34): nothing new is sent, nothing is lost", () => {
    const peer = established().writes(100).gets("P. 1(100) ack 1").writes(50).gets("P. 101(50) ack 1")
    peer.sends(". 1 ack 1 win 20").gets().writes(10).gets()
    peer.sends(". 1 ack 151 win 20").gets("P. 151(10) ack 1")
})

test("write() takes the octets that the send ring has room for", () => {
    const peer = established({ config: { sendBuffer: 100 } })
    peer.writes(250, 100).gets("P. 1(100) ack 1").writes(150, 0).gets()
    peer.sends(". 1 ack 41").gets().writes(150, 40).gets("P. 101(40) ack 1")
})

test("the IP identification of segments is 0, as DF is set (RFC 6864)", () => {
    needs("PATH_MTU")
    const peer = established()
    for (let i = 0; i < 20; i++) {
        peer.writes(1)
        for (const { view, frame } of peer.seen.splice(0)) {
            expect(view.identification).toBe(0)
            // flags and fragment offset, after the Ethernet header
            expect([frame[20], frame[21]]).toEqual([0x40, 0])
        }
    }
})

test("the IP identification of segments without DF does not depend on packets to others", () => {
    needs("ICMP_ERRORS", "PATH_MTU")
    const numbers = [0, 10].map(others => {
        const peer = established()
        const { stack } = peer.bench
        const at = findConnection(stack, peer.id)!
        at.setAt(Tcb.Options, "u8", at.getAt(Tcb.Options, "u8") | ConnOption.Fragment)
        for (let i = 0; i < others; i++) ping(peer.bench)
        return Array.from({ length: 5 }, () => {
            peer.writes(1)
            const [segment] = peer.seen.splice(0)
            expect([segment!.frame[20], segment!.frame[21]]).toEqual([0, 0])
            return segment!.view.identification
        })
    })
    expect(new Set(numbers[0]).size).toBe(5)
    expect(numbers[1]).toEqual(numbers[0])
})

/** Another host sends an echo request, and gets a reply. */
function ping(bench: Bench): void {
    const header = { source: "10.0.0.9", destination: "10.0.0.1", protocol: 1 }
    bench.receive(ethernet(bench.mac, "02:00:00:00:01:09", 0x0800, ipv4(header, icmp(8, 0, 1, [1, 2, 3]))))
    expect(bench.others.splice(0).length).toBe(1)
}

// ---------------------------------------------------------------- Congestion window (RFC 6928, RFC 5681 section 3.1)
test.each([1460, 1000, 536])("the initial window with an MSS of %i is ten segments", mss => {
    const peer = listening({ config: { sendBuffer: 20_000, connections: 2 }, peer: { window: 60_000 } })
    peer.sends(`S 0 <mss ${mss}>`).gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts()
    peer.writes(20_000)
    expect(peer.seen.splice(0).length).toBe(10)
})

test("the initial window after a lost SYN,ACK is one segment (RFC 5681 section 3.1)", () => {
    const peer = listening({ config: { sendBuffer: 20_000, connections: 2 }, peer: { window: 60_000 } })
    peer.sends("S 0 <mss 1000>").gets("S. 0 ack 1 <mss 1460>").after(1000).gets("+1000 S. 0 ack 1 <mss 1460>")
    peer.sends(". 1 ack 1").gets().accepts().writes(20_000).gets(". 1(1000) ack 1")
})

/** Segments of 1,000 bytes from number `from` on. */
const thousands = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `. ${(from + i) * 1000 + 1}(1000) ack 1`)

test("slow start: each ACK of a full segment lets two segments out", () => {
    const peer = listening({ config: { sendBuffer: 20_000, connections: 2 }, peer: { window: 60_000 } })
    peer.sends("S 0 <mss 1000>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts()
    peer.writes(20_000).gets(...thousands(0, 10))
    peer.sends(". 1 ack 1001").gets(...thousands(10, 2))
    peer.sends(". 1 ack 2001").gets(...thousands(12, 2))
})

test("after a timeout one segment is sent, slow start up to half of the data in flight, then one segment more a window", () => {
    const peer = listening({ config: { sendBuffer: 30_000, connections: 1 }, peer: { window: 60_000 } })
    peer.sends("S 0 <mss 1000>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts()
    peer.writes(30_000).gets(...thousands(0, 10))
    peer.after(1000).gets("+1000 . 1(1000) ack 1")
    // ssthresh is 5000: slow start to five segments
    peer.sends(". 1 ack 1001").gets(...thousands(1, 2))
    peer.sends(". 1 ack 3001").gets(...thousands(3, 3))
    peer.sends(". 1 ack 4001").gets(...thousands(6, 2))
    peer.sends(". 1 ack 5001").gets(...thousands(8, 2))
    // from there each ACK adds MSS * MSS / cwnd: 200 and 192, and no piece of a segment goes for that
    peer.sends(". 1 ack 6001").gets(...thousands(10, 1))
    peer.sends(". 1 ack 7001").gets(...thousands(11, 1))
})

test("a congestion window above the square of the MSS grows by a byte an ACK (RFC 5681 section 3.1)", () => {
    const peer = listening({ config: { sendBuffer: 30_000, connections: 1 }, peer: { window: 60_000 } })
    peer.sends("S 0 <mss 64>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts()
    const c = findConnection(peer.bench.stack, peer.id)!
    // as after a loss with 9,000 bytes in flight: MSS * MSS / cwnd is 0.91 bytes
    c.setAt(Tcb.Ssthresh, "u16", 4500)
    c.setAt(Tcb.Cwnd, "u16", 4500)
    for (let acked = 0; acked < 3; acked++) {
        peer.writes(64).gets(`P. ${1 + 64 * acked}(64) ack 1`)
        peer.sends(`. 1 ack ${65 + 64 * acked}`).gets()
    }
    expect(c.getAt(Tcb.Cwnd, "u16")).toBe(4503)
})

tsharkAgrees()
