// The segments of a device's connections at its port, as the ladder tool analyses a capture: for the graphs, the report of one
// connection as a page of its own, the sentence about its end, and the states of ends that report none.

import type { Connection } from "../analysis/connection"
import { Connections, type Seen } from "../analysis/connections"
import { graphs } from "../analysis/graphs"
import { page } from "../analysis/page"
import { Recording } from "../analysis/recording"
import type { StateChange } from "../analysis/states"
import { ending } from "../analysis/story"
import { element } from "../analysis/svg"
import { Wording } from "../analysis/wording"
import { ethernetPacket } from "../capture/packet"
import type { Evidence } from "../diagnosis/evidence"

/** The connections whose segments are kept. */
export const MOST_RECORDINGS = 30

export class Recordings {
    private readonly connections: Connections
    private readonly recordings = new Map<number, Recording>()

    /** Creates the recordings. `changed` receives the changes of state that segments show. */
    constructor(
        private readonly changed: (connection: Connection, changes: readonly StateChange[]) => void,
        private readonly evidence: () => Evidence | undefined
    ) {
        this.connections = new Connections(
            {
                segment: seen => this.segment(seen),
                icmp: (connection, ...rest) => this.of(connection).icmp(connection, ...rest),
            },
            { start: { seconds: 0, nanoseconds: 0 }, most: MOST_RECORDINGS }
        )
    }

    /** Notes a frame that passes the device's port at `time`, ms. */
    take(frame: Uint8Array, time: number): void {
        this.connections.take(ethernetPacket(frame, time), true)
    }

    /** Returns the number of the latest connection between these ends; undefined if it is not kept. */
    numberOf(localPort: number, remoteIp: string, remotePort: number): number | undefined {
        const isIt = ({ addresses, ports }: Connection) =>
            ([0, 1] as const).some(
                end =>
                    addresses[end] === remoteIp && ports[end] === remotePort && ports[1 - end] === localPort
            )
        return this.connections.list.filter(isIt).at(-1)?.number
    }

    /** Returns how a connection ended, in a sentence. */
    ending(number: number, now: number): string {
        const connection = this.recordings.get(number)?.connection
        return connection === undefined ? "" : ending(connection, now * 1e6, this.evidence())
    }

    /** Returns the graphs of a connection as SVG elements. */
    graphs(number: number): string | undefined {
        const wording = this.wording(number)
        return (
            wording &&
            graphs(wording)
                .map((one, i) => element(one, `graph-${i}`))
                .join("\n")
        )
    }

    /** Returns all about a connection as one page, for a bug report. */
    report(number: number, title: string): string | undefined {
        const wording = this.wording(number)
        const evidence = this.evidence()
        const { list: connections, end } = this.connections
        return wording && page({ title, connections, wording, end, ...(evidence && { evidence }) })
    }

    private wording(number: number): Wording | undefined {
        const recording = this.recordings.get(number)
        return recording?.connection && new Wording(recording.connection, recording)
    }

    private segment(seen: Seen): void {
        this.of(seen.connection).segment(seen)
        if (seen.changes.length > 0) this.changed(seen.connection, seen.changes)
    }

    private of({ number }: Connection): Recording {
        const known = this.recordings.get(number)
        if (known !== undefined) return known
        const made = new Recording(number)
        this.recordings.set(number, made)
        if (this.recordings.size > MOST_RECORDINGS) {
            const [oldest = 0] = this.recordings.keys()
            this.recordings.delete(oldest)
        }
        return made
    }
}
