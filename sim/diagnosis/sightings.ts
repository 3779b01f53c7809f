// The segments of a connection on the network, as far as the evidence keeps them.

import { type Connection, type End, endName, other } from "../analysis/connection"
import { Bit } from "../analysis/segment"
import { moment } from "./diagnosis"
import type { Evidence, SegmentSighting } from "./evidence"
import { counted } from "./words"

/** Retransmissions and keep-alives without an answer from which on a connection is stuck. */
export const STUCK = 2

/** The ends of a segment. */
export type Ends = Pick<SegmentSighting["view"], "source" | "sourcePort" | "destination" | "destinationPort">

/** Returns the segments with these ends, in this direction. */
export function segmentsBetween(
    { segments }: Evidence,
    { source, sourcePort, destination, destinationPort }: Ends
): SegmentSighting[] {
    return segments.filter(
        ({ view }) =>
            view.source === source &&
            view.sourcePort === sourcePort &&
            view.destination === destination &&
            view.destinationPort === destinationPort
    )
}

/** Returns the segments of a connection that an end has sent. */
export function segmentsOf(
    { addresses, ports, firstTime }: Connection,
    from: 0 | 1,
    evidence: Evidence
): SegmentSighting[] {
    const to = other(from)
    return segmentsBetween(evidence, {
        source: addresses[from],
        sourcePort: ports[from],
        destination: addresses[to],
        destinationPort: ports[to],
    }).filter(({ time }) => time * 1e6 >= firstTime - 1)
}

/** Returns true when segments are enough to judge by, and none of them arrives. */
export function areAllLost(segments: readonly SegmentSighting[]): boolean {
    return segments.length >= STUCK && segments.every(({ lost }) => lost !== undefined)
}

/** Returns true when the last segment of each end arrives. */
export function arrivesBothWays(connection: Connection, evidence: Evidence): boolean {
    return ([0, 1] as const).every(end => {
        const last = segmentsOf(connection, end, evidence).at(-1)
        return last !== undefined && last.lost === undefined
    })
}

/** The times of a frame at the line and at the port differ by less than this in real time, ms. */
const SAME = 1

/**
 * Returns when an end sent the segment that passed the device's port at `time` (ns), in words: the ladder draws a segment at the time of its
 * sending. Without evidence, as in a capture, that is the time at which it passed.
 */
export function sentAt(connection: Connection, end: 0 | 1, time: number, evidence?: Evidence): string {
    const passed = time / 1e6
    const found =
        evidence === undefined
            ? undefined
            : segmentsOf(connection, end, evidence).find(
                  one => one.lost === undefined && Math.abs((one.arrives ?? one.time) - passed) < SAME
              )
    return moment(found?.time ?? passed)
}

/** Returns what was heard last from both ends of a connection. */
export function lastWords(connection: Connection, evidence?: Evidence): string[] {
    const { client } = connection
    return [client, other(client)].map(end => lastHeard(connection, end, evidence))
}

/** Returns what was heard last from an end. */
export function lastHeard(connection: Connection, end: 0 | 1, evidence?: Evidence): string {
    const one = connection.ends[end]
    if (one.segments === 0) return `nothing was ever heard from ${endName(connection, end)}`
    return `last from ${endName(connection, end)}: ${segmentWords(one)} at ${sentAt(connection, end, one.time, evidence)}`
}

function segmentWords({ lastBits, lastLength, window }: End): string {
    const flags = [
        ...(lastBits & Bit.Rst ? ["RST"] : []),
        ...(lastBits & Bit.Syn ? ["SYN"] : []),
        ...(lastBits & Bit.Fin ? ["FIN"] : []),
        ...(lastBits & Bit.Ack ? ["ACK"] : []),
    ].join("-")
    const data = lastLength > 0 ? ` with ${counted(lastLength, "byte")}` : ""
    return `${flags || "a segment"}${data}, window ${Math.max(0, window)}`
}
