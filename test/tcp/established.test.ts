// ESTABLISHED: text and FINs that come in. RFC 9293 section 3.10.7.4, the seventh and eighth step.

import { describe, expect, test } from "vitest"
import { TcpError } from "../../src/tcp/records"
import { needs } from "../support/needs"
import { pattern } from "../support/peer"
import { bases, established } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

type Step = [segment: string, ...answers: string[]]
/** What it is, what comes, how many bytes the program then finds, and the state. */
type Row = [what: string, steps: Step[], read: number, state: string]

// The window is 1024: its right edge is at 1025.
const rows: Row[] = [
    // ---------------------------------------------------------------- Seventh: text
    ["in order", [["P. 1(5) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["without PSH", [[". 1(5) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["one octet", [["P. 1(1) ack 1", ". 1 ack 2"]], 1, "ESTABLISHED"],
    [
        "several segments in order",
        [
            [". 1(300) ack 1", ". 1 ack 301"],
            [". 301(300) ack 1", ". 1 ack 601"],
            ["P. 601(9) ack 1", ". 1 ack 610"],
        ],
        609,
        "ESTABLISHED",
    ],
    ["as much as the window", [["P. 1(1024) ack 1", ". 1 ack 1025 win 0"]], 1024, "ESTABLISHED"],
    [
        "more than the window: cut at the right edge",
        [["P. 1(1030) ack 1", ". 1 ack 1025 win 0"]],
        1024,
        "ESTABLISHED",
    ],
    [
        "again: a duplicate",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["P. 1(5) ack 1", ". 1 ack 6"],
        ],
        5,
        "ESTABLISHED",
    ],
    [
        "again with more: only what is new",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["P. 1(9) ack 1", ". 1 ack 10"],
        ],
        9,
        "ESTABLISHED",
    ],
    [
        "overlaps what was there from within",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["P. 4(5) ack 1", ". 1 ack 9"],
        ],
        8,
        "ESTABLISHED",
    ],
    ["begins before the first octet", [["P. 0(6) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["begins long before", [["P. -494(500) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["covers the window on both sides", [["P. -4(1035) ack 1", ". 1 ack 1025 win 0"]], 1024, "ESTABLISHED"],
    [
        "out of order: acknowledged at once, and kept",
        [
            ["P. 6(5) ack 1", ". 1 ack 1"],
            ["P. 1(5) ack 1", ". 1 ack 11"],
            ["P. 6(5) ack 1", ". 1 ack 11"],
        ],
        10,
        "ESTABLISHED",
    ],
    ["the last octet of the window alone", [["P. 1024(1) ack 1", ". 1 ack 1"]], 0, "ESTABLISHED"],
    ["urgent: data like any other (RFC 6093)", [["P.U 1(5) ack 1 urg 5", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["an urgent pointer to nowhere", [["P.U 1(5) ack 1 urg 65535", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["an urgent pointer without text", [[".U 1 ack 1 urg 1"]], 0, "ESTABLISHED"],
    ["ECN bits that were not agreed on", [["P.EW 1(5) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    [
        "with options: text starts behind them",
        [["P. 1(5) ack 1 <nop,nop,TS val 1 ecr 0>", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    [
        "with a list of options that is malformed",
        [["P. 1(5) ack 1 <hex 02000000>", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    ["an old duplicate of an ACK: the text counts", [["P. 1(5) ack 0", ". 1 ack 6"]], 5, "ESTABLISHED"],

    // ---------------------------------------------------------------- Eighth: FIN
    ["FIN", [["F. 1 ack 1", ". 1 ack 2"]], 0, "CLOSE-WAIT"],
    ["FIN with text", [["FP. 1(5) ack 1", ". 1 ack 7"]], 5, "CLOSE-WAIT"],
    [
        "FIN after text",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["F. 6 ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "FIN with text that was there already",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["FP. 1(5) ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "FIN with text of which part was there",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["FP. 3(5) ack 1", ". 1 ack 9"],
        ],
        7,
        "CLOSE-WAIT",
    ],
    [
        "FIN out of order: not before its turn",
        [
            ["F. 6 ack 1", ". 1 ack 1"],
            ["P. 1(5) ack 1", ". 1 ack 7"],
            ["F. 6 ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "text that reaches beyond a FIN that came before it: the stream ends where the FIN says",
        [
            ["F. 6 ack 1", ". 1 ack 1"],
            ["P. 1(10) ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    ["FIN with text out of order", [["FP. 6(5) ack 1", ". 1 ack 1"]], 0, "ESTABLISHED"],
    [
        "FIN again",
        [
            ["F. 1 ack 1", ". 1 ack 2"],
            ["F. 1 ack 1", ". 1 ack 2"],
        ],
        0,
        "CLOSE-WAIT",
    ],
    [
        "FIN with text again",
        [
            ["FP. 1(5) ack 1", ". 1 ack 7"],
            ["FP. 1(5) ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "FIN behind more text than the window: the text is cut, and the FIN with it",
        [["FP. 1(1030) ack 1", ". 1 ack 1025 win 0"]],
        1024,
        "ESTABLISHED",
    ],
    // It lies outside by the letter; like other stacks, no room is needed for it, and the peer is spared a round trip.
    [
        "FIN right behind text that fills the window",
        [["FP. 1(1024) ack 1", ". 1 ack 1026 win 0"]],
        1024,
        "CLOSE-WAIT",
    ],
    [
        "FIN at the last number of the window",
        [["FP. 1(1023) ack 1", ". 1 ack 1025 win 0"]],
        1023,
        "CLOSE-WAIT",
    ],
]

/** Those of the rows in which what came ahead is kept. */
const aheads = [
    "out of order: acknowledged at once, and kept",
    "FIN out of order: not before its turn",
    "text that reaches beyond a FIN that came before it: the stream ends where the FIN says",
]

describe.each(bases)("ESTABLISHED, $name", base => {
    test.each(rows)("%s", (name, steps, read, state) => {
        if (aheads.includes(name)) needs("REASSEMBLY")
        const peer = established({ base })
        for (const [segment, ...answers] of steps) peer.sends(segment).gets(...answers)
        peer.is(state)
        const end = state === "CLOSE-WAIT" ? TcpError.Eof : 0
        if (read > 0) peer.reads(read)
        peer.seen.length = 0
        peer.reads(end)
    })
})

// ---------------------------------------------------------------- The first copy of an octet is the one that counts
test("an overlapping segment with other data does not change what was acknowledged", () => {
    const peer = established().sends("P. 1(5) ack 1").gets(". 1 ack 6")
    const other = Uint8Array.from([...new Uint8Array(5).fill(0xee), ...pattern("theirs", 6, 5)])
    peer.sends("P. 1(10) ack 1", other).gets(". 1 ack 11").reads(10).gets()
})

// ---------------------------------------------------------------- Rings
test("the receive ring goes around: every split of writes and reads gives the same octets", () => {
    const peer = established({ config: { receiveBuffer: 100 } })
    let seq = 1
    let unread = 0
    for (let i = 0; i < 200; i++) {
        const length = Math.min((i * 37) % 99, peer.edge - seq)
        if (length > 0) {
            peer.sends(`P. ${seq}(${length}) ack 1`).gets(`. 1 ack ${seq + length}`)
            seq += length
            unread += length
        }
        const read = Math.min((i * 53) % 80, unread)
        if (read === 0) continue
        unread -= read
        const window = peer.edge - seq
        // told of when the window grows by half of the buffer (section 3.8.6.2.2)
        const told = 100 - unread - window >= 50
        peer.reads(read, read).gets(...(told ? [`. 1 ack ${seq} win ${100 - unread}`] : []))
    }
    expect(seq).toBeGreaterThan(2000)
})

test("reading in small pieces, and nothing beyond what is there", () => {
    const peer = established().sends("P. 1(10) ack 1").gets(". 1 ack 11")
    peer.reads(3, 3).gets().reads(3, 3).gets().reads(4, 100).gets().reads(0).gets()
})

test("both directions: an ACK rides on data", () => {
    const peer = established().sends("P. 1(5) ack 1").gets(". 1 ack 6")
    peer.writes(3).gets("P. 1(3) ack 6").sends("P. 6(5) ack 4").gets(". 4 ack 11")
    peer.reads(10).gets().writes(2).gets("P. 4(2) ack 11")
})

test("a FIN does not keep the stack from sending (3.6.1)", () => {
    const peer = established().sends("F. 1 ack 1").gets(". 1 ack 2").is("CLOSE-WAIT")
    peer.writes(5).gets("P. 1(5) ack 2").sends(". 2 ack 6").gets().is("CLOSE-WAIT")
    peer.after(600_000).gets()
})

tsharkAgrees()
