// The states of both ends of connections, as their segments on the wire show them: for hosts whose stack reports no events.

import { Connections } from "../analysis/connections"
import type { StateChange } from "../analysis/states"
import { ethernetPacket } from "../capture/packet"

/** A state that a segment shows of the end that sent it or of the other one. */
interface Shown {
    readonly end: "sender" | "receiver"
    readonly from: string
    readonly to: string
}

/** The connections that are followed; the oldest is forgotten for a new one. */
const MOST = 200

export class WireStates {
    private shown: Shown[] = []
    private readonly connections = new Connections(
        {
            segment: ({ changes, from }) => {
                this.shown = changes.map((change: StateChange) => ({
                    end: change.end === from ? "sender" : "receiver",
                    from: change.from,
                    to: change.to,
                }))
            },
            icmp: () => {},
        },
        { start: { seconds: 0, nanoseconds: 0 }, most: MOST }
    )

    /** Takes a frame that was sent at `time` (ms) and arrives, and returns the states that it shows. */
    take(frame: Uint8Array, time: number): readonly Shown[] {
        this.shown = []
        this.connections.take(ethernetPacket(frame, time), true)
        return this.shown
    }
}
