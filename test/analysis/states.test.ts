// The states of both ends, inferred from what passes between them (RFC 9293 section 3.3.2).

import { describe, expect, test } from "vitest"
import { analyzed, handshake, type Line } from "./scene"

const opened = ["client SYN-SENT", "server SYN-RECEIVED by SYN, client ESTABLISHED", "server ESTABLISHED"]
const FIN = { payload: "" }

const cases: Record<string, [Line, string][]> = {
    "a close in four segments": [
        [[100, "client", "FA", { seq: 1, ack: 1, ...FIN }], "client FIN-WAIT-1, server CLOSE-WAIT"],
        [[110, "server", "A", { seq: 1, ack: 2 }], "client FIN-WAIT-2"],
        [[120, "server", "FA", { seq: 1, ack: 2 }], "server LAST-ACK, client TIME-WAIT"],
        [[130, "client", "A", { seq: 2, ack: 2 }], "server CLOSED"],
    ],
    "a close in three: the server's FIN acknowledges the client's": [
        [[100, "client", "FA", { seq: 1, ack: 1 }], "client FIN-WAIT-1, server CLOSE-WAIT"],
        [[110, "server", "FA", { seq: 1, ack: 2 }], "server LAST-ACK, client TIME-WAIT"],
        [[120, "client", "A", { seq: 2, ack: 2 }], "server CLOSED"],
    ],
    "both close at the same time": [
        [[100, "client", "FA", { seq: 1, ack: 1 }], "client FIN-WAIT-1, server CLOSE-WAIT"],
        [[100, "server", "FA", { seq: 1, ack: 1 }], "server LAST-ACK, client CLOSING"],
        [[110, "client", "A", { seq: 2, ack: 2 }], "server CLOSED"],
        [[110, "server", "A", { seq: 2, ack: 2 }], "client TIME-WAIT"],
    ],
    "a FIN before which data is missing waits for it": [
        [[100, "client", "FA", { seq: 101, ack: 1 }], "client FIN-WAIT-1"],
        [[110, "server", "A", { seq: 1, ack: 1 }], ""],
        [[300, "client", "A", { seq: 1, ack: 1, payload: "x".repeat(100) }], "server CLOSE-WAIT"],
        [[310, "server", "A", { seq: 1, ack: 102 }], "client FIN-WAIT-2"],
    ],
    "a FIN whose ACK is lost comes again": [
        [[100, "client", "FA", { seq: 1, ack: 1 }], "client FIN-WAIT-1, server CLOSE-WAIT"],
        [[110, "server", "FA", { seq: 1, ack: 2 }], "server LAST-ACK, client TIME-WAIT"],
        [[120, "client", "A", { seq: 2, ack: 2 }], "server CLOSED"],
        [[500, "server", "FA", { seq: 1, ack: 2 }], "server LAST-ACK"],
        [[510, "client", "A", { seq: 2, ack: 2 }], "server CLOSED"],
    ],
    "a reset closes both ends": [[[100, "server", "RA", { seq: 1, ack: 1 }], "server CLOSED, client CLOSED"]],
    "a reset outside the window closes only its sender": [
        [[100, "server", "R", { seq: 900_000 }], "server CLOSED"],
    ],
    "an end that goes on after a reset did not take it": [
        [[100, "server", "RA", { seq: 1, ack: 1 }], "server CLOSED, client CLOSED"],
        [[900, "client", "A", { seq: 1, ack: 1, payload: "x" }], "client ESTABLISHED"],
    ],
}

test.each(Object.entries(cases))("%s", (_name, lines) => {
    const { changes } = analyzed([...handshake, ...lines.map(([line]) => line)])
    expect(changes.slice(0, 3)).toEqual(opened)
    expect(changes.slice(3)).toEqual(lines.map(([, text]) => text))
})

test("both ends open at the same time (RFC 9293 figure 7)", () => {
    const { changes } = analyzed([
        [0, "client", "S"],
        [1, "server", "S"],
        [10, "client", "SA", { ack: 1 }],
        [11, "server", "SA", { ack: 1 }],
    ])
    expect(changes).toEqual([
        "client SYN-SENT",
        "server SYN-SENT",
        "client SYN-RECEIVED, server ESTABLISHED",
        "client ESTABLISHED",
    ])
})

describe("a reset after which both ends go on", () => {
    const lines: Line[] = [
        ...handshake,
        [100, "server", "R", { seq: 41 }],
        [101, "client", "FA", { seq: 1, ack: 41 }],
        [102, "server", "FA", { seq: 41, ack: 2 }],
        [103, "client", "A", { seq: 2, ack: 42 }],
    ]

    test("was taken by neither: the other segments show the states", () => {
        const { changes, recording, ending, connections } = analyzed(lines)
        expect(changes.slice(3)).toEqual([
            "server CLOSED, client CLOSED",
            "",
            "server LAST-ACK, client TIME-WAIT",
            "server CLOSED",
        ])
        const rows = recording.first.flatMap(row => (row.kind === "segment" ? [row] : []))
        const drawn = rows.map(row => row.changes.map(({ from, to }) => `${from} > ${to}`).join(", "))
        expect(drawn.slice(3)).toEqual([
            "",
            "ESTABLISHED > FIN-WAIT-1, ESTABLISHED > CLOSE-WAIT",
            "CLOSE-WAIT > LAST-ACK, FIN-WAIT-1 > TIME-WAIT",
            "LAST-ACK > CLOSED",
        ])
        expect(rows[3]?.explanation).toBe(
            "Both ends went on after this RST in the name of 10.0.0.1:80: something on the way probably sent it."
        )
        expect(ending).toBe(
            "Closed by both ends, 10.0.0.2:40000 first. An RST in the name of 10.0.0.1:80 was ignored: something on the way probably sent it."
        )
        expect(connections.list[0]?.reset).toBeUndefined()
    })

    test("ended the connection if they only finish what was on its way", () => {
        const { ending } = analyzed([
            ...lines.slice(0, 4),
            [101, "client", "A", { seq: 1, ack: 41 }],
            // sent before the reset, captured after it
            [102, "server", "PA", { seq: 1, ack: 1, payload: "x".repeat(40) }],
        ])
        expect(ending).toMatch(/^10.0.0.1:80 aborted the connection/)
    })
})

test("a SYN-ACK that comes again shows that the client's ACK was lost", () => {
    const { changes } = analyzed([
        ...handshake,
        [1010, "server", "SA", { ack: 1 }],
        [1010.1, "client", "A", { seq: 1, ack: 1 }],
    ])
    expect(changes.slice(3)).toEqual(["server SYN-RECEIVED", "server ESTABLISHED"])
})

test("a capture that begins in the middle takes both ends as ESTABLISHED", () => {
    const { changes, recording } = analyzed([
        [0, "server", "PA", { seq: 500, ack: 900, payload: "x" }],
        [1, "client", "FA", { seq: 900, ack: 501 }],
    ])
    expect(changes[1]).toBe("server FIN-WAIT-1, client CLOSE-WAIT")
    expect(recording.connection?.isMidway).toBe(true)
})
