// SYN-SENT: RFC 9293 section 3.10.7.3.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { bases, synSent } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("SYN-SENT, $name", base => {
    // ---------------------------------------------------------------- First, check the ACK bit
    test.each([
        ["an ACK with SEG.ACK = ISS", ". 0 ack 0", "R 0"],
        ["an ACK with SEG.ACK < ISS", ". 0 ack -1", "R -1"],
        ["an ACK with SEG.ACK far below ISS", ". 0 ack -2147483648", "R -2147483648"],
        ["an ACK with SEG.ACK > SND.NXT", ". 0 ack 2", "R 2"],
        ["an ACK with SEG.ACK far above SND.NXT", ". 0 ack 2147483647", "R 2147483647"],
        ["SYN,ACK with SEG.ACK = ISS", "S. 0 ack 0", "R 0"],
        ["SYN,ACK with SEG.ACK > SND.NXT", "S. 0 ack 2", "R 2"],
        ["SYN,ACK of an old connection (figure 8)", "S. 0 ack -10 <mss 1460>", "R -10"],
        ["data with SEG.ACK > SND.NXT", "P. 5(5) ack 100", "R 100"],
        ["FIN with SEG.ACK = ISS", "F. 5 ack 0", "R 0"],
        ["RST with SEG.ACK = ISS: no reset for a reset", "R. 0 ack 0"],
        ["RST with SEG.ACK > SND.NXT: no reset for a reset", "R. 0 ack 2"],
    ])("first: %s (%s): the state stays, and a SYN,ACK opens", (_, segment, ...answers) => {
        synSent({ base })
            .sends(segment)
            .gets(...answers)
            .is("SYN-SENT")
            .sends("S. 0 ack 1")
            .gets(". 1 ack 1")
            .is("ESTABLISHED")
    })

    // ---------------------------------------------------------------- Second, check the RST bit
    test.each([
        ["RST that acknowledges the SYN", "R. 0 ack 1"],
        ["RST with any sequence number, as RCV.NXT is not known", "R. 123456 ack 1"],
        ["RST with a SYN that acknowledges our SYN", "SR. 0 ack 1"],
    ])("second: %s (%s) is taken as a refusal: ECONNREFUSED", (_, segment) => {
        synSent({ base }).sends(segment).gets().is("CLOSED").failed("ECONNREFUSED").after(200_000).gets()
    })

    test.each([
        ["RST without an ACK", "R 0"],
        ["RST and SYN without an ACK", "SR 0"],
    ])("second: %s (%s) is dropped", (_, segment) => {
        synSent({ base }).sends(segment).gets().is("SYN-SENT")
    })

    // ---------------------------------------------------------------- Fourth, check the SYN bit
    test.each([
        ["SYN,ACK", "S. 0 ack 1 <mss 1460>", ". 1 ack 1", "ESTABLISHED", 0],
        ["SYN,ACK with data", "SP. 0(5) ack 1", ". 1 ack 6", "ESTABLISHED", 5],
        ["SYN,ACK with a FIN", "SF. 0 ack 1", ". 1 ack 2", "CLOSE-WAIT", 0],
        ["SYN,ACK with data and a FIN", "SFP. 0(5) ack 1", ". 1 ack 7", "CLOSE-WAIT", 5],
        [
            "SYN,ACK with more data than the window",
            "SP. 0(1100) ack 1",
            ". 1 ack 1025 win 0",
            "ESTABLISHED",
            1024,
        ],
        ["SYN,ACK with ECN echo, which was not asked for", "S.E 0 ack 1", ". 1 ack 1", "ESTABLISHED", 0],
    ] as const)('fourth: %s (%s) is answered by "%s" and leads to %s', (_, segment, answer, state, text) => {
        const peer = synSent({ base }).sends(segment).gets(answer).is(state)
        if (text > 0) peer.reads(text)
        peer.seen.length = 0
    })

    test.each([
        ["SYN of a simultaneous open (figure 7)", "S 0 <mss 1460>"],
        ["SYN with data, which comes again", "SP 0(5)"],
        ["SYN with a FIN, which comes again", "SF 0"],
    ])("fourth: %s (%s) is answered by a SYN,ACK and leads to SYN-RECEIVED", (_, segment) => {
        synSent({ base }).sends(segment).gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
    })

    // ---------------------------------------------------------------- Fifth, neither SYN nor RST
    test.each([
        ["an ACK of the SYN, and nothing else", ". 0 ack 1"],
        ["data with an ACK of the SYN", "P. 0(5) ack 1"],
        ["a FIN with an ACK of the SYN", "F. 0 ack 1"],
        ["data without an ACK", "P 0(5)"],
        ["a FIN without an ACK", "F 0"],
        ["a segment without SYN, ACK, FIN and RST", "U 0"],
    ])("fifth: %s (%s) is dropped", (_, segment) => {
        synSent({ base }).sends(segment).gets().is("SYN-SENT").sends("S. 0 ack 1").gets(". 1 ack 1")
    })
})

// ---------------------------------------------------------------- SYN-SENT: data
test("data written in SYN-SENT is sent with the ACK of the SYN,ACK (3.10.2)", () => {
    const peer = synSent().writes(5).gets().writes(5).gets()
    peer.sends("S. 0 ack 1 <mss 1460>").gets("P. 1(10) ack 1")
})

test("data that comes with the SYN,ACK is acknowledged by the data that is sent", () => {
    synSent().writes(5).gets().sends("SP. 0(3) ack 1").gets("P. 1(5) ack 4").reads(3).gets()
})

test("the window of the SYN,ACK limits the first data", () => {
    const peer = synSent().writes(100).gets()
    peer.sends("S. 0 ack 1 win 10").gets(". 1(10) ack 1")
    peer.sends(". 1 ack 11 win 20").gets(". 11(20) ack 1")
})

test("a window of 0 in the SYN,ACK: only the ACK is sent", () => {
    synSent().writes(100).gets().sends("S. 0 ack 1 win 0").gets(". 1 ack 1").after(500).gets()
})

// ---------------------------------------------------------------- SYN-SENT: the window of the SYN
test("the window of the SYN is the receive limit", () => {
    const peer = synSent({ config: { receiveBuffer: 2000 } })
    peer.sends("SP. 0(1100) ack 1").gets(". 1 ack 1101")
    const most = { receiveBuffer: 56000, connections: 1, sendBuffer: 64 }
    synSent({ config: most }).sends("S. 0 ack 1").gets(". 1 ack 1 win 56000")
})

test("segments dropped in SYN-SENT are counted under their reasons", () => {
    const peer = synSent()
    peer.sends(". 0 ack 5").gets("R 5").sends("R 0").gets().sends(". 0 ack 1").gets()
    expect(peer.bench.counter(Counter.TcpBadAck)).toBe(1)
    expect(peer.bench.counter(Counter.TcpBadReset)).toBe(1)
    expect(peer.bench.counter(Counter.TcpUnacceptable)).toBe(1)
    expect(peer.bench.counter(Counter.ResetsSent)).toBe(1)
})

tsharkAgrees()
