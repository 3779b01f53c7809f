// Classifies a segment as new, a retransmission, a keep-alive or a window probe, or one that shuts the window, from the segments that
// both ends have sent before. The words are those of sim/analysis/marks.ts.
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
    /** True when the last window that the sender advertised was 0. */
    isShut: boolean
}

type Kind = "new" | "retransmission" | "keep-alive" | "window probe" | "zero window"

/** Directions of connections that are remembered; the oldest is forgotten for a new one. */
const MAX_DIRECTIONS = 256

export class Repeats {
    private readonly directions = new Map<string, Sent>()

    /** Classifies a segment. The caller passes every segment, in the order of sending. */
    classify(view: TcpView): Kind {
        const sender = `${view.source}:${view.sourcePort}`
        const receiver = `${view.destination}:${view.destinationPort}`
        const key = `${sender}>${receiver}`
        const { syn, fin, rst, ack } = view.flags
        const occupied = view.length + (syn ? 1 : 0) + (fin ? 1 : 0)
        const end = (view.seq + occupied) >>> 0
        const known = this.directions.get(key)
        if (rst) return "new"
        const isShut = view.window === 0 && !syn
        if (known === undefined || (syn && (known.first !== view.seq || known.acknowledges !== ack))) {
            if (occupied > 0) this.remember(key, { first: view.seq, acknowledges: ack, end, isShut })
            return "new"
        }
        known.isShut = isShut
        const isOld = ((view.seq - known.end) | 0) < 0
        if (((end - known.end) | 0) > 0) known.end = end
        // RFC 9293 section 3.8.6.1: data beyond a window of 0, one octet at a time, asks whether it is still shut
        if (view.length === 1 && !fin && this.directions.get(`${receiver}>${sender}`)?.isShut)
            return "window probe"
        // RFC 9293 section 3.8.4: a keep-alive has SEG.SEQ = SND.NXT - 1, a number that is acknowledged already
        if (occupied === 0 && ((view.seq + 1) | 0) === (known.end | 0)) return "keep-alive"
        if (occupied > 0 && isOld) return "retransmission"
        return isShut ? "zero window" : "new"
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
