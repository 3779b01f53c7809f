// RFC 9293 section 3.10.7.4, what holds in every synchronized state: a segment that is not acceptable, that is forged,
// or that has nothing new, is answered as the RFC says and changes nothing.

import { describe, expect, test } from "vitest"
import { Counter } from "../../src/base/counters"
import { type Base, bases, type Open, reach, synchronizedStates } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

/** The stack's answer to a segment that is not acceptable: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. */
const ACK = ". nxt ack rcv"

/** The name, the segment, and its answers; the state stays. */
type Row = [what: string, segment: string, ...answers: string[]]

// The peer's window was never more than 4096, and the stack's right edge is at `edge`.
const rows: Row[] = [
    // ---------------------------------------------------------------- First, check sequence number (table 6)
    ["table 6, line 2: below the window, as a keep-alive", ". rcv-1 ack nxt", ACK],
    ["table 6, line 2: far below", ". rcv-2147483647 ack nxt", ACK],
    ["table 6, line 2: the last number of the window", ". edge-1 ack una"],
    // what it acknowledges counts all the same: right-edge.test.ts
    ["table 6, line 2: the right edge is outside", ". edge ack una", ACK],
    ["table 6, line 2: far beyond", ". rcv+2147483647 ack nxt", ACK],
    ["table 6, line 4: old data, ends at RCV.NXT", "P. rcv-10(10) ack nxt", ACK],
    ["table 6, line 4: old data with a FIN, ends at RCV.NXT", "FP. rcv-5(4) ack una", ACK],
    ["table 6, line 4: data that begins at the right edge", "P. edge(10) ack nxt", ACK],
    ["table 6, line 4: data beyond the window", "P. edge+1(10) ack nxt", ACK],
    ["table 6, line 4: a FIN at the right edge", "F. edge ack nxt", ACK],
    ["table 6, line 4: half of the numbers away", "P. rcv-2147483648(1) ack nxt", ACK],

    // ---------------------------------------------------------------- Second, check the RST bit (RFC 5961 section 3.2)
    ["RST outside the window: below", "R rcv-1"],
    ["RST outside the window: at the right edge", "R edge"],
    ["RST outside the window: half of the numbers away", "R rcv-2147483648"],
    ["RST outside the window, with an ACK", "R. rcv-1 ack nxt"],
    ["RST within the window, not exact: challenge", "R rcv+1", ACK],
    ["RST within the window, not exact, with an ACK: challenge", "R. rcv+1 ack nxt", ACK],
    ["RST at the last number of the window: challenge", "R edge-1", ACK],

    // ---------------------------------------------------------------- Fourth, check the SYN bit (RFC 5961 section 4.2)
    ["SYN at RCV.NXT: challenge", "S rcv <mss 1460>", ACK],
    ["SYN within the window: challenge", "S rcv+5", ACK],
    ["SYN below the window: challenge", "S rcv-100", ACK],
    ["the SYN of this connection again: challenge", "S 0 <mss 1460>", ACK],
    ["SYN,ACK again, our ACK was lost", "S. 0 ack 1 <mss 1460>", ACK],
    ["SYN,ACK within the window: challenge", "S. rcv ack nxt", ACK],
    ["SYN with a FIN", "SF rcv", ACK],

    // ---------------------------------------------------------------- Fifth, check the ACK field
    ["no ACK: dropped", "P rcv(5)"],
    ["no ACK, a FIN: dropped", "F rcv"],
    ["no control bit at all: dropped", "U rcv(5)"],
    ["an ACK of what was not sent yet", ". rcv ack nxt+1", ACK],
    ["an ACK of what was not sent yet, with data", "P. rcv(5) ack nxt+1", ACK],
    ["an ACK of what was not sent yet, with a FIN", "F. rcv ack nxt+100", ACK],
    ["an ACK from half of the numbers away", ". rcv ack nxt+2147483647", ACK],
    ["RFC 5961 section 5.2: older than the largest window", ". rcv ack una-4097", ACK],
    ["RFC 5961 section 5.2: older than the largest window, with data", "P. rcv(5) ack una-4097", ACK],
    ["RFC 5961 section 5.2: as old as the largest window, ignored", ". rcv ack una-4096"],
    ["a duplicate ACK", ". rcv ack una"],
    ["a duplicate ACK with a number from within the window", ". rcv+1 ack una"],
]

const ways: [Open, Base][] = [
    ["active", bases[0]],
    ["passive", bases[0]],
    ["active", bases[1]],
    ["passive", bases[2]],
]

for (const [open, base] of ways) {
    for (const state of synchronizedStates) {
        // a listener may take a new SYN in TIME-WAIT (section 3.6.1, MAY-2): see time-wait.test.ts
        const reopens = state === "TIME-WAIT" && open === "passive"
        describe(`${state}, ${open} open, ${base.name}`, () => {
            test.each(reopens ? rows.filter(row => row[1] !== "S rcv+5") : rows)(
                "%s (%s): the state stays",
                (name, segment, ...answers) => {
                    // RFC 1337: not even a challenge
                    const deaf = state === "TIME-WAIT" && name.startsWith("RST")
                    reach(state, { base, open })
                        .sends(segment)
                        .gets(...(deaf ? [] : answers))
                        .is(state)
                }
            )
        })
    }
}

// ---------------------------------------------------------------- The RST that counts: exactly RCV.NXT
const mortal = synchronizedStates.filter(state => state !== "TIME-WAIT")

test.each(bases)("a RST at RCV.NXT in TIME-WAIT is ignored (RFC 1337), $name", base => {
    const peer = reach("TIME-WAIT", { base })
    peer.sends("R rcv").gets().is("TIME-WAIT").sends("R. rcv ack nxt").gets().is("TIME-WAIT")
})

describe.each(mortal)("a RST at RCV.NXT in %s", state => {
    const orderly = state === "CLOSING" || state === "LAST-ACK"
    const error = orderly ? "OK" : "ECONNRESET"

    test.each(bases)("a RST at RCV.NXT ends the connection: $name", base => {
        const peer = reach(state, { base })
        peer.sends("R rcv").gets().is("CLOSED").failed(error)
    })

    test("a RST with an ACK of any number and data ends the connection (SHLD-2)", () => {
        reach(state).sends("R. rcv(12) ack nxt+5000").gets().is("CLOSED").failed(error)
    })

    test("a RST at RCV.NXT draws no segment, then or later", () => {
        const peer = reach(state).sends("R rcv").gets()
        peer.after(600_000).gets()
    })

    test("a RST at RCV.NXT ends the connection also while our window is 0", () => {
        const peer = reach(state === "ESTABLISHED" || state === "CLOSE-WAIT" ? state : "ESTABLISHED")
        if (peer.state === "ESTABLISHED") {
            peer.sends("P. 1(1024) ack 1").gets(". 1 ack 1025 win 0")
            peer.sends("R 1026").gets().is("ESTABLISHED")
            peer.sends("R 1025").gets().failed("ECONNRESET")
        } else {
            peer.sends("R 2").gets().failed("ECONNRESET")
        }
    })
})

// ---------------------------------------------------------------- What is dropped is counted
test("each segment that is dropped is counted under its reason", () => {
    const peer = reach("ESTABLISHED")
    const counted = (counter: number, segment: string) => {
        const before = peer.bench.counter(counter)
        peer.sends(segment)
        peer.seen.length = 0
        expect(peer.bench.counter(counter), segment).toBe(before + 1)
    }
    counted(Counter.TcpUnacceptable, ". edge ack 1")
    counted(Counter.TcpUnacceptable, "P. 0(1) ack 1")
    counted(Counter.TcpBadReset, "R 0")
    counted(Counter.TcpBadReset, "R 5")
    counted(Counter.TcpUnexpectedSyn, "S 9")
    counted(Counter.TcpUnexpectedSyn, "S 0")
    counted(Counter.TcpNoAck, "P 1(5)")
    counted(Counter.TcpBadAck, ". 1 ack 2")
    counted(Counter.Reordered, "P. 5(5) ack 1")
    counted(Counter.Reordered, "P. 15(5) ack 1")
    counted(Counter.TcpOutOfOrder, "P. 25(5) ack 1")
    counted(Counter.ChallengeAcks, "R 5")
    peer.is("ESTABLISHED")
})

tsharkAgrees()
