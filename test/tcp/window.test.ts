// Flow control: zero windows and their probes, and the window we advertise. RFC 9293 section 3.8.6.

import { describe, expect, test } from "vitest"
import { setReceiveLimit } from "../../src/tcp/connection-settings"
import { TcpError } from "../../src/tcp/records"
import { bases, established, listening, synSent } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("the peer's window is zero, $name", base => {
    // ---------------------------------------------------------------- 3.8.6.1: zero-window probes (MUST-36)
    test("a probe of one octet is sent after the RTO, then with exponential backoff", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets()
        peer.after(999).gets().after(1).gets("+1 . 1(1) ack 1").sends(". 1 ack 1 win 0").gets()
        peer.after(1999).gets().after(1).gets("+1 . 1(1) ack 1").sends(". 1 ack 1 win 0").gets()
        peer.after(3999).gets().after(1).gets("+1 . 1(1) ack 1")
    })

    test("probes are sent for three hours while they are acknowledged (MUST-37)", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets()
        let probes = 0
        for (let minute = 0; minute < 3 * 60; minute++) {
            peer.after(60_000)
            probes += peer.seen.splice(0).length
            peer.sends(". 1 ack 1 win 0").gets()
        }
        peer.is("ESTABLISHED")
        // 1, 2, 4, 8, 16, 32 s, and once a minute from there
        expect(probes).toBe(6 + 178)
        peer.sends(". 1 ack 1 win 100").gets("P. 1(10) ack 1")
    })

    test("probes without an answer end the connection after R2", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets()
        peer.after(122_999)
            .gets(...[1, 3, 7, 15, 31, 63].map(s => `+${s}000 . 1(1) ack 1`))
            .is("ESTABLISHED")
        peer.after(1).gets().failed("ETIMEDOUT")
    })

    test("a window that opens without an ACK of the probe: its octet is sent again at once with the rest", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets()
        peer.after(1000).gets("+1000 . 1(1) ack 1").sends(". 1 ack 1 win 5").gets(". 1(5) ack 1")
        peer.sends(". 1 ack 6 win 5")
            .gets("P. 6(5) ack 1")
            .sends(". 1 ack 11 win 5")
            .gets()
            .after(600_000)
            .gets()
    })

    test("an ACK of the probe with a zero window: the next octet is sent after the next timeout", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(3).gets()
        peer.after(1000).gets("+1000 . 1(1) ack 1").sends(". 1 ack 2 win 0").gets()
        // the round trip of the octet is a measurement: the least RTO again
        peer.after(999).gets().after(1).gets("+1 . 2(1) ack 1")
        peer.sends(". 1 ack 3 win 0").gets().sends(". 1 ack 3 win 10").gets("P. 3(1) ack 1")
    })

    test("an ACK of the probe with an open window: the rest is sent at once", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets()
        peer.after(1000).gets("+1000 . 1(1) ack 1").sends(". 1 ack 2 win 100").gets("P. 2(9) ack 1")
    })

    test("a window that opens before the first probe: data is sent at once, with an RTO of its own", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets().after(900).gets()
        peer.sends(". 1 ack 1 win 100").gets("P. 1(10) ack 1")
        peer.after(999).gets().after(1).gets("+1 P. 1(10) ack 1")
    })

    test("a window that shrinks to zero with data in flight: one octet of that data is the probe", () => {
        const peer = established({ base }).writes(10).gets("P. 1(10) ack 1").sends(". 1 ack 1 win 0").gets()
        peer.after(1000).gets("+1000 . 1(1) ack 1").sends(". 1 ack 1 win 0").gets()
        peer.after(2000).gets("+2000 . 1(1) ack 1").sends(". 1 ack 11 win 10").gets().after(600_000).gets()
    })

    test("a zero window that acknowledges all data: no probe until there is data", () => {
        const peer = established({ base }).writes(10).gets("P. 1(10) ack 1").sends(". 1 ack 11 win 0").gets()
        peer.after(600_000).gets().writes(1).gets().after(1000).gets("+1000 P. 11(1) ack 1")
    })

    test("data that waits for the window does not hold ACKs back", () => {
        const peer = established({ base }).sends(". 1 ack 1 win 0").gets().writes(10).gets()
        peer.sends("P. 1(5) ack 1 win 0")
            .gets(". 1 ack 6")
            .after(900)
            .gets()
            .sends("P. 6(5) ack 1 win 0")
            .gets(". 1 ack 11")
    })
})

// ---------------------------------------------------------------- Our window is zero
describe.each(bases)("our window is zero, $name", base => {
    const full = () => established({ base }).sends("P. 1(1024) ack 1").gets(". 1 ack 1025 win 0")

    test.each([
        ["a probe of one octet, which is not taken,", "P. 1025(1) ack 1", [". 1 ack 1025 win 0"]],
        ["a keep-alive", ". 1024 ack 1", [". 1 ack 1025 win 0"]],
        ["a segment after it", "P. 1026(1) ack 1", [". 1 ack 1025 win 0"]],
        ["a FIN, which is not taken,", "F. 1025 ack 1", [". 1 ack 1025 win 0"]],
        ["a FIN after old data, which is not taken,", "FP. 1020(5) ack 1", [". 1 ack 1025 win 0"]],
        ["old data and a new octet", "P. 1020(6) ack 1", [". 1 ack 1025 win 0"]],
        ["an ACK, which is taken (table 6, line 1),", ". 1025 ack 1", []],
        ["a SYN", "S 1025", [". 1 ack 1025 win 0"]],
        ["a RST outside the window", "R 1026", []],
    ] as const)("%s (%s) is answered by %j", (_, segment, answers) => {
        full()
            .sends(segment)
            .gets(...answers)
            .is("ESTABLISHED")
            .reads(1024)
            .gets(". 1 ack 1025 win 1024")
    })

    test('"special allowance" with a zero window: the ACK of a segment that is not acceptable counts (MUST-66)', () => {
        const peer = full().writes(5).gets("P. 1(5) ack 1025 win 0")
        peer.sends("P. 1025(1) ack 6").gets(". 6 ack 1025 win 0").after(600_000).gets()
    })

    test('"special allowance" with a zero window: the window of a segment that is not acceptable counts', () => {
        const peer = full().sends(". 1025 ack 1 win 0").gets().writes(5).gets()
        peer.sends("P. 1025(1) ack 1 win 100").gets("P. 1(5) ack 1025 win 0")
    })

    test("a RST at RCV.NXT ends the connection also with a zero window (MUST-66)", () => {
        full().sends("R 1025").gets().failed("ECONNRESET")
    })
})

// ---------------------------------------------------------------- 3.8.6.2.2: the receiver's silly window syndrome
describe("the window we advertise", () => {
    test("the right edge stays while octets are read one by one, until half of the buffer is free", () => {
        const peer = established({ config: { receiveBuffer: 100 } })
            .sends("P. 1(100) ack 1")
            .gets(". 1 ack 101 win 0")
        for (let i = 0; i < 49; i++) peer.reads(1, 1).gets()
        peer.reads(1, 1).gets(". 1 ack 101 win 50")
        for (let i = 0; i < 49; i++) peer.reads(1, 1).gets()
        peer.reads(1, 1).gets(". 1 ack 101 win 100")
    })

    test("an ACK that is sent anyway does not move the right edge by less than that", () => {
        const peer = established({ config: { receiveBuffer: 100 } })
            .sends("P. 1(100) ack 1")
            .gets(". 1 ack 101 win 0")
        peer.reads(49, 49).gets().sends("P. 101(1) ack 1").gets(". 1 ack 101 win 0")
    })

    test("the right edge moves by an MSS where half of the buffer is more", () => {
        const config = { receiveBuffer: 10_000, connections: 1 }
        const peer = established({ config }).sends("P. 1(1460) ack 1").gets(". 1 ack 1461")
        peer.reads(1459, 1459).gets().reads(1).gets(". 1 ack 1461 win 10000")
    })

    test("room made by reading before the next segment is advertised with its ACK", () => {
        const peer = established({ config: { receiveBuffer: 100 } })
            .sends("P. 1(40) ack 1")
            .gets(". 1 ack 41")
        peer.reads(40).gets().sends("P. 41(20) ack 1").gets(". 1 ack 61 win 40")
        // 40 are advertised, 80 are free: 40 more are less than half of the buffer
        peer.reads(20).gets(". 1 ack 61 win 100")
    })

    test("a zero window opens when all data is read", () => {
        established()
            .sends("P. 1(1024) ack 1")
            .gets(". 1 ack 1025 win 0")
            .reads(1024)
            .gets(". 1 ack 1025 win 1024")
    })
})

// ---------------------------------------------------------------- setReceiveLimit
describe("setReceiveLimit()", () => {
    test("setReceiveLimit(300) of a listener is the window of the SYN,ACK and of the connection", () => {
        const peer = listening({ peer: { receive: 300 } })
        peer.limits(300, peer.listener).sends("S 0").gets("S. 0 ack 1 <mss 1460>")
        peer.sends("P. 1(400) ack 1")
            .gets(". 1 ack 301 win 0")
            .accepts()
            .reads(300)
            .gets(". 1 ack 301 win 300")
    })

    test("setReceiveLimit(100) of a listener during a handshake does not shrink the advertised window (SHLD-14)", () => {
        const peer = listening().sends("S 0").gets("S. 0 ack 1 <mss 1460>")
        peer.limits(100, peer.listener).sends(". 1 ack 1").gets().accepts()
        peer.sends("P. 1(1024) ack 1").gets(". 1 ack 1025 win 0").reads(1024).gets(". 1 ack 1025 win 1024")
    })

    test("setReceiveLimit(100) of a connection does not move the right edge back (SHLD-14)", () => {
        const peer = established()
            .limits(100)
            .gets()
            .sends("P. 1(24) ack 1")
            .gets(". 1 ack 25")
            .reads(24)
            .gets()
        peer.sends("P. 25(1000) ack 1").gets(". 1 ack 1025 win 0").reads(1000).gets(". 1 ack 1025 win 100")
    })

    test("setReceiveLimit() to a larger limit is advertised when the rules against silly windows allow", () => {
        const peer = established({ peer: { receive: 1024 } })
            .limits(10)
            .gets()
        peer.sends("P. 1(1024) ack 1").gets(". 1 ack 1025 win 0").limits(1024).gets()
        peer.reads(1024).gets(". 1 ack 1025 win 1024")
    })

    test("setReceiveLimit(1) has a window of one octet", () => {
        const peer = synSent({ config: { receiveBuffer: 64 } })
            .limits(1)
            .gets()
        peer.sends("S. 0 ack 1").gets(". 1 ack 1 win 1")
        for (let i = 1; i < 10; i++) {
            peer.sends(`P. ${i}(5) ack 1`)
                .gets(`. 1 ack ${i + 1} win 0`)
                .reads(1)
                .gets(`. 1 ack ${i + 1} win 1`)
        }
    })

    test.each([0, -1, 1025])("setReceiveLimit(%d) returns Invalid", bytes => {
        const peer = established()
        expect(setReceiveLimit(peer.bench.stack, peer.id, bytes)).toBe(TcpError.Invalid)
    })

    test("setReceiveLimit() of an id without a connection returns NotConnected", () => {
        expect(setReceiveLimit(established().bench.stack, 999, 10)).toBe(TcpError.NotConnected)
    })
})

tsharkAgrees()
