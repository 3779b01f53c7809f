// CLOSED: there is no connection. RFC 9293 sections 3.10.7.1 and 3.5.2 (group 1).

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { Bench } from "../support/bench"
import { ethernet, ipv4, tcp } from "../support/frames"
import { Peer } from "../support/peer"
import { bases, established, newPeer } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

// ---------------------------------------------------------------- CLOSED: a segment arrives (3.10.7.1)
describe.each(bases)("CLOSED, $name", base => {
    test.each([
        // without an ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
        ["a SYN", "S 0 <mss 1460>", "R. =0 ack 1"],
        ["a SYN with data", "SP 0(5)", "R. =0 ack 6"],
        ["a SYN with a FIN", "SF 0", "R. =0 ack 2"],
        ["a SYN with data and a FIN", "SFP 0(5)", "R. =0 ack 7"],
        ["data without an ACK", "P 10(10)", "R. =0 ack 20"],
        ["a FIN without an ACK", "F 10", "R. =0 ack 11"],
        ["a segment with neither SYN, ACK, FIN nor RST", "U 10", "R. =0 ack 10"],
        // with an ACK: <SEQ=SEG.ACK><CTL=RST>
        ["an ACK", ". 10 ack 77", "R 77"],
        ["a SYN,ACK", "S. 10 ack 1", "R 1"],
        ["data", "P. 10(10) ack 77", "R 77"],
        ["a FIN", "F. 10 ack 77", "R 77"],
        ["every control bit but RST", "SFP.UEW 10(10) ack 77 urg 5", "R 77"],
        // "An incoming segment containing a RST is discarded"
        ["a RST", "R 10"],
        ["a RST with an ACK", "R. 10 ack 77"],
        ["a RST with a SYN", "SR 10"],
        ["a RST with everything", "SFRP.U 10(10) ack 77"],
    ])("%s (%s) draws no more than a reset", (_, segment, ...answers) => {
        newPeer({ base })
            .sends(segment)
            .gets(...answers)
            .is("CLOSED")
    })
})

test("the reset in CLOSED goes to the Ethernet address the segment came from, without ARP", () => {
    const bench = new Bench({}, { arp: false })
    const peer = new Peer(bench, { ip: "192.168.7.9", mac: "02:00:00:00:00:fe" })
    peer.sends("S 0").gets("R. =0 ack 1")
    expect(bench.others).toEqual([])
})

test("a SYN in CLOSED is reset and counted, and sets no timer", () => {
    const peer = newPeer().sends("S 0").gets("R. =0 ack 1")
    peer.after(3_600_000).gets()
    expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
    expect(peer.bench.counter(Counter.TcpNoConnection)).toBe(1)
    expect(peer.bench.counter(Counter.ResetsSent)).toBe(1)
})

// ---------------------------------------------------------------- CLOSED: the segment has to be sound
test.each([
    ["a checksum that does not fit", { flip: 20 }, Counter.TcpChecksum],
    ["a source port that was changed on the way", { flip: 35 }, Counter.TcpChecksum],
    ["a data offset below 5", { byte: 46, value: 0x40 }, Counter.TcpMalformed],
    ["a data offset beyond the segment", { byte: 46, value: 0x60 }, Counter.TcpMalformed],
    ["a data offset of 15 words", { byte: 46, value: 0xf0 }, Counter.TcpMalformed],
])("a segment with %s is dropped without an answer and counted", (_, change, counter) => {
    const peer = newPeer()
    const frame = peer.frame(". 0 ack 5")
    if ("flip" in change) frame[change.flip! === 20 ? 50 : change.flip!]! ^= 0x10
    else frame[change.byte!] = change.value!
    peer.bench.receive(frame)
    peer.gets()
    expect(peer.bench.counter(counter)).toBe(1)
})

test("a segment of 0 to 80 bytes with any data offset is malformed unless its header has 20 bytes and fits", () => {
    const { bench, ip, mac } = newPeer()
    const between = { source: ip, destination: bench.host.address, protocol: 6 }
    for (let dataOffset = 0; dataOffset < 16; dataOffset++) {
        for (let length = 0; length <= 80; length++) {
            const data = new Uint8Array(Math.max(length - 20, 0))
            // a RST is not answered
            const fields = { sourcePort: 5000, destinationPort: 80, seq: 0, flags: "R", dataOffset }
            const segment = tcp(between, fields, data).slice(0, length)
            const before = bench.counter(Counter.TcpMalformed)
            const taken = bench.counter(Counter.SegmentsIn)
            bench.receive(ethernet(bench.mac, mac, 0x0800, ipv4(between, segment)))
            const fits = length >= 20 && dataOffset >= 5 && dataOffset * 4 <= length
            expect(bench.counter(Counter.TcpMalformed) - before).toBe(fits ? 0 : 1)
            expect(bench.counter(Counter.SegmentsIn) - taken).toBe(fits ? 1 : 0)
        }
    }
})

// ---------------------------------------------------------------- another connection's segments
test.each([
    ["another remote port", { port: 5001 }],
    ["another local port", { localPort: 81 }],
    ["another remote address", { ip: "10.0.0.3" }],
])("a segment with %s is reset, and the connection with the other numbers goes on", (_, other) => {
    const peer = established()
    const stranger = new Peer(peer.bench, other)
    stranger.sends("P. 1(5) ack 1").gets("R 1")
    stranger.sends("R 1").gets()
    stranger.sends("F. 1 ack 1").gets("R 1")
    peer.is("ESTABLISHED").sends("P. 1(5) ack 1").gets(". 1 ack 6").reads(5).gets()
})

tsharkAgrees()
