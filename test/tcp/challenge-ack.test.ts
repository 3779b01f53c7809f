// Challenge ACKs, their limit, and what the limit must not reveal: RFC 5961 sections 3, 4, 5, 7 and 10.

import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { Peer } from "../support/peer"
import { cases } from "../support/property"
import { bases, established, halfOpen, reach } from "../support/states"

const forged = [
    ["a RST within the window", "R 2"],
    ["a SYN", "S 2"],
    ["a SYN out of the window", "S 70000"],
    ["an ACK of what was not sent", ". 1 ack 1000"],
    ["an ACK older than the largest window", ". 1 ack -5000"],
    ["an ACK from below the window", ". 0 ack 1"],
    ["an ACK from beyond the window", ". 1025 ack 1"],
] as const

const config = { challengeInterval: 500 }

/** Returns the milliseconds since a period began, by a clock of 32 bits. */
const phase = (now: number) => (now >>> 0) % 500

/** Lets time pass until a period begins: they do so by the clock alone, every 500 ms. */
function align(peer: Peer): Peer {
    do peer.after(500 - phase(peer.bench.now)).gets()
    while (phase(peer.bench.now) !== 0)
    return peer
}

describe.each(bases)("challenge ACKs, $name", base => {
    test.each(forged)("%s is answered by one challenge ACK in a period of 500 ms", (_, segment) => {
        const peer = align(established({ base, config }))
        peer.sends(segment).gets(". 1 ack 1")
        for (let i = 0; i < 5; i++) peer.sends(segment).gets()
        expect(peer.bench.counter(Counter.ChallengeAcks)).toBe(1)
        expect(peer.bench.counter(Counter.ChallengeLimit)).toBe(5)
        peer.after(499).gets().sends(segment).gets()
        peer.after(1).gets().sends(segment).gets(". 1 ack 1").is("ESTABLISHED")
    })

    test("seven kinds of forged segments share one challenge ACK in a period", () => {
        const peer = align(established({ base, config })).sends("R 2").gets(". 1 ack 1")
        for (const [, segment] of forged) peer.sends(segment).gets()
    })

    test("a period of the challenge limit begins by the clock, not with the first challenge ACK", () => {
        const peer = align(established({ base, config })).after(499).gets()
        peer.sends("R 2").gets(". 1 ack 1").after(1).gets().sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
    })

    test("challengeInterval=0: each of 500 forged segments gets a challenge ACK", () => {
        const peer = established({ base, config: { challengeInterval: 0 } })
        for (let i = 0; i < 500; i++) peer.sends(forged[i % 7]![1]).gets(". 1 ack 1")
        expect(peer.bench.counter(Counter.ChallengeLimit)).toBe(0)
    })
})

test("challengeInterval=60000: a second challenge ACK is sent a minute later, not before", () => {
    const peer = established({ config: { challengeInterval: 60_000 } })
    peer.after(59_000).gets().sends("R 2").gets(". 1 ack 1").after(59_999).gets().sends("R 2").gets()
    peer.after(1).gets().sends("R 2").gets(". 1 ack 1")
})

// ---------------------------------------------------------------- An ACK that is no challenge is never limited
test("a retransmitted segment is acknowledged each time, whatever the challenge limit", () => {
    const peer = established({ config }).sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
    for (let i = 0; i < 50; i++) peer.sends("P. 0(1) ack 1").gets(". 1 ack 1")
    for (let i = 0; i < 50; i++) peer.sends("P. 1025(5) ack 1").gets(". 1 ack 1")
    peer.sends("P. 1(5) ack 1").gets(". 1 ack 6").sends("P. 1(5) ack 1").gets(". 1 ack 6")
})

test("a RST at RCV.NXT ends the connection, whatever the challenge limit", () => {
    const peer = established({ config }).sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
    peer.sends("R 1").gets().failed("ECONNRESET")
})

// ---------------------------------------------------------------- Every kind of record
describe("the limit of challenge ACKs holds in each kind of record", () => {
    test.each(["FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"] as const)(
        "%s: of two SYNs one gets a challenge ACK, and again after 500 ms",
        state => {
            const peer = reach(state, { config })
            peer.sends("S rcv").gets(". nxt ack rcv").sends("S rcv").gets().after(500).seen.splice(0)
            peer.sends("S rcv").gets(". nxt ack rcv").sends("S rcv").gets()
        }
    )

    test.each([
        ["a RST within the window, not exact", "R 2"],
        ["a RST at the last number of the window", "R edge-1"],
        ["another SYN below the window", "S -100"],
        ["another SYN beyond the window", "S edge+100"],
        ["an ACK below the window", ". 0 ack 1"],
        ["an ACK beyond the window", ". edge ack 1"],
    ])(
        "SYN-RECEIVED in a half-open record: of six copies of %s (%s) one gets a challenge ACK",
        (_, segment) => {
            const peer = align(halfOpen({ config })).sends(segment).gets(". 1 ack 1")
            for (let i = 0; i < 5; i++) peer.sends(segment).gets().is("SYN-RECEIVED")
            expect(peer.bench.counter(Counter.ChallengeLimit)).toBe(5)
            peer.after(500).seen.splice(0)
            peer.sends(segment).gets(". 1 ack 1").sends(". 1 ack 1").gets().is("ESTABLISHED")
        }
    )

    test.each([
        ["a SYN", "S 2"],
        ["an old ACK", ". 1 ack 2"],
        ["an ACK beyond the window", ". 5000 ack 2"],
        ["an ACK of what was not sent", ". 2 ack 3"],
    ])(
        "TIME-WAIT in 24 bytes: of six copies of %s (%s) one gets a challenge ACK, a FIN or data always gets an ACK",
        (_, segment) => {
            const peer = align(reach("TIME-WAIT", { config }).closes())
            peer.sends(segment).gets(". 2 ack 2 win 1024")
            for (let i = 0; i < 5; i++) peer.sends(segment).gets().is("TIME-WAIT")
            peer.after(500).gets().sends(segment).gets(". 2 ack 2").sends(segment).gets()
            // a segment with data or a FIN is answered always
            peer.sends("F. 1 ack 2")
                .gets(". 2 ack 2")
                .sends("P. 0(1) ack 2")
                .gets(". 2 ack 2")
                .sends(segment)
                .gets()
        }
    )

    test("a record that is used by a second connection has its whole limit of challenge ACKs", () => {
        const first = align(established({ config: { ...config, connections: 1 } }))
        first.sends("R 2").gets(". 1 ack 1").sends("R 1").gets().closes().gone()
        const second = new Peer(first.bench, { port: 5001 }).connects().gets("S 0 <mss 1460>")
        second.sends("S. 0 ack 1").gets(". 1 ack 1").sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
    })
})

// ---------------------------------------------------------------- Two ends that disagree (RFC 5961 section 5.3's ACK war)
test("two ends that answer each ACK by an ACK: ours sends one in 500 ms", () => {
    const peer = align(established({ config }))
    for (let i = 0; i < 100; i++) {
        // the other end answers ours by one that is as wrong as the one before
        peer.sends(". -100 ack 1")
        expect(peer.seen.splice(0).length).toBe(i % 50 === 0 ? 1 : 0)
        peer.after(10).gets()
    }
})

// ---------------------------------------------------------------- The limit is no side channel (CVE-2016-5696)
describe("an attacker's own connection (CVE-2016-5696)", () => {
    const guesses = [
        "R 1000",
        "R 2000",
        "S 5",
        ". 1 ack 100",
        ". 1 ack -9000",
        ". 0 ack 1",
        "P. 5000(1) ack 1",
        "R -3",
    ]
    const act = fc.record({
        wait: fc.nat(400),
        own: fc.constantFrom("", "R 2", "S 7", ". 1 ack 9", ". 0 ack 1"),
        guess: fc.constantFrom(...guesses),
        other: fc.constantFrom("", ...guesses),
    })

    /** Returns all that the attacker gets, and when, while segments for `victim` go to the other connection. */
    function seen(acts: { wait: number; own: string; victim: string }[]): string[] {
        const own = established({ config })
        const victim = new Peer(own.bench, { ip: "10.0.0.3" }).connects().gets("S 0 <mss 1460>")
        victim.sends("S. 0 ack 1").gets(". 1 ack 1")
        const half = new Peer(own.bench, { ip: "10.0.0.4", localPort: 7 }).listens()
        half.sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>")
        const log: string[] = []
        for (const { wait, own: mine, victim: theirs } of acts) {
            own.bench.pass(wait)
            half.seen.length = 0
            if (theirs !== "") for (const peer of [victim, half]) own.bench.receive(peer.frame(theirs))
            victim.seen.length = 0
            half.seen.length = 0
            if (mine !== "") own.sends(mine)
            for (const { time, frame } of own.seen.splice(0)) {
                log.push(`${time} ${Buffer.from(frame.subarray(34)).toString("hex")}`)
            }
        }
        return log
    }

    test("forged segments at another's connection change no answer on the attacker's own", () => {
        fc.assert(
            fc.property(fc.array(act, { minLength: 1, maxLength: 20 }), acts => {
                const one = seen(acts.map(({ wait, own, guess }) => ({ wait, own, victim: guess })))
                const other = seen(acts.map(({ wait, own, other }) => ({ wait, own, victim: other })))
                expect(one).toEqual(other)
            }),
            cases(200)
        )
    })

    test("an attacker who uses up the challenge ACKs of his own connection leaves another's whole", () => {
        const own = align(established({ config })).sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
        const victim = new Peer(own.bench, { ip: "10.0.0.3" }).connects().gets("S 0 <mss 1460>")
        victim.sends("S. 0 ack 1").gets(". 1 ack 1").sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
    })
})

// ---------------------------------------------------------------- RFC 5961 section 4.2: how a real reboot ends
test("figure 9: a SYN of a rebooted peer gets a challenge ACK, and the RST that answers it ends the connection", () => {
    const peer = established({ config }).sends("P. 1(99) ack 1").gets(". 1 ack 100").reads(99).gets()
    peer.sends("S 400").gets(". 1 ack 100").sends("R 100").gets().is("CLOSED").failed("ECONNRESET")
})
