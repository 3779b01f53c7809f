// SYN-RECEIVED after a passive open, in a half-open record: RFC 9293 section 3.10.7.4.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { accept } from "../../src/tcp/calls"
import { Peer } from "../support/peer"
import { ourTimestamp, timestampOption } from "../support/secret-values"
import { bases, halfOpen, listening } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

describe.each(bases)("SYN-RECEIVED, $name", base => {
    test.each([
        // ---------------------------------------------------------------- First, check sequence number
        ["an ACK below the window", ". 0 ack 1", ". 1 ack 1"],
        ["data below the window", "P. -9(10) ack 1", ". 1 ack 1"],
        ["an ACK at the right edge", ". edge ack 1", ". 1 ack 1"],
        ["data at the right edge", "P. edge(5) ack 1", ". 1 ack 1"],
        ["an ACK far beyond the window", ". 2147483648 ack 1", ". 1 ack 1"],
        ["the SYN again: the SYN,ACK was lost", "S 0 <mss 1460>", "S. 0 ack 1 <mss 1460>"],
        ["another SYN, below the window", "S -100 <mss 1460>", ". 1 ack 1"],
        ["another SYN, beyond the window", "S edge+100", ". 1 ack 1"],
        ["a SYN,ACK with the number of the SYN", "S. 0 ack 1", ". 1 ack 1"],
        // ---------------------------------------------------------------- Second, check the RST bit
        ["RST outside the window: below", "R 0"],
        ["RST outside the window: at the right edge", "R edge"],
        ["RST within the window, not exact: challenge", "R 2", ". 1 ack 1"],
        ["RST at the last number of the window: challenge", "R edge-1", ". 1 ack 1"],
        // ---------------------------------------------------------------- Fifth, check the ACK field
        ["data without an ACK", "P 1(5)"],
        ["a FIN without an ACK", "F 1"],
        ["an ACK with SEG.ACK = ISS", ". 1 ack 0", "R 0"],
        ["an ACK with SEG.ACK < ISS", ". 1 ack -5", "R -5"],
        ["an ACK with SEG.ACK > SND.NXT", ". 1 ack 2", "R 2"],
        ["data with SEG.ACK > SND.NXT", "P. 1(5) ack 5000", "R 5000"],
        ["a FIN with SEG.ACK > SND.NXT", "F. 1 ack 3", "R 3"],
    ])("%s (%s): the half-open connection stays, and the next data opens", (_, segment, ...answers) => {
        const peer = halfOpen({ base })
        peer.sends(segment)
            .gets(...answers)
            .is("SYN-RECEIVED")
        // and the connection works
        peer.sends("P. 1(5) ack 1").gets(". 1 ack 6").accepts().reads(5).gets()
    })

    test.each([
        ["second: RST at RCV.NXT", "R 1"],
        ["second: RST at RCV.NXT with an ACK", "R. 1 ack 1"],
        ["second: RST with data (SHLD-2)", "R 1(20)"],
        ["fourth: SYN within the window, after a passive open", "S 1"],
        ["fourth: SYN,ACK within the window", "S. 5 ack 1"],
    ])("%s (%s): the half-open record is freed, and the listener goes on", (_, segment) => {
        const peer = halfOpen({ base }).sends(segment).gets().is("LISTEN")
        // the user need not be informed, and the slot is free
        expect(accept(peer.bench.stack, peer.listener)).toBe(0)
        peer.after(200_000).gets()
        peer.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>").sends(". 1 ack 1").gets().accepts()
    })

    // ---------------------------------------------------------------- Fifth: SND.UNA < SEG.ACK =< SND.NXT
    test.each([
        ["an ACK", ". 1 ack 1", [], "ESTABLISHED", 0],
        ["an ACK with data", "P. 1(5) ack 1", [". 1 ack 6"], "ESTABLISHED", 5],
        ["an ACK with a FIN", "F. 1 ack 1", [". 1 ack 2"], "CLOSE-WAIT", 0],
        ["an ACK with data and a FIN", "FP. 1(5) ack 1", [". 1 ack 7"], "CLOSE-WAIT", 5],
        ["an ACK from within the window: the first data was lost", ". 6 ack 1", [], "ESTABLISHED", 0],
        ["data out of order: the first data was lost", "P. 6(5) ack 1", [". 1 ack 1"], "ESTABLISHED", 0],
        ["data from before the window on", "P. 0(6) ack 1", [". 1 ack 6"], "ESTABLISHED", 5],
        ["data beyond the window", "P. 1(1100) ack 1", [". 1 ack 1025 win 0"], "ESTABLISHED", 1024],
    ] as const)("%s (%s) is answered by %j and leads to %s", (_, segment, answers, state, text) => {
        const peer = halfOpen({ base })
            .sends(segment)
            .gets(...answers)
            .is(state)
            .accepts()
        if (text > 0) peer.reads(text)
        peer.seen.length = 0
    })
})

// ---------------------------------------------------------------- SYN-RECEIVED: the peer's window
test("the window of the handshake's ACK counts, not that of the SYN", () => {
    const peer = listening().sends("S 0 win 5").gets("S. 0 ack 1 <mss 1460>")
    peer.sends(". 1 ack 1 win 100").gets().accepts().writes(200).gets(". 1(100) ack 1")
})

// ---------------------------------------------------------------- SYN-RECEIVED: retransmission of the SYN,ACK (RFC 6298)
test("a SYN,ACK is retransmitted after 1, 2, 4, 8, 16 s; 32 s later the record is free", () => {
    const peer = halfOpen()
    const again = "S. 0 ack 1 <mss 1460>"
    peer.after(62_999)
        .gets(`+1000 ${again}`, `+3000 ${again}`, `+7000 ${again}`, `+15000 ${again}`, `+31000 ${again}`)
        .is("SYN-RECEIVED")
    peer.after(1).gets().is("LISTEN")
    expect(peer.bench.host.next(peer.bench.now)).toBe(Number.POSITIVE_INFINITY)
})

test("synAckRetries and rtoInitial set how often and when a SYN,ACK is retransmitted", () => {
    const peer = halfOpen({ config: { synAckRetries: 1, rtoInitial: 500 } })
    peer.after(10_000).gets("+500 S. 0 ack 1 <mss 1460>").is("LISTEN")
    halfOpen({ config: { synAckRetries: 0 } })
        .after(1000)
        .gets()
        .is("LISTEN")
})

test("synAckRetries=0: the client's SYN that comes again is still answered", () => {
    const peer = halfOpen({ config: { synAckRetries: 0 } })
    for (let i = 0; i < 3; i++) peer.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>")
    peer.after(1000).gets().is("LISTEN")
})

test("a retransmitted SYN,ACK has the options of the first", () => {
    const peer = listening().sends("S 0 <mss 500,wscale 3>").gets("S. 0 ack 1 <mss 1460,wscale 0>")
    peer.after(1000).gets("+1000 S. 0 ack 1 <mss 1460,wscale 0>")
    peer.sends("S 0 <mss 500,wscale 3>").gets("S. 0 ack 1 <mss 1460,wscale 0>")
})

test("data after a lost SYN,ACK starts with an RTO of 3 s and one segment (RFC 6298, 5.7; RFC 5681, 3.1)", () => {
    const peer = listening({ config: { sendBuffer: 4096 } })
    peer.sends("S 0 <mss 100>").gets("S. 0 ack 1 <mss 1460>")
    peer.after(1000).gets("+1000 S. 0 ack 1 <mss 1460>")
    peer.sends(". 1 ack 1").gets().accepts().writes(300).gets(". 1(100) ack 1")
    peer.after(2999).gets().after(1).gets("+1 . 1(100) ack 1")
})

test("data after a handshake without loss starts with an RTO of 1 s", () => {
    halfOpen()
        .sends(". 1 ack 1")
        .gets()
        .accepts()
        .writes(10)
        .gets("P. 1(10) ack 1")
        .after(1000)
        .gets("+1000 P. 1(10) ack 1")
})

test("segments dropped in SYN-RECEIVED are counted under their reasons", () => {
    const peer = halfOpen()
    peer.sends(". 0 ack 1").gets(". 1 ack 1").sends(". 1 ack 9").gets("R 9").sends("P 1(1)").gets()
    peer.sends("R 5").gets(". 1 ack 1")
    expect(peer.bench.counter(Counter.TcpUnacceptable)).toBe(1)
    expect(peer.bench.counter(Counter.TcpBadAck)).toBe(1)
    expect(peer.bench.counter(Counter.TcpNoAck)).toBe(1)
    expect(peer.bench.counter(Counter.TcpBadReset)).toBe(1)
    // the ACK below the window holds nothing: its answer counts as a challenge
    expect(peer.bench.counter(Counter.ChallengeAcks)).toBe(2)
})

// ---------------------------------------------------------------- The slot becomes free
test.each([
    ["a RST", "R 1"],
    ["a RST with an ACK", "R. 1 ack 1"],
    ["another SYN within the window", "S 5"],
])("%s (%s) frees the only half-open record for the next client", (_, segment) => {
    const first = halfOpen({ config: { halfOpen: 1 } })
    const second = new Peer(first.bench, { port: 5001 })
    for (let i = 0; i < 20; i++) {
        first.sends(segment).gets().is("LISTEN")
        second.sends("S 0").gets("S. 0 ack 1 <mss 1460>").sends(segment).gets()
        first.sends("S 0").gets("S. 0 ack 1 <mss 1460>")
    }
    expect(first.bench.counter(Counter.CookiesSent)).toBe(0)
})

test("a silent client frees the only half-open record after 63 s, with the last retransmission", () => {
    const first = halfOpen({ config: { halfOpen: 1 } })
    const second = new Peer(first.bench, { port: 5001 })
    first.after(62_999).seen.splice(0)
    first.is("SYN-RECEIVED").after(1).gets().is("LISTEN")
    second.sends("S 0").gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
    expect(first.bench.counter(Counter.Retransmits)).toBe(5)
})

// ---------------------------------------------------------------- The round trip of the SYN,ACK (RFC 6298 section 3)
describe("the round trip of a SYN,ACK", () => {
    const config = { rtoMin: 10 }

    test("a SYN,ACK that was sent once is measured: RTO = 3 R", () => {
        const peer = halfOpen({ config }).after(100).gets().sends(". 1 ack 1").gets().accepts()
        peer.writes(5).gets("P. 1(5) ack 1").after(299).gets().after(1).gets("+1 P. 1(5) ack 1")
    })

    test("a SYN,ACK with timestamps that was sent once is measured: RTO = 3 R", () => {
        const peer = listening({ config: { ...config, timestamps: 1 } }).sends("S 0 <TS val 7 ecr 0>")
        peer.gets(`S. 0 ack 1 <mss 1460,${timestampOption(peer, 7)}>`)
        const echo = ourTimestamp(peer)
        peer.after(100).gets().sends(`. 1 ack 1 <nop,nop,TS val 8 ecr ${echo}>`).gets().accepts().writes(5)
        peer.gets(`P. 1(5) ack 1 <${timestampOption(peer, 8)}>`)
            .after(299)
            .gets()
            .after(1)
        peer.gets(`+1 P. 1(5) ack 1 <${timestampOption(peer, 8)}>`)
    })

    test("a SYN,ACK that the timer retransmitted is not measured (Karn)", () => {
        const peer = halfOpen({ config }).after(1000).gets("+1000 S. 0 ack 1 <mss 1460>")
        peer.after(10).gets().sends(". 1 ack 1").gets().accepts().writes(5).gets("P. 1(5) ack 1")
        peer.after(2999).gets().after(1).gets("+1 P. 1(5) ack 1")
    })

    test("a SYN,ACK that the client's second SYN drew is not measured (Karn)", () => {
        const peer = halfOpen({ config })
            .after(500)
            .gets()
            .sends("S 0 <mss 1460>")
            .gets("S. 0 ack 1 <mss 1460>")
        peer.after(10).gets().sends(". 1 ack 1").gets().accepts().writes(5).gets("P. 1(5) ack 1")
        peer.after(2999).gets().after(1).gets("+1 P. 1(5) ack 1")
    })
})

// ---------------------------------------------------------------- Timestamps (RFC 7323)
describe.each([
    ["ordinary timestamps", 1000],
    ["timestamps about to wrap", 0xffff_fff0],
    ["timestamps about to pass 2^31", 0x7fff_fff0],
])("SYN-RECEIVED with timestamps: %s", (_, start) => {
    /** A timestamp `n` later than the SYN's. */
    const at = (n: number) => (start + n) >>> 0
    const setup = { config: { timestamps: 1, challengeInterval: 500 } }

    function stamped(): Peer {
        const peer = listening(setup).sends(`S 0 <TS val ${at(0)} ecr 0>`)
        return peer.gets(`S. 0 ack 1 <mss 1460,${timestampOption(peer, at(0))}>`)
    }

    test("each SYN,ACK has the time at which it was sent, and echoes the SYN's timestamp", () => {
        const peer = stamped()
        const sent = [1000, 3000].map(ms => ({
            ms,
            option: timestampOption(peer, at(0), peer.bench.now + ms),
        }))
        peer.after(4000).gets(...sent.map(s => `+${s.ms} S. 0 ack 1 <mss 1460,${s.option}>`))
    })

    test("the timestamp of a second SYN is echoed, an older one is not (4.3)", () => {
        const peer = stamped().sends(`S 0 <TS val ${at(50)} ecr 0>`)
        peer.gets(`S. 0 ack 1 <mss 1460,${timestampOption(peer, at(50))}>`).sends(
            `S 0 <TS val ${at(20)} ecr 0>`
        )
        peer.gets(`S. 0 ack 1 <mss 1460,${timestampOption(peer, at(50))}>`).sends("S 0")
        peer.gets(`S. 0 ack 1 <mss 1460,${timestampOption(peer, at(50))}>`)
    })

    test.each([
        ["an ACK", ". 1 ack 1"],
        ["data", "P. 1(5) ack 1"],
        ["a FIN", "F. 1 ack 1"],
        ["an ACK out of the window", ". 5000 ack 1"],
    ])("PAWS (5.3, R1): %s older than the SYN is acknowledged and dropped", (_, segment) => {
        const peer = stamped().sends(`${segment} <nop,nop,TS val ${at(-1)} ecr 0>`)
        peer.gets(`. 1 ack 1 <${timestampOption(peer, at(0))}>`).is("SYN-RECEIVED")
        expect(peer.bench.counter(Counter.TcpPaws)).toBe(1)
        peer.sends(`. 1 ack 1 <nop,nop,TS val ${at(0)} ecr 0>`)
            .gets()
            .is("ESTABLISHED")
    })

    // other than 3.2's "SHOULD silently drop": middleboxes strip options, and a handshake has to open all the same
    test.each([
        ["the ACK", ". 1 ack 1", []],
        ["the ACK with data", "P. 1(5) ack 1", [". 1 ack 6 win 1019 <...>"]],
    ])("3.2: %s without timestamps opens the connection", (_, segment, answers) => {
        const peer = stamped().sends(segment)
        expect(peer.seen.splice(0).length).toBe(answers.length)
        expect(peer.is("ESTABLISHED").bench.counter(Counter.TcpUnstamped)).toBe(1)
    })

    test("3.2: an ACK without timestamps of a number that was not sent is reset", () => {
        const peer = stamped().sends(". 1 ack 77")
        expect(peer.seen.splice(0).map(s => s.view.flags.rst)).toEqual([true])
        peer.is("SYN-RECEIVED")
    })

    test("a RST without timestamps, or with an old one, frees the record", () => {
        stamped().sends("R 1").gets().is("LISTEN")
        stamped()
            .sends(`R 1 <nop,nop,TS val ${at(-100)} ecr 0>`)
            .gets()
            .is("LISTEN")
    })

    test("a SYN without timestamps of a rebooted client is challenged, and its RST frees the record", () => {
        const peer = stamped().sends("S -70000")
        peer.gets(`. 1 ack 1 <${timestampOption(peer, at(0))}>`)
            .sends("R 1")
            .gets()
            .is("LISTEN")
    })

    test("a challenge ACK has timestamps", () => {
        const peer = stamped().sends(`R 2 <nop,nop,TS val ${at(9)} ecr 0>`)
        peer.gets(`. 1 ack 1 <${timestampOption(peer, at(0))}>`)
    })

    test("the timestamp of the handshake's ACK is echoed, and data with an older one is dropped", () => {
        const peer = stamped()
            .sends(`. 1 ack 1 <nop,nop,TS val ${at(30)} ecr 0>`)
            .gets()
            .accepts()
            .writes(5)
        peer.gets(`P. 1(5) ack 1 <${timestampOption(peer, at(30))}>`)
        peer.sends(`P. 1(5) ack 6 <nop,nop,TS val ${at(29)} ecr 0>`)
        peer.gets(`. 6 ack 1 <${timestampOption(peer, at(30))}>`).reads(0)
    })

    test("full segments are shorter by the 12 bytes of the timestamps", () => {
        const peer = stamped()
            .sends(`. 1 ack 1 win 9000 <nop,nop,TS val ${at(30)} ecr 0>`)
            .gets()
            .accepts()
        peer.writes(1000).gets(
            `. 1(524) ack 1 <${timestampOption(peer, at(30))}>`,
            `P. 525(476) ack 1 <${timestampOption(peer, at(30))}>`
        )
    })
})

tsharkAgrees()
