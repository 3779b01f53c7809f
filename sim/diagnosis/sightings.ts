// The segments of a connection on the network, as far as the evidence keeps them.

import { type Connection, other } from "../analysis/connection"
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
