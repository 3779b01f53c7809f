// Each reset is explained in one sentence, and so is the end of each connection.

import { expect, test } from "vitest"
import { analyzed, handshake, type Line } from "./scene"

const data = (time: number, from: "client" | "server", seq: number, ack: number, bytes = 100): Line => [
    time,
    from,
    "PA",
    { seq, ack, payload: "x".repeat(bytes) },
]

const C = "10.0.0.2:40000"
const S = "10.0.0.1:80"

const resets: Record<string, [Line[], string]> = {
    "a closed port": [
        [
            [0, "client", "S"],
            [10, "server", "RA", { seq: -5000, ack: 1 }],
        ],
        `${S} refused the connection: no program listens on that port, or a firewall rejects it.`,
    ],
    "a reset that acknowledges something else": [
        [
            [0, "client", "S"],
            [10, "server", "RA", { ack: 77 }],
        ],
        `${C} ignores this RST from ${S}: it acknowledges 1077, not the SYN's 1001.`,
    ],
    "a SYN-ACK with a wrong number": [
        [
            [0, "client", "S"],
            [10, "server", "SA", { ack: 500 }],
            [11, "client", "R", { seq: 500 }],
        ],
        `${C} rejected the SYN-ACK, which acknowledges 1500: its SYN needs 1001.`,
    ],
    "a port scan": [
        [
            [0, "client", "S"],
            [10, "server", "SA", { ack: 1 }],
            [10.1, "client", "R", { seq: 1 }],
        ],
        `${C} reset the connection instead of completing the handshake: it gave up, or only looked whether the port is open.`,
    ],
    "a server that restarted": [
        [...handshake, data(5000, "client", 1, 1), [5010, "server", "R", { seq: 1 }]],
        `${S} knows no such connection any more: it has restarted, or its program closed it and left no trace.`,
    ],
    "a keep-alive to a server that restarted": [
        [...handshake, [9000, "client", "A", { seq: 0, ack: 1 }], [9010, "server", "R", { seq: 1 }]],
        `${S} answered a keep-alive of ${C} with RST: it knows no such connection any more.`,
    ],
    "data after a close": [
        [
            ...handshake,
            [100, "server", "FA", { seq: 1, ack: 1 }],
            [110, "client", "A", { seq: 1, ack: 2 }],
            data(200, "client", 1, 2),
            [210, "server", "R", { seq: 2 }],
        ],
        `${S} had closed the connection already when more came from ${C}.`,
    ],
    "giving up on retransmissions": [
        [
            ...handshake,
            data(100, "client", 1, 1),
            data(400, "client", 1, 1),
            data(1000, "client", 1, 1),
            data(2200, "client", 1, 1),
            [4400, "client", "RA", { seq: 101, ack: 1 }],
        ],
        `${C} gave up: ${S} acknowledged none of 3 retransmissions.`,
    ],
    "giving up on keep-alives": [
        [
            ...handshake,
            ...[9000, 10_000, 11_000].map((time): Line => [time, "client", "A", { seq: 0, ack: 1 }]),
            [12_000, "client", "RA", { seq: 1, ack: 1 }],
        ],
        `${C} gave up: ${S} answered none of 3 keep-alives.`,
    ],
    "an abort": [
        [...handshake, [100, "client", "RA", { seq: 1, ack: 1 }]],
        `${C} aborted the connection: its program ended, closed it with data unread, or asked for a reset.`,
    ],
    "an abort with data on its way": [
        [...handshake, data(100, "server", 1, 1), [105, "client", "RA", { seq: 1, ack: 1 }]],
        `${C} aborted the connection with data of ${S} not yet acknowledged.`,
    ],
    "a reset in place of a FIN": [
        [...handshake, [100, "server", "FA", { seq: 1, ack: 1 }], [101, "client", "RA", { seq: 1, ack: 2 }]],
        `${C} answered the FIN of ${S} with RST instead of its own FIN: its program aborted, or left data unread.`,
    ],
    "a reset outside the window": [
        [...handshake, [100, "server", "R", { seq: 900_000 }]],
        `${C} ignores this RST from ${S}: its number 905000 is outside the window.`,
    ],
}

test.each(Object.entries(resets))("%s", (_name, [lines, sentence]) => {
    const { explanations, ending } = analyzed(lines)
    expect(explanations).toEqual([sentence])
    expect(ending).toBe(sentence)
})

const endings: Record<string, [Line[], string]> = {
    "no answer to the SYN": [
        [
            [0, "client", "S"],
            [1000, "client", "S"],
            [3000, "client", "S"],
        ],
        `${S} did not answer 3 SYNs: the host is off or elsewhere, or a firewall drops them.`,
    ],
    "no ACK of the client": [
        [...handshake.slice(0, 2)],
        `${C} did not complete the handshake, and nothing came in the last 59.99 s.`,
    ],
    "still open": [
        [...handshake],
        "Still open at the end of the capture, and nothing came in the last 59.99 s.",
    ],
    "only what the client sent was captured": [
        [
            [0, "client", "S"],
            [10, "client", "A", { seq: 1, ack: 1 }],
            data(100, "client", 1, 1),
            [110, "client", "FA", { seq: 101, ack: 41 }],
        ],
        `${C} closed; what ${S} sent was not captured.`,
    ],
    "only what the server sent was captured": [
        [
            [10, "server", "SA", { ack: 1 }],
            [110, "server", "A", { seq: 1, ack: 101 }],
        ],
        `${S} had not closed at the end of the capture; what ${C} sent was not captured.`,
    ],
    "half closed": [
        [...handshake, [100, "client", "FA", { seq: 1, ack: 1 }], [110, "server", "A", { seq: 1, ack: 2 }]],
        `${C} closed, ${S} has not yet, and nothing came in the last 59.89 s: its side is half-open.`,
    ],
    "window shut": [
        [...handshake, data(100, "client", 1, 1), [110, "server", "A", { seq: 1, ack: 101, window: 0 }]],
        `The window of ${S} was shut for the last 59.89 s: its program does not read.`,
    ],
    "no ACKs any more": [
        [...handshake, data(100, "client", 1, 1), data(400, "client", 1, 1), data(900, "client", 1, 1)],
        `${S} does not acknowledge any more: 2 retransmissions without an answer.`,
    ],
}

test.each(Object.entries(endings))("how it ended: %s", (_name, [lines, sentence]) => {
    expect(analyzed(lines, 60_000).ending).toBe(sentence)
})
