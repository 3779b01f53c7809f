// ESTABLISHED: data and FINs that come in. RFC 9293 section 3.10.7.4, the seventh and eighth step.

import { describe, expect, test } from "vitest"
import { TcpError } from "../../src/tcp/records"
import { needs } from "../support/needs"
import { pattern } from "../support/peer"
import { bases, established } from "../support/states"
import { tsharkAgrees } from "../support/tshark"

type Step = [segment: string, ...answers: string[]]
/** The name, the segments and their answers, the number of bytes that the program then reads, and the state. */
type Row = [what: string, steps: Step[], read: number, state: string]

// The window is 1024: its right edge is at 1025.
const rows: Row[] = [
    // ---------------------------------------------------------------- Seventh: segment text
    ["data in order is acknowledged", [["P. 1(5) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["data without PSH is acknowledged", [[". 1(5) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    ["one octet is acknowledged", [["P. 1(1) ack 1", ". 1 ack 2"]], 1, "ESTABLISHED"],
    [
        "several segments in order are acknowledged one by one",
        [
            [". 1(300) ack 1", ". 1 ack 301"],
            [". 301(300) ack 1", ". 1 ack 601"],
            ["P. 601(9) ack 1", ". 1 ack 610"],
        ],
        609,
        "ESTABLISHED",
    ],
    [
        "as much data as the window is taken",
        [["P. 1(1024) ack 1", ". 1 ack 1025 win 0"]],
        1024,
        "ESTABLISHED",
    ],
    [
        "more data than the window is cut at the right edge",
        [["P. 1(1030) ack 1", ". 1 ack 1025 win 0"]],
        1024,
        "ESTABLISHED",
    ],
    [
        "data that comes twice is acknowledged twice and read once",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["P. 1(5) ack 1", ". 1 ack 6"],
        ],
        5,
        "ESTABLISHED",
    ],
    [
        "data that comes again with more: only the new octets are read",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["P. 1(9) ack 1", ". 1 ack 10"],
        ],
        9,
        "ESTABLISHED",
    ],
    [
        "data that overlaps data received before: only the new octets are read",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["P. 4(5) ack 1", ". 1 ack 9"],
        ],
        8,
        "ESTABLISHED",
    ],
    ["data from one octet before the window is trimmed", [["P. 0(6) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    [
        "data from 495 octets before the window is trimmed",
        [["P. -494(500) ack 1", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    [
        "data that reaches beyond both ends of the window is trimmed on both",
        [["P. -4(1035) ack 1", ". 1 ack 1025 win 0"]],
        1024,
        "ESTABLISHED",
    ],
    [
        "data out of order is acknowledged at once and kept",
        [
            ["P. 6(5) ack 1", ". 1 ack 1"],
            ["P. 1(5) ack 1", ". 1 ack 11"],
            ["P. 6(5) ack 1", ". 1 ack 11"],
        ],
        10,
        "ESTABLISHED",
    ],
    [
        "the last octet of the window alone is acknowledged at once",
        [["P. 1024(1) ack 1", ". 1 ack 1"]],
        0,
        "ESTABLISHED",
    ],
    [
        "urgent data is read like other data (RFC 6093)",
        [["P.U 1(5) ack 1 urg 5", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    [
        "an urgent pointer beyond the data is ignored",
        [["P.U 1(5) ack 1 urg 65535", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    ["an urgent pointer without data is ignored", [[".U 1 ack 1 urg 1"]], 0, "ESTABLISHED"],
    ["ECN bits that were not agreed on are ignored", [["P.EW 1(5) ack 1", ". 1 ack 6"]], 5, "ESTABLISHED"],
    [
        "data after options is read from their end on",
        [["P. 1(5) ack 1 <nop,nop,TS val 1 ecr 0>", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    [
        "data after malformed options is read all the same",
        [["P. 1(5) ack 1 <hex 02000000>", ". 1 ack 6"]],
        5,
        "ESTABLISHED",
    ],
    ["data with an old duplicate ACK is read", [["P. 1(5) ack 0", ". 1 ack 6"]], 5, "ESTABLISHED"],

    // ---------------------------------------------------------------- Eighth: FIN
    ["a FIN leads to CLOSE-WAIT", [["F. 1 ack 1", ". 1 ack 2"]], 0, "CLOSE-WAIT"],
    ["a FIN with data leads to CLOSE-WAIT", [["FP. 1(5) ack 1", ". 1 ack 7"]], 5, "CLOSE-WAIT"],
    [
        "a FIN after data leads to CLOSE-WAIT",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["F. 6 ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "a FIN with data received before leads to CLOSE-WAIT",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["FP. 1(5) ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "a FIN with data of which part was received before leads to CLOSE-WAIT",
        [
            ["P. 1(5) ack 1", ". 1 ack 6"],
            ["FP. 3(5) ack 1", ". 1 ack 9"],
        ],
        7,
        "CLOSE-WAIT",
    ],
    [
        "a FIN out of order counts when the data before it has come",
        [
            ["F. 6 ack 1", ". 1 ack 1"],
            ["P. 1(5) ack 1", ". 1 ack 7"],
            ["F. 6 ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "data beyond a FIN that came before it: the stream ends at the FIN",
        [
            ["F. 6 ack 1", ". 1 ack 1"],
            ["P. 1(10) ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "a FIN with data out of order is acknowledged at once",
        [["FP. 6(5) ack 1", ". 1 ack 1"]],
        0,
        "ESTABLISHED",
    ],
    [
        "a FIN that comes twice is acknowledged twice",
        [
            ["F. 1 ack 1", ". 1 ack 2"],
            ["F. 1 ack 1", ". 1 ack 2"],
        ],
        0,
        "CLOSE-WAIT",
    ],
    [
        "a FIN with data that comes twice is acknowledged twice",
        [
            ["FP. 1(5) ack 1", ". 1 ack 7"],
            ["FP. 1(5) ack 1", ". 1 ack 7"],
        ],
        5,
        "CLOSE-WAIT",
    ],
    [
        "a FIN after more data than the window is cut off with the data",
        [["FP. 1(1030) ack 1", ". 1 ack 1025 win 0"]],
        1024,
        "ESTABLISHED",
    ],
    // It lies outside by the letter; like other stacks, no room is needed for it, and the peer is spared a round trip.
    [
        "a FIN right after data that fills the window leads to CLOSE-WAIT",
        [["FP. 1(1024) ack 1", ". 1 ack 1026 win 0"]],
        1024,
        "CLOSE-WAIT",
    ],
    [
        "a FIN at the last number of the window leads to CLOSE-WAIT",
        [["FP. 1(1023) ack 1", ". 1 ack 1025 win 0"]],
        1023,
        "CLOSE-WAIT",
    ],
]

/** The rows in which data out of order is kept. */
const aheads = [
    "data out of order is acknowledged at once and kept",
    "a FIN out of order counts when the data before it has come",
    "data beyond a FIN that came before it: the stream ends at the FIN",
]

describe.each(bases)("ESTABLISHED, $name", base => {
    test.each(rows)("%s: %j", (name, steps, read, state) => {
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
test("an overlapping segment with other data leaves the octets that were acknowledged as they are", () => {
    const peer = established().sends("P. 1(5) ack 1").gets(". 1 ack 6")
    const other = Uint8Array.from([...new Uint8Array(5).fill(0xee), ...pattern("theirs", 6, 5)])
    peer.sends("P. 1(10) ack 1", other).gets(". 1 ack 11").reads(10).gets()
})

// ---------------------------------------------------------------- Rings
test("a receive ring that wraps: every split of writes and reads returns the same octets", () => {
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
        // advertised when the window grows by half of the buffer (section 3.8.6.2.2)
        const told = 100 - unread - window >= 50
        peer.reads(read, read).gets(...(told ? [`. 1 ack ${seq} win ${100 - unread}`] : []))
    }
    expect(seq).toBeGreaterThan(2000)
})

test("read() in small pieces returns the octets in order, and 0 when no more have come", () => {
    const peer = established().sends("P. 1(10) ack 1").gets(". 1 ack 11")
    peer.reads(3, 3).gets().reads(3, 3).gets().reads(4, 100).gets().reads(0).gets()
})

test("a write after received data sends the ACK with the data", () => {
    const peer = established().sends("P. 1(5) ack 1").gets(". 1 ack 6")
    peer.writes(3).gets("P. 1(3) ack 6").sends("P. 6(5) ack 4").gets(". 4 ack 11")
    peer.reads(10).gets().writes(2).gets("P. 4(2) ack 11")
})

test("a FIN of the peer does not keep the stack from sending (3.6.1)", () => {
    const peer = established().sends("F. 1 ack 1").gets(". 1 ack 2").is("CLOSE-WAIT")
    peer.writes(5).gets("P. 1(5) ack 2").sends(". 2 ack 6").gets().is("CLOSE-WAIT")
    peer.after(600_000).gets()
})

tsharkAgrees()
