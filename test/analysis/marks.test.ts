// What is remarkable about a segment, line by line; agreement.test.ts has Wireshark judge the same rules on whole captures.

import { describe, expect, test } from "vitest"
import { analyzed, handshake, type Line } from "./scene"

const data = (time: number, seq: number, bytes = 100, ack = 1): Line => [
    time,
    "client",
    "PA",
    { seq, ack, payload: "x".repeat(bytes) },
]
const ack = (time: number, number: number, window = 8192): Line => [
    time,
    "server",
    "A",
    { seq: 1, ack: number, window },
]

/** Lines after the handshake, and the words for each of them. */
const cases: Record<string, [Line, string][]> = {
    "data in order has no marks": [
        [data(20, 1), ""],
        [data(20, 101), ""],
        [ack(30, 201), ""],
    ],
    "a segment that is missing, and comes late": [
        [data(20, 1), ""],
        [data(21, 201), "segment missing before"],
        [data(22, 101), "out of order"],
    ],
    "a retransmission by time-out": [
        [data(20, 1), ""],
        [data(320, 1), "retransmission"],
    ],
    "a fast retransmission after two duplicate ACKs or more": [
        [data(20, 1), ""],
        [data(20, 101), ""],
        [data(20, 201), ""],
        [ack(30, 1), "duplicate ACK"],
        [ack(31, 1), "duplicate ACK"],
        [data(32, 1), "fast retransmission"],
    ],
    "a retransmission long after duplicate ACKs is none of theirs": [
        [data(20, 1), ""],
        [data(20, 101), ""],
        [ack(30, 1), "duplicate ACK"],
        [ack(31, 1), "duplicate ACK"],
        [data(60, 1), "retransmission"],
    ],
    "a retransmission of what is acknowledged": [
        [data(20, 1), ""],
        [ack(30, 101), ""],
        [data(320, 1), "needless retransmission"],
    ],
    "zero window, probe, answer, update": [
        [data(20, 1), ""],
        [ack(30, 101, 0), "zero window"],
        [data(1030, 101, 1), "window probe"],
        [ack(1040, 101, 0), "answer to probe, zero window"],
        [ack(2000, 101, 8192), "window update"],
        [data(2010, 101), ""],
    ],
    "keep-alive with and without a byte, and its answer": [
        [data(20, 1), ""],
        [ack(30, 101), ""],
        [data(9000, 100, 0), "keep-alive"],
        [ack(9010, 101), "answer to keep-alive"],
        [data(19_000, 100, 1), "keep-alive"],
        [ack(19_010, 101), "answer to keep-alive"],
    ],
    "an ACK of what was not captured": [
        [data(20, 1), ""],
        [ack(30, 301), "ACK of unseen data"],
        // once for a gap
        [ack(31, 401), ""],
    ],
    "data that fills the window": [
        [ack(20, 1, 100), "window update"],
        [data(21, 1), "window full"],
    ],
}

test.each(Object.entries(cases))("%s", (_name, lines) => {
    const { words } = analyzed([...handshake, ...lines.map(([line]) => line)])
    expect(words.slice(handshake.length)).toEqual(lines.map(([, text]) => text))
})

describe("numbers", () => {
    test("wrap", () => {
        const near = (number: number) => (number - 1000 - 150) | 0
        const lines: Line[] = [
            [0, "client", "A", { seq: near(0), ack: 1 }],
            [1, "client", "A", { seq: near(0), ack: 1, payload: "x".repeat(100) }],
            [2, "client", "A", { seq: near(100), ack: 1, payload: "x".repeat(100) }],
            [3, "client", "A", { seq: near(300), ack: 1, payload: "x".repeat(100) }],
            [400, "client", "A", { seq: near(100), ack: 1, payload: "x".repeat(100) }],
        ]
        expect(analyzed(lines).words).toEqual(["", "", "", "segment missing before", "retransmission"])
    })

    test("a SYN with another number on the same ports is another connection, the same number is not", () => {
        const { seen, words } = analyzed([
            [0, "client", "S"],
            [1000, "client", "S"],
            [5000, "client", "S", { seq: 77_777 }],
        ])
        expect(seen.map(({ connection }) => connection.number)).toEqual([0, 0, 1])
        expect(words).toEqual(["", "retransmission", "ports reused"])
    })
})
