// Challenge ACKs and their throttle: RFC 5961 sections 3, 4, 5 and 10.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/inspect/counters"
import { bases, established, reach } from "../support/states"

const forged = [
    ["a RST within the window", "R 2"],
    ["a SYN", "S 2"],
    ["an ACK of what was not sent", ". 1 ack 1000"],
    ["an ACK that is too old", ". 1 ack -5000"],
] as const

describe.each(bases)("challenge ACKs, $name", base => {
    test.each(forged)("%s: ten in five seconds, and no more", (_, segment) => {
        // the five seconds begin with the first, if none was sent in the five before
        const peer = established({ base }).after(10_000).gets()
        for (let i = 0; i < 10; i++) peer.sends(segment).gets(". 1 ack 1")
        for (let i = 0; i < 10; i++) peer.sends(segment).gets()
        expect(peer.bench.counter(Counter.ChallengeAcks)).toBe(10)
        expect(peer.bench.counter(Counter.ChallengeLimit)).toBe(10)
        peer.after(4999).gets().sends(segment).gets()
        peer.after(1).gets().sends(segment).gets(". 1 ack 1").is("ESTABLISHED")
    })

    test("all kinds count together", () => {
        const peer = established({ base })
        for (let i = 0; i < 10; i++) peer.sends(forged[i % 4]![1]).gets(". 1 ack 1")
        for (const [, segment] of forged) peer.sends(segment).gets()
    })

    test("no limit: challengeAckLimit=0", () => {
        const peer = established({ base, config: { challengeAckLimit: 0 } })
        for (let i = 0; i < 500; i++) peer.sends(forged[i % 4]![1]).gets(". 1 ack 1")
    })

    test("another limit", () => {
        const peer = established({ base, config: { challengeAckLimit: 2 } })
        for (let i = 0; i < 5; i++) peer.sends("R 2").gets(...(i < 2 ? [". 1 ack 1"] : []))
    })
})

// ---------------------------------------------------------------- What is no challenge is never throttled
test("acknowledgments of old and of unacceptable segments are not limited: the peer needs them", () => {
    const peer = established({ config: { challengeAckLimit: 1 } })
    peer.sends("R 2").gets(". 1 ack 1").sends("R 2").gets()
    for (let i = 0; i < 50; i++)
        peer.sends(". 0 ack 1").gets(". 1 ack 1").sends("P. 1025(5) ack 1").gets(". 1 ack 1")
    peer.sends("P. 1(5) ack 1").gets(". 1 ack 6").sends("P. 1(5) ack 1").gets(". 1 ack 6")
})

test("the limit holds also in TIME-WAIT and LAST-ACK", () => {
    for (const state of ["TIME-WAIT", "LAST-ACK"] as const) {
        const peer = reach(state, { config: { challengeAckLimit: 1 } })
        peer.sends("S rcv+1").gets(". nxt ack rcv").sends("S rcv+1").gets()
    }
})

test("a real reset is believed whatever the limit", () => {
    const peer = established({ config: { challengeAckLimit: 1 } })
    peer.sends("R 2").gets(". 1 ack 1").sends("R 2").gets().sends("R 1").gets().failed("ECONNRESET")
})

// ---------------------------------------------------------------- RFC 5961 section 4.2: how a real reboot ends
test("figure 9: the peer rebooted and sends a SYN; its reset in answer to the challenge is exact", () => {
    const peer = established().sends("P. 1(99) ack 1").gets(". 1 ack 100").reads(99).gets()
    peer.sends("S 400").gets(". 1 ack 100").sends("R 100").gets().is("CLOSED").failed("ECONNRESET")
})
