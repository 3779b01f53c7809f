// The points of a connection's graphs, one series for each direction. A series has a maximum number of points: when it is full,
// neighbours are merged.

import { type End, UNKNOWN } from "./connection"
import type { Mark } from "./marks"
import { after, Bit, occupied, type Segment } from "./segment"

/** The most points of a series. */
export const MAX_POINTS = 8000

/** Sequence numbers that were sent: a vertical bar. */
export interface Bar {
    readonly time: number
    readonly start: number
    readonly end: number
    readonly marks: number
    readonly bits: number
}

/** What the receiver acknowledged and allowed. */
export interface Acknowledged {
    readonly time: number
    readonly ack: number
    /** The right edge of the window. */
    readonly edge: number
    readonly isDuplicate: boolean
}

export class Series {
    bars: Bar[] = []
    acknowledged: Acknowledged[] = []
    sacks: { time: number; start: number; end: number }[] = []
    /** True when points were merged, so that the graph has less detail than the capture. */
    isThinned = false
    /** The last number, counted from the first without wrapping. */
    private last = 0
    private lastNumber: number | undefined

    /** Adds what the sender of this direction sent. */
    sent(segment: Segment, marks: Mark): void {
        const length = occupied(segment)
        if (length === 0 && (segment.bits & Bit.Rst) === 0) return
        const start = this.unwrapped(segment.seq)
        const { time, bits } = segment
        this.bars.push({ time, start, end: start + length, marks, bits })
        if (this.bars.length > MAX_POINTS) this.bars = this.thinned(this.bars, joinBars)
    }

    /** Adds what the receiver of this direction answered. */
    answered(
        segment: Segment,
        receiver: End,
        isDuplicate: boolean,
        sacks: readonly { start: number; end: number }[]
    ): void {
        if ((segment.bits & Bit.Ack) === 0 || segment.bits & Bit.Rst || receiver.ack === UNKNOWN) return
        const { time, window, bits } = segment
        const ack = this.unwrapped(segment.ack)
        const edge = ack + scaledWindow(receiver, window, bits)
        this.acknowledged.push({ time, ack, edge, isDuplicate })
        if (this.acknowledged.length > MAX_POINTS)
            this.acknowledged = this.thinned(this.acknowledged, (_, second) => second)
        for (const { start, end } of sacks)
            this.sacks.push({ time, start: this.unwrapped(start), end: this.unwrapped(end) })
        if (this.sacks.length > MAX_POINTS) this.sacks = this.thinned(this.sacks, (_, second) => second)
    }

    /** Returns a number counted without wrapping from the first one, which may be any number of the first window. */
    private unwrapped(number: number): number {
        if (this.lastNumber === undefined) this.lastNumber = number
        const value = this.last + after(number, this.lastNumber)
        // only nearby numbers move the reference: a number from an old connection or an attacker does not
        if (value > this.last && value - this.last < 1 << 30) {
            this.last = value
            this.lastNumber = number
        }
        return value
    }

    private thinned<Point>(points: readonly Point[], join: (a: Point, b: Point) => Point): Point[] {
        this.isThinned = true
        const fewer: Point[] = []
        for (let i = 0; i + 1 < points.length; i += 2) fewer.push(join(points[i]!, points[i + 1]!))
        if (points.length % 2 === 1) fewer.push(points.at(-1)!)
        return fewer
    }
}

function joinBars(a: Bar, b: Bar): Bar {
    return {
        time: a.time,
        start: Math.min(a.start, b.start),
        end: Math.max(a.end, b.end),
        marks: a.marks | b.marks,
        bits: a.bits | b.bits,
    }
}

/** Returns the window of a segment in bytes: that of a SYN is not scaled (RFC 7323 section 2.2). */
export function scaledWindow({ shift }: End, window: number, bits: number): number {
    return shift === undefined || shift < 0 || bits & Bit.Syn ? window : window * 2 ** shift
}
