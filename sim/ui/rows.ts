// The rows of a device's ladder. A row is sent as soon as its frame is, and again when a state belongs beside it: the rules are those of
// the ladder on a terminal (sim/view/ladder.ts), with rows that may change instead of rows that wait.

import { arrowTexts } from "../view/describe"
import type { TcpView } from "../view/dissect"
import { ENTERED_BY_SENDING, type TcpFlags } from "../view/flags"
import { type Style, seconds } from "../view/ladder-style"
import { fateOf, lineWords, type Passage, remarksOn } from "../view/remarks"
import { Repeats } from "../view/repeats"
import type { Message, RowView, Side, Tone } from "./messages"
import type { Tracked } from "./tracking"

const TONES: { readonly [style in Style]: Tone } = {
    plain: "plain",
    bold: "plain",
    dim: "quiet",
    cyan: "data",
    green: "syn",
    magenta: "fin",
    yellow: "trouble",
    red: "bad",
}

/** A state that was entered by sending belongs to a segment that is sent at most this long after it, ms: ARP comes first. */
const SENT_WITHIN = 100
/** A state belongs to a segment that arrived at most this long before it, ms: on a busy computer a device is late. */
const ARRIVED_WITHIN = 1000
/** The rows of segments beside which a state may still be written. */
const MOST_OPEN = 64

/** A segment's row, whose states may still change. */
interface SegmentRow {
    row: RowView
    readonly tracked: Tracked
    readonly from: Side
    readonly flags: TcpFlags
    /** True when the segment acknowledges the FIN of its receiver. */
    readonly acksFin: boolean
    readonly time: number
    /** Infinity for a segment that does not arrive. */
    readonly arrives: number
}

/** A state that was entered by sending a segment which has not been seen yet; its row stands alone until then. */
interface Coming {
    readonly tracked: Tracked
    readonly side: Side
    readonly to: string
    readonly time: number
    readonly row: RowView
}

/** A change of state. */
interface Change {
    readonly from: string
    readonly to: string
}

export class Rows {
    private readonly repeats = new Repeats()
    private readonly open: SegmentRow[] = []
    private coming: Coming[] = []
    private made = 0

    constructor(
        private readonly device: number,
        private readonly put: (message: Message) => void
    ) {}

    /** Adds a segment. */
    segment(view: TcpView, from: Side, passage: Passage, tracked: Tracked): void {
        const { words, style } = remarksOn(view, passage, this.repeats)
        tracked.count(view, from, words.includes("retransmission"))
        const texts = (shown: TcpView) => {
            const { above, below } = arrowTexts(shown)
            return [[...above, ...words].join("  "), below.join("  ")]
        }
        const top = this.takeComing(view, from, passage.time, tracked)
        const beside = [top, ""] as const
        const row = this.row(passage.time, {
            form: "segment",
            tone: TONES[style],
            from,
            text: texts(view),
            counted: texts(tracked.counted(view, from)),
            left: from === "left" ? beside : ["", ""],
            right: from === "right" ? beside : ["", ""],
            lost: fateOf(passage),
            connection: tracked.number,
        })
        const { time, arrives = time } = passage
        this.open.push({
            row,
            tracked,
            from,
            flags: view.flags,
            acksFin: view.flags.ack && view.ack === tracked.end(from === "left" ? "right" : "left").fin,
            time,
            arrives: fateOf(passage) === undefined ? arrives : Number.POSITIVE_INFINITY,
        })
        if (this.open.length > MOST_OPEN) this.open.shift()
    }

    /** Adds a frame that is no segment, in one line. */
    frame(text: string, from: Side, passage: Passage): void {
        const lost = fateOf(passage)
        this.row(passage.time, {
            form: "frame",
            tone: lost === undefined ? "quiet" : "bad",
            from,
            text: [[text, ...lineWords(passage)].join("  ")],
            lost,
        })
    }

    /** Adds a remark, or why something failed. */
    note(text: string, time: number, form: "note" | "why", tracked?: Tracked): void {
        const tone = form === "why" ? ("bad" as const) : ("quiet" as const)
        this.row(time, { form, tone, text: [text], connection: tracked?.number })
    }

    /**
     * Shows that one end went from one state to another, beside the segment that caused it, if any. A state that is inferred from a
     * segment comes with it, before it has arrived.
     */
    state(tracked: Tracked, side: Side, { from, to }: Change, time: number, isInferred = false): void {
        const end = tracked.end(side)
        const flag = ENTERED_BY_SENDING[to]
        if (flag !== undefined) {
            const own = this.open.find(
                one =>
                    one.tracked === tracked &&
                    one.from === side &&
                    one.flags[flag] &&
                    one.row[side][0] === "" &&
                    Math.abs(one.time - time) <= SENT_WITHIN
            )
            if (own === undefined)
                this.coming.push({ tracked, side, to, time, row: this.changed(tracked, side, to, time) })
            else this.beside(own, side, [to, own.row[side][1]])
            end.shown = to
            return
        }
        // several segments may have arrived before the stack looked: the first one that explains the state caused it
        const cause = this.open.find(
            one =>
                one.tracked === tracked && belongs(one, side, time, isInferred) && causes(one, side, from, to)
        )
        if (cause === undefined) this.changed(tracked, side, to, time)
        else {
            const isUnseen = cause.from !== side && cause.row[side][0] === "" && end.shown !== from
            this.beside(cause, side, [isUnseen ? from : cause.row[side][0], to])
        }
        end.shown = to
    }

    /** Takes the state that the sender of this segment entered by it, and the row of that state away; returns "" for none. */
    private takeComing(view: TcpView, from: Side, time: number, tracked: Tracked): string {
        this.coming = this.coming.filter(one => time - one.time <= SENT_WITHIN)
        const own = this.coming.find(
            one => one.tracked === tracked && one.side === from && view.flags[ENTERED_BY_SENDING[one.to]!]
        )
        if (own === undefined) return ""
        this.coming = this.coming.filter(one => one !== own)
        this.put({ ...own.row, form: "gone" })
        return own.to
    }

    private changed(tracked: Tracked, side: Side, to: string, time: number): RowView {
        const beside = [to, ""] as const
        return this.row(time, {
            form: "state",
            left: side === "left" ? beside : ["", ""],
            right: side === "right" ? beside : ["", ""],
            connection: tracked.number,
        })
    }

    private beside(one: SegmentRow, side: Side, states: readonly [string, string]): void {
        one.row = { ...one.row, [side]: states }
        this.put(one.row)
    }

    private row(time: number, fields: Partial<RowView>): RowView {
        const row: RowView = {
            kind: "row",
            device: this.device,
            number: ++this.made,
            time: seconds(time).trim(),
            form: "note",
            tone: "quiet",
            from: undefined,
            text: [],
            counted: fields.text ?? [],
            left: ["", ""],
            right: ["", ""],
            lost: undefined,
            connection: undefined,
            ...fields,
        }
        this.put(row)
        return row
    }
}

/** Returns true when a segment that was just sent or has just arrived has no state yet beside its end at `side`. */
function belongs(
    { row, from, time: sent, arrives }: SegmentRow,
    side: Side,
    time: number,
    isInferred: boolean
): boolean {
    if (row[side][1] !== "" || (from !== side && arrives === Number.POSITIVE_INFINITY)) return false
    if (from === side) return Math.abs(time - sent) <= SENT_WITHIN
    // the stack's clock has whole milliseconds
    return time - arrives <= ARRIVED_WITHIN && (isInferred || arrives - time < 1)
}

/** Returns true when a segment may bring the end at `side` from one state to another (RFC 9293 section 3.3.2, figure 5). */
function causes({ from: sender, flags, acksFin }: SegmentRow, side: Side, from: string, to: string): boolean {
    // the sender of a reset is CLOSED
    if (sender === side) return to === "CLOSED" && flags.rst
    if (flags.rst) return to === "CLOSED" || to === "LISTEN"
    switch (to) {
        case "SYN-RECEIVED":
            return flags.syn
        case "ESTABLISHED":
            return from === "SYN-SENT" ? flags.syn : flags.ack
        case "CLOSE-WAIT":
        case "CLOSING":
            return flags.fin
        case "TIME-WAIT":
            return from === "CLOSING" ? acksFin : flags.fin
        case "FIN-WAIT-2":
            return acksFin
        case "CLOSED":
            return from === "LAST-ACK" && acksFin
        default:
            return false
    }
}
