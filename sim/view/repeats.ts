// Tells a segment that was sent before from a new one, by what each sender has sent so far.
import type { TcpView } from "./dissect"

interface Sent {
    /** Of the SYN, or of the first segment seen. */
    readonly first: number
    /** Whether that SYN had an ACK: the answer to a SYN of both ends at once repeats the number, but says more. */
    readonly answered: boolean
    /** The sequence number after all that was sent. */
    end: number
}

/** Connections are forgotten, longest known first, beyond so many directions. */
const MAX_DIRECTIONS = 256

export class Repeats {
    private readonly directions = new Map<string, Sent>()

    /** To be called for every segment in the order of sending. */
    see(view: TcpView): "new" | "retransmission" | "keep-alive" {
        const key = `${view.source}:${view.sourcePort}>${view.destination}:${view.destinationPort}`
        const { syn, fin, rst, ack } = view.flags
        const occupied = view.payload.length + (syn ? 1 : 0) + (fin ? 1 : 0)
        const end = (view.seq + occupied) >>> 0
        const known = this.directions.get(key)
        if (rst) return "new"
        if (known === undefined || (syn && (known.first !== view.seq || known.answered !== ack))) {
            if (occupied > 0) this.remember(key, { first: view.seq, answered: ack, end })
            return "new"
        }
        // RFC 9293, 3.8.4: a keep-alive asks with a number that is acknowledged already
        if (occupied === 0) return ((view.seq + 1) | 0) === (known.end | 0) ? "keep-alive" : "new"
        const isOld = ((view.seq - known.end) | 0) < 0
        if (((end - known.end) | 0) > 0) known.end = end
        return isOld ? "retransmission" : "new"
    }

    private remember(key: string, sent: Sent): void {
        this.directions.delete(key)
        this.directions.set(key, sent)
        if (this.directions.size <= MAX_DIRECTIONS) return
        for (const oldest of this.directions.keys()) {
            this.directions.delete(oldest)
            break
        }
    }
}
