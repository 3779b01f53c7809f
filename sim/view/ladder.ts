// Draws connections between two hosts as they happen: two lifelines, an arrow for each segment, states in the margins.
//
//     0.0000     SYN-SENT │   SYN     seq 4321                        │ LISTEN
//                         │── len 0    win 2048  mss 1460 ───────────►│ SYN-RECEIVED
//
// A state that the sender enters by sending is beside the numbers; a state that the receiver enters is at the arrow's head.
// To know both, the ladder holds a segment back for a moment: until the next call, or until `later` runs.
import { oneLine, optionWords, preview } from "./describe"
import type { TcpView, View } from "./dissect"
import { ENTERED_BY_SENDING, flagNames } from "./flags"
import {
    asciiGlyphs,
    clip,
    type Glyphs,
    hostBox,
    laneWidth,
    MARGIN,
    paint,
    printable,
    type Side,
    type Style,
    seconds,
    shaft,
    TIME_WIDTH,
    unicodeGlyphs,
    wrap,
} from "./ladder-style"
import { LOST, type Passage, remarksOn } from "./remarks"
import { Repeats } from "./repeats"

export type { Side } from "./ladder-style"
export type { Passage } from "./remarks"

export interface LadderOptions {
    /** Writes whole lines, each with its newline. */
    write(text: string): void
    /** Columns of the terminal; the ladder is 60 to 120 columns wide. */
    width: number
    color: boolean
    /** Draws with box drawing characters and arrows instead of plain ASCII. */
    unicode: boolean
    left: { name: string; ip: string }
    right: { name: string; ip: string }
    /**
     * Runs `run` after `ms` milliseconds of real time, so that the last segment does not wait for the next one.
     * Without it the caller calls `flush` when nothing more is to come.
     */
    later?: (ms: number, run: () => void) => void
}

/** A connection of the left host, by its ports. */
export interface Ports {
    readonly left: number
    readonly right: number
    /** The host at its other end; undefined for the host at the right lifeline. */
    readonly host?: string | undefined
}

/** A state belongs to a segment that arrived at most this long before it, or is sent at most this long after it, ms. */
const TOGETHER_MS = 25

interface Margins {
    left: string
    right: string
}

interface Arrow {
    readonly view: TcpView
    readonly passage: Passage
    readonly from: Side
    readonly ports: Ports
    readonly style: Style
    readonly labels: readonly string[]
    readonly text: string
    /** States beside the first line and beside the last line. */
    readonly top: Margins
    readonly bottom: Margins
}

interface Change {
    readonly side: Side
    readonly to: string
    readonly time: number
    readonly ports: Ports | undefined
}

function same(a: Ports, b: Ports | undefined): boolean {
    return a.left === b?.left && a.right === b.right && a.host === b.host
}

export class Ladder {
    private readonly glyphs: Glyphs
    private readonly lane: number
    private readonly repeats = new Repeats()
    private readonly shown: Margins = { left: "", right: "" }
    private hasHeader = false
    private ports: Ports | undefined
    private arrow: Arrow | undefined
    /** A state that was entered by sending a segment which has not come yet. */
    private coming: Change | undefined
    private turn = 0

    constructor(private readonly options: LadderOptions) {
        this.glyphs = options.unicode ? unicodeGlyphs : asciiGlyphs
        this.lane = laneWidth(options.width)
    }

    /** Draws a frame: TCP as an arrow with its numbers, anything else as one dim line. */
    segment(view: View, passage: Passage): void {
        this.flushArrow()
        if (this.coming && passage.time - this.coming.time > TOGETHER_MS) this.flushComing()
        const from = passage.from ?? this.sender(view)
        if (view.kind !== "tcp" || from === undefined) {
            const text = view.kind === "tcp" ? `TCP ${view.source} to ${view.destination}` : oneLine(view)
            this.line(seconds(passage.time), "", this.oneLiner(text, from, passage.lost), "")
            return
        }
        const ports = this.portsOf(view, from)
        this.connection(ports)
        const top = { left: "", right: "" }
        const coming = this.takeComing(view, from, ports)
        if (coming !== undefined) {
            top[from] = coming.to
            this.shown[from] = coming.to
        }
        const bottom = { left: "", right: "" }
        this.arrow = { view, passage, from, ports, top, bottom, ...this.words(view, passage) }
        const flight = (passage.arrives ?? passage.time) - passage.time
        this.wait(Number.isFinite(flight) ? flight : 0)
    }

    /**
     * Shows that one end went from one state to another at `time` (ms), beside the segment that caused it, if any.
     * With several connections, `ports` says which one it is.
     */
    state(side: Side, from: string, to: string, time: number, ports?: Ports): void {
        const flag = ENTERED_BY_SENDING[to]
        const arrow = ports === undefined || same(ports, this.arrow?.ports) ? this.arrow : undefined
        if (flag !== undefined) {
            if (arrow?.from === side && arrow.view.flags[flag] && arrow.top[side] === "") {
                arrow.top[side] = to
                this.shown[side] = to
                return
            }
            this.flushComing()
            this.coming = { side, to, time, ports }
            this.wait(0)
            return
        }
        if (arrow !== undefined && this.belongs(arrow, side, to, time)) {
            if (arrow.from !== side && arrow.top[side] === "" && this.shown[side] !== from) {
                arrow.top[side] = from
            }
            arrow.bottom[side] = to
            this.shown[side] = to
            return
        }
        this.flush()
        this.changed({ side, to, time, ports })
    }

    /** Writes a remark between the lifelines, beside its time (ms), if it has one. */
    note(text: string, time?: number): void {
        this.flush()
        const words = printable(text, this.options.unicode).split(/\s+/)
        let margin = time === undefined ? "" : seconds(time)
        for (const line of wrap(words, this.lane - 4, this.glyphs.ellipsis)) {
            this.line(margin, "", paint(this.style("dim"), `  ${line}`.padEnd(this.lane)), "")
            margin = ""
        }
    }

    /** Draws what is held back. The caller calls it when nothing more is to come for now. */
    flush(): void {
        this.flushArrow()
        this.flushComing()
    }

    private wait(flight: number): void {
        const turn = ++this.turn
        this.options.later?.(flight + TOGETHER_MS, () => {
            if (this.turn === turn) this.flush()
        })
    }

    private sender(view: View): Side | undefined {
        const { left, right } = this.options
        const [source, destination] =
            view.kind === "arp"
                ? [view.senderIp, view.targetIp]
                : "source" in view
                  ? [view.source, view.destination]
                  : []
        if (source === left.ip || destination === right.ip) return "left"
        if (source === right.ip || destination === left.ip) return "right"
        return undefined
    }

    private portsOf(view: TcpView, from: Side): Ports {
        const [host, left, right] =
            from === "left"
                ? [view.destination, view.sourcePort, view.destinationPort]
                : [view.source, view.destinationPort, view.sourcePort]
        return { left, right, host: host === this.options.right.ip ? undefined : host }
    }

    private belongs(arrow: Arrow, side: Side, to: string, time: number): boolean {
        if (arrow.bottom[side] !== "") return false
        const arrives = arrow.passage.arrives ?? arrow.passage.time
        if (arrow.from === side) {
            // the sender of a reset is CLOSED
            return to === "CLOSED" && arrow.view.flags.rst && time - arrow.passage.time <= TOGETHER_MS
        }
        return arrow.passage.lost === undefined && time - arrives <= TOGETHER_MS
    }

    private flushArrow(): void {
        const arrow = this.arrow
        if (arrow === undefined) return
        this.arrow = undefined
        const { labels, style, top, bottom, passage } = arrow
        const receiver = arrow.from === "left" ? "right" : "left"
        if (passage.lost !== undefined) bottom[receiver] = LOST[passage.lost]
        labels.forEach((label, index) => {
            const inner = this.tint(style, `   ${label}`.padEnd(this.lane))
            if (index === 0) this.line(seconds(passage.time), top.left, inner, top.right)
            else this.line("", "", inner, "")
        })
        const drawn = shaft(this.glyphs, this.lane, arrow.text, arrow.from, passage.lost !== undefined)
        this.line("", bottom.left, this.tint(style, drawn), bottom.right, passage.lost && receiver)
    }

    /** Takes the state that waits for this segment, if any. */
    private takeComing(view: TcpView, from: Side, ports: Ports): Change | undefined {
        const coming = this.coming
        if (coming?.side !== from || !same(ports, coming.ports ?? ports)) return undefined
        if (!view.flags[ENTERED_BY_SENDING[coming.to]!]) return undefined
        this.coming = undefined
        return coming
    }

    private flushComing(): void {
        const coming = this.coming
        this.coming = undefined
        if (coming !== undefined) this.changed(coming)
    }

    private changed({ side, to, time, ports }: Change): void {
        if (ports !== undefined) this.connection(ports)
        this.shown[side] = to
        const blank = " ".repeat(this.lane)
        this.line(seconds(time), side === "left" ? to : "", blank, side === "right" ? to : "")
    }

    /** Names the ports at the lifelines if the line before belongs to another connection. */
    private connection(ports: Ports): void {
        if (same(ports, this.ports)) return
        this.ports = ports
        const left = ` port ${ports.left}`
        const whose = ports.host === undefined ? "" : `${ports.host} `
        const text = left + `${whose}port ${ports.right} `.padStart(this.lane - left.length)
        this.line("", "", this.tint("dim", text), "")
    }

    /** Returns the texts of an arrow: a line with as many numbers in columns as fit, and the rest for the arrow itself. */
    private words(view: TcpView, passage: Passage): Pick<Arrow, "labels" | "text" | "style"> {
        const { ellipsis } = this.glyphs
        const flags = flagNames(view.flags)
        const columns = [
            flags.padEnd(7),
            `seq ${view.seq}`.padEnd(14),
            (view.flags.ack ? `ack ${view.ack}` : "").padEnd(14),
            `len ${view.length}`.padEnd(8),
            `win ${view.window}`.padEnd(9),
        ]
        let label = columns.shift()!
        while (columns.length > 0 && label.length + 1 + columns[0]!.trimEnd().length <= this.lane - 3) {
            label += ` ${columns.shift()}`
        }
        const remarks = remarksOn(view, passage, this.repeats)
        const room = this.lane - (passage.lost === undefined ? 6 : 10)
        const numbers = columns.filter(column => column.trim() !== "")
        // after the handshake every segment has timestamps: only those of a SYN are shown
        const shown = view.options.filter(({ kind }) => kind !== "timestamps" || view.flags.syn)
        const options = shown.flatMap(optionWords)
        const words = [...numbers, ...options, ...remarks.words]
        const lines = wrap(words, room, ellipsis)
        const text = lines.pop() ?? ""
        const data = preview(view.payload, room - text.length - 1, ellipsis, view.length)
        const spoken = [text, data].filter(part => part !== "").join(" ")
        return { labels: [label.trimEnd(), ...lines], text: spoken.trimEnd(), style: remarks.style }
    }

    private oneLiner(text: string, from: Side | undefined, lost: Passage["lost"]): string {
        const fitting = clip(text, this.lane - 6, this.glyphs.ellipsis)
        if (from === undefined) return this.tint("dim", `   ${fitting}`.padEnd(this.lane))
        return this.tint("dim", shaft(this.glyphs, this.lane, fitting, from, lost !== undefined))
    }

    private line(time: string, left: string, inner: string, right: string, alarm?: Side): void {
        if (!this.hasHeader) this.header()
        const life = this.tint("dim", this.glyphs.life)
        const state = (side: Side, text: string) => this.tint(alarm === side ? "red" : "bold", text)
        const leftState = this.marginal(left)
        const leftCell = " ".repeat(MARGIN - leftState.length) + state("left", leftState)
        const rightCell = right === "" ? "" : ` ${state("right", this.marginal(right))}`
        const when = time === "" ? " ".repeat(TIME_WIDTH) : this.tint("dim", time)
        this.options.write(`${when} ${leftCell} ${life}${inner}${life}${rightCell}\n`)
    }

    private marginal(text: string): string {
        return clip(printable(text, this.options.unicode), MARGIN, this.glyphs.ellipsis)
    }

    /** Draws a box for each host, with its lifeline below. */
    private header(): void {
        this.hasHeader = true
        const { unicode, left, right } = this.options
        const boxes = [left, right].map(host =>
            hostBox(this.glyphs, printable(host.name, unicode), printable(host.ip, unicode))
        )
        const leftAt = TIME_WIDTH + 1 + MARGIN + 1
        const rightAt = leftAt + 1 + this.lane
        for (let row = 0; row < 4; row++) {
            const [first, second] = [boxes[0]![row]!, boxes[1]![row]!]
            const time = row === 3 ? "time s".padStart(TIME_WIDTH) : ""
            const line = time.padEnd(leftAt - (first.length - 1) / 2) + first
            const whole = line.padEnd(rightAt - (second.length - 1) / 2) + second
            this.options.write(`${row === 1 ? this.tint("bold", whole) : whole}\n`)
        }
    }

    private tint(style: Style, text: string): string {
        return paint(this.style(style), text)
    }

    private style(style: Style): Style {
        return this.options.color ? style : "plain"
    }
}
