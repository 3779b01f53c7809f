// Classifies a segment as new, a retransmission or a keep-alive, from the segments that its sender has sent before.
import type { TcpView } from "./dissect"

interface Sent {
    /** Sequence number of the SYN, or of the first segment seen. */
    readonly first: number
    /**
     * True when the SYN had an ACK. In a simultaneous open the SYN-ACK repeats the number of the SYN, but is not a
     * retransmission.
     */
    readonly acknowledges: boolean
    /** The sequence number after everything that was sent. */
    end: number
}

/** Directions of connections that are remembered; the oldest is forgotten for a new one. */
const MAX_DIRECTIONS = 256

export class Repeats {
    private readonly directions = new Map<string, Sent>()

    /** Classifies a segment. The caller passes every segment, in the order of sending. */
    classify(view: TcpView): "new" | "retransmission" | "keep-alive" {
        const key = `${view.source}:${view.sourcePort}>${view.destination}:${view.destinationPort}`
        const { syn, fin, rst, ack } = view.flags
        const occupied = view.length + (syn ? 1 : 0) + (fin ? 1 : 0)
        const end = (view.seq + occupied) >>> 0
        const known = this.directions.get(key)
        if (rst) return "new"
        if (known === undefined || (syn && (known.first !== view.seq || known.acknowledges !== ack))) {
            if (occupied > 0) this.remember(key, { first: view.seq, acknowledges: ack, end })
            return "new"
        }
        // RFC 9293 section 3.8.4: a keep-alive has SEG.SEQ = SND.NXT - 1, a number that is acknowledged already
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
