// A connection between two hosts for tests of the analysis: segments in short notation, and what is found about each.

import { Connections, type Seen } from "../../sim/analysis/connections"
import { markWords } from "../../sim/analysis/marks"
import { Recording } from "../../sim/analysis/recording"
import { ending } from "../../sim/analysis/story"
import { Wording } from "../../sim/analysis/wording"
import { type TcpFields, tcp } from "../view/packets"

export const CLIENT = "10.0.0.2"
export const SERVER = "10.0.0.1"
const PORTS = { client: 40_000, server: 80 }
/** The numbers of the SYNs. */
export const ISS = { client: 1000, server: 5000 }

/** A segment: when in ms, from whom, its flags, and fields where they differ; `seq` and `ack` count from the SYNs. */
export type Line = readonly [
    time: number,
    from: "client" | "server",
    flags: string,
    fields?: Partial<TcpFields>,
]

/** The frame of a line. */
export function frameOf([, from, flags, fields = {}]: Line): Uint8Array {
    const to = from === "client" ? "server" : "client"
    return tcp({
        source: from === "client" ? CLIENT : SERVER,
        destination: from === "client" ? SERVER : CLIENT,
        sourcePort: PORTS[from],
        destinationPort: PORTS[to],
        window: 8192,
        flags,
        ...fields,
        seq: (ISS[from] + (fields.seq ?? 0)) >>> 0,
        ack: flags.includes("A") ? (ISS[to] + (fields.ack ?? 0)) >>> 0 : 0,
    })
}

export interface Found {
    seen: Seen[]
    /** The words for each segment's marks. */
    words: string[]
    /** What each segment changed, such as `client SYN-SENT`. */
    changes: string[]
    explanations: string[]
    ending: string
    recording: Recording
    connections: Connections
}

/** Analyzes the lines. */
export function analyzed(lines: readonly Line[], endMs = 0): Found {
    const seen: Seen[] = []
    const recording = new Recording(0)
    const connections = new Connections({
        segment: one => {
            seen.push(one)
            recording.segment(one)
        },
        icmp: (...all) => recording.icmp(...all),
    })
    for (const line of lines) {
        const bytes = frameOf(line)
        const nanoseconds = line[0] * 1e6
        connections.take({ linkType: 1, bytes, length: bytes.length, seconds: 1000, nanoseconds }, true)
    }
    const { connection } = recording
    const wording = connection && new Wording(connection, recording)
    return {
        seen,
        words: seen.map(({ marks }) => markWords(marks).join(", ")),
        changes: seen.map(({ changes }) =>
            changes
                .map(({ end, to, bySyn }) => `${wording?.role(end)} ${to}${bySyn ? " by SYN" : ""}`)
                .join(", ")
        ),
        explanations: seen.flatMap(({ explanation }) => explanation ?? []),
        ending: connection === undefined ? "" : ending(connection, Math.max(connections.end, endMs * 1e6)),
        recording,
        connections,
    }
}

/** The handshake: SYN at 0, SYN-ACK at 10, ACK at 10.1 ms. */
export const handshake: readonly Line[] = [
    [0, "client", "S"],
    [10, "server", "SA", { ack: 1 }],
    [10.1, "client", "A", { seq: 1, ack: 1 }],
]
