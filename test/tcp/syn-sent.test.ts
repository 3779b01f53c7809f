// SYN-SENT: RFC 9293 section 3.10.7.3.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { bases, synSent } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("SYN-SENT, $name", base => {
    // ---------------------------------------------------------------- First, check the ACK bit
    test.each([
        ["SEG.ACK = ISS", ". 0 ack 0", "R 0"],
        ["SEG.ACK < ISS", ". 0 ack -1", "R -1"],
        ["SEG.ACK far below ISS", ". 0 ack -2147483648", "R -2147483648"],
        ["SEG.ACK > SND.NXT", ". 0 ack 2", "R 2"],
        ["SEG.ACK far above SND.NXT", ". 0 ack 2147483647", "R 2147483647"],
        ["SYN,ACK with SEG.ACK = ISS", "S. 0 ack 0", "R 0"],
        ["SYN,ACK with SEG.ACK > SND.NXT", "S. 0 ack 2", "R 2"],
        ["SYN,ACK of an old connection (figure 8)", "S. 0 ack -10 <mss 1460>", "R -10"],
        ["text with SEG.ACK > SND.NXT", "P. 5(5) ack 100", "R 100"],
        ["FIN with SEG.ACK = ISS", "F. 5 ack 0", "R 0"],
        ["RST with SEG.ACK = ISS: no reset for a reset", "R. 0 ack 0"],
        ["RST with SEG.ACK > SND.NXT: no reset for a reset", "R. 0 ack 2"],
    ])("first: %s", (_, segment, ...answers) => {
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
        ["any sequence number will do: RCV.NXT is not known", "R. 123456 ack 1"],
        ["RST before SYN", "SR. 0 ack 1"],
    ])("second: %s: refused", (_, segment) => {
        synSent({ base }).sends(segment).gets().is("CLOSED").failed("ECONNREFUSED").after(200_000).gets()
    })

    test.each([
        ["RST without an ACK", "R 0"],
        ["RST and SYN without an ACK", "SR 0"],
    ])("second: %s: dropped", (_, segment) => {
        synSent({ base }).sends(segment).gets().is("SYN-SENT")
    })

    // ---------------------------------------------------------------- Fourth, check the SYN bit
    test.each([
        ["SYN,ACK", "S. 0 ack 1 <mss 1460>", ". 1 ack 1", "ESTABLISHED", 0],
        ["SYN,ACK with text", "SP. 0(5) ack 1", ". 1 ack 6", "ESTABLISHED", 5],
        ["SYN,ACK with a FIN", "SF. 0 ack 1", ". 1 ack 2", "CLOSE-WAIT", 0],
        ["SYN,ACK with text and a FIN", "SFP. 0(5) ack 1", ". 1 ack 7", "CLOSE-WAIT", 5],
        [
            "SYN,ACK with more text than the window",
            "SP. 0(1100) ack 1",
            ". 1 ack 1025 win 0",
            "ESTABLISHED",
            1024,
        ],
        ["SYN,ACK with ECN echo, which was not asked for", "S.E 0 ack 1", ". 1 ack 1", "ESTABLISHED", 0],
    ] as const)("fourth: %s", (_, segment, answer, state, text) => {
        const peer = synSent({ base }).sends(segment).gets(answer).is(state)
        if (text > 0) peer.reads(text)
        peer.seen.length = 0
    })

    test.each([
        ["SYN: simultaneous open (figure 7)", "S 0 <mss 1460>"],
        ["SYN with text, which comes again", "SP 0(5)"],
        ["SYN with a FIN, which comes again", "SF 0"],
    ])("fourth: %s", (_, segment) => {
        synSent({ base }).sends(segment).gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
    })

    // ---------------------------------------------------------------- Fifth, neither SYN nor RST
    test.each([
        ["an ACK of the SYN, and nothing else", ". 0 ack 1"],
        ["text with an ACK of the SYN", "P. 0(5) ack 1"],
        ["a FIN with an ACK of the SYN", "F. 0 ack 1"],
        ["text without an ACK", "P 0(5)"],
        ["a FIN without an ACK", "F 0"],
        ["nothing that counts", "U 0"],
    ])("fifth: %s: dropped", (_, segment) => {
        synSent({ base }).sends(segment).gets().is("SYN-SENT").sends("S. 0 ack 1").gets(". 1 ack 1")
    })
})

// ---------------------------------------------------------------- SYN-SENT: data
test("what was written goes with the acknowledgment of the SYN,ACK (3.10.2)", () => {
    const peer = synSent().writes(5).gets().writes(5).gets()
    peer.sends("S. 0 ack 1 <mss 1460>").gets("P. 1(10) ack 1")
})

test("text with the SYN,ACK is acknowledged by the data that goes out", () => {
    synSent().writes(5).gets().sends("SP. 0(3) ack 1").gets("P. 1(5) ack 4").reads(3).gets()
})

test("the peer's window in the SYN,ACK is what may be sent at once", () => {
    const peer = synSent().writes(100).gets()
    peer.sends("S. 0 ack 1 win 10").gets(". 1(10) ack 1")
    peer.sends(". 1 ack 11 win 20").gets(". 11(20) ack 1")
})

test("a window of 0 in the SYN,ACK: nothing goes out but the ACK", () => {
    synSent().writes(100).gets().sends("S. 0 ack 1 win 0").gets(". 1 ack 1").after(500).gets()
})

// ---------------------------------------------------------------- SYN-SENT: the window told in the SYN
test("the window in the SYN is the receive limit", () => {
    const peer = synSent({ config: { receiveBuffer: 2000 } })
    peer.sends("SP. 0(1100) ack 1").gets(". 1 ack 1101")
    const most = { receiveBuffer: 56000, connections: 1, sendBuffer: 64 }
    synSent({ config: most }).sends("S. 0 ack 1").gets(". 1 ack 1 win 56000")
})

test("drops are counted under their reasons", () => {
    const peer = synSent()
    peer.sends(". 0 ack 5").gets("R 5").sends("R 0").gets().sends(". 0 ack 1").gets()
    expect(peer.bench.counter(Counter.TcpBadAck)).toBe(1)
    expect(peer.bench.counter(Counter.TcpBadReset)).toBe(1)
    expect(peer.bench.counter(Counter.TcpUnacceptable)).toBe(1)
    expect(peer.bench.counter(Counter.ResetsSent)).toBe(1)
})

tsharkAgrees()
