// Compares what our analysis says of a capture, segment by segment, with Wireshark's.

import { other } from "../../sim/analysis/connection"
import { Connections } from "../../sim/analysis/connections"
import { Mark } from "../../sim/analysis/marks"
import { isKnownLink } from "../../sim/capture/link-layer"
import { type ReadResult, readCapture } from "../../sim/capture/reader"
import { fields } from "../capture/tshark"

/** The fields of tshark that are compared, each with our mark. */
const COMPARED = {
    retransmission: Mark.Retransmission,
    fast_retransmission: Mark.Fast,
    spurious_retransmission: Mark.Spurious,
    duplicate_ack: Mark.DuplicateAck,
    zero_window: Mark.ZeroWindow,
    zero_window_probe: Mark.ZeroWindowProbe,
    zero_window_probe_ack: Mark.ZeroWindowProbeAck,
    reused_ports: Mark.PortsReused,
    lost_segment: Mark.LostBefore,
    ack_lost_segment: Mark.AcksUnseen,
    out_of_order: Mark.OutOfOrder,
    keep_alive: Mark.KeepAlive,
    keep_alive_ack: Mark.KeepAliveAck,
    window_update: Mark.WindowUpdate,
    window_full: Mark.WindowFull,
} as const

export type Flag = keyof typeof COMPARED
export const FLAGS = Object.keys(COMPARED) as Flag[]

export interface Agreement {
    segments: number
    /** How many segments have each flag, by tshark. */
    counts: Record<Flag, number>
    /** One line per segment on which the two differ: its packet, the flag, who has it. */
    differences: string[]
    result: ReadResult
}

interface Said {
    stream: string
    flags: Flag[]
    /**
     * Wireshark may take this retransmission for a fast one without any duplicate ACK: it marks an ACK of unseen data by a count
     * of -1 duplicates, which is a large number where it compares.
     */
    isTakenForFast: boolean
}

/** Returns what we say of a capture, by packet. */
async function ours(path: string): Promise<{ said: Map<number, Said>; result: ReadResult }> {
    const said = new Map<number, Said>()
    const connections = new Connections({
        segment: ({ connection, from, segment, marks }) => {
            const flags = FLAGS.filter(flag => (marks & COMPARED[flag]) !== 0)
            const isTakenForFast = connection.ends[other(from)].duplicates === -1
            said.set(segment.packet, { stream: String(connection.number), flags, isTakenForFast })
        },
        icmp: () => {},
    })
    const result = await readCapture(path, packet => connections.take(packet, isKnownLink(packet.linkType)))
    return { said, result }
}

/** Compares a capture. Packets in which tshark sees several TCP headers (tunnels, ICMP errors) are left out. */
export async function compare(path: string): Promise<Agreement> {
    const names = FLAGS.map(flag => `tcp.analysis.${flag}`)
    const rows = fields(path, "frame.number", "tcp.stream", "tcp.len", "icmp.type", "icmpv6.type", ...names)
    const { said, result } = await ours(path)
    const counts = Object.fromEntries(FLAGS.map(flag => [flag, 0])) as Record<Flag, number>
    const differences: string[] = []
    let segments = 0
    for (const [number = "", stream = "", length = "", icmp, icmpv6, ...values] of rows) {
        const packet = Number(number)
        const mine = said.get(packet)
        said.delete(packet)
        if (icmp !== "" || icmpv6 !== "" || stream.includes("|")) continue
        if (stream === "" || length === "") {
            if (mine !== undefined) differences.push(`packet ${packet}: only we read a segment`)
            continue
        }
        segments++
        const flags = FLAGS.filter((_, i) => values[i] !== "")
        for (const flag of flags) counts[flag]++
        if (mine === undefined) {
            differences.push(`packet ${packet}: only tshark reads a segment`)
            continue
        }
        if (mine.stream !== stream)
            differences.push(`packet ${packet}: stream ${stream}, ours is ${mine.stream}`)
        for (const flag of FLAGS) {
            const isOurs = mine.flags.includes(flag)
            if (flags.includes(flag) === isOurs) continue
            if (flag === "fast_retransmission" && !isOurs && mine.isTakenForFast) continue
            differences.push(`packet ${packet}: ${flag} ${isOurs ? "only by us" : "only by tshark"}`)
        }
    }
    for (const packet of said.keys()) differences.push(`packet ${packet}: tshark does not read it`)
    return { segments, counts, differences, result }
}
