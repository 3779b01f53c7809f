// The segments of a connection on the network, as far as the evidence keeps them.

import { type Connection, other } from "../analysis/connection"
import { moment } from "./diagnosis"
import type { Evidence, SegmentSighting } from "./evidence"

/** Returns the segments that an end has sent. */
export function segmentsOf(
    { addresses, ports, firstTime }: Connection,
    from: 0 | 1,
    { segments }: Evidence
): SegmentSighting[] {
    return segments.filter(
        ({ view, time }) =>
            time * 1e6 >= firstTime - 1 &&
            view.source === addresses[from] &&
            view.sourcePort === ports[from] &&
            view.destination === addresses[other(from)] &&
            view.destinationPort === ports[other(from)]
    )
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
