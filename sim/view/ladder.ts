// Draws connections between two hosts as they happen: two lifelines, an arrow for each segment, states in the margins.
//
//     0.0000     SYN-SENT │   SYN     seq 4321                        │ LISTEN
//                         │── len 0    win 2048  mss 1460 ───────────►│ SYN-RECEIVED
//
// A state that the sender enters by sending is beside the numbers; a state that the receiver enters is at the arrow's head.
// To know both, the ladder holds a segment back for a moment: until the next call, or until `later` runs. A state that is entered by
// sending waits for its segment in the same way; what is drawn meanwhile waits after it, so that time never runs backwards.
import { oneLine, optionWords, preview } from "./describe"
import type { TcpView, View } from "./dissect"
import { ENTERED_BY_SENDING, FLAGS_WIDTH, type FlagName, flagColumn } from "./flags"
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
import { partnerWords } from "./partner"
import { fateOf, lineWords, type Passage, remarksOn } from "./remarks"
import { Repeats } from "./repeats"

export type { Side } from "./ladder-style"
export type { Passage } from "./remarks"

export interface LadderOptions {
    /** Writes whole lines, each with its newline. */
    write(text: string): void
    /** Columns of the terminal, read for each line: when they change, the boxes are drawn again. The ladder is 60 to 120 columns wide. */
    readonly width: number
    color: boolean
    /** Draws with box drawing characters and arrows instead of plain ASCII. */
    unicode: boolean
    readonly left: { readonly name: string; readonly ip: string }
    readonly right: { readonly name: string; readonly ip: string }
    /** Returns true when an end reports no states, so that those that its segments show are drawn. Without it no end is silent. */
    isSilent?(side: Side, ports: Ports): boolean
    /**
     * Runs `run` after `ms` milliseconds of real time, so that the last segment does not wait for the next one.
     * Without it the caller calls `flush` when nothing more is to come.
     */
    later?: (ms: number, run: () => void) => void
    /** The longest time between a segment and a state that belongs to it, ms: in real time a busy computer reports states late. */
    together?: number
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

/** The lane of a terminal of 80 columns: in a smaller one numbers have no columns, and long texts have several lines. */
const ROOMY = laneWidth(80)

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
    readonly remarks: readonly string[]
    /** The states that the segment shows of ends that may be silent. */
    readonly inferred: { readonly side: Side; readonly from: string; readonly to: string }[]
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

/** A state that an end entered by sending a segment which has not come yet. */
interface Coming extends Change {
    readonly flag: FlagName
    /** The connection that was drawn last when the change was reported. */
    drawn: Ports | undefined
    /** The segment before it, which may still be held back itself. */
    readonly before: Arrow | undefined
    /** True when later lines had to be written before it. */
    isOvertaken: boolean
}

/** What is done once a segment and a change, which are held back, are drawn. */
interface Waiting {
    readonly run: () => void
    arrow: Arrow | undefined
    coming: Coming | undefined
}

/** The states from which a connection goes to CLOSED without sending a reset. */
const CLOSES: readonly string[] = ["LAST-ACK", "TIME-WAIT", "LISTEN", "SYN-SENT", "SYN-RECEIVED"]

function same(a: Ports, b: Ports | undefined): boolean {
    return a.left === b?.left && a.right === b.right && a.host === b.host
}

export class Ladder {
    private readonly glyphs: Glyphs
    private readonly repeats = new Repeats()
    private readonly shown: Margins = { left: "", right: "" }
    /** The lane below the boxes that were drawn last; 0 before any. */
    private lane = 0
    private ports: Ports | undefined
    private arrow: Arrow | undefined
    /** The segment that is being drawn. */
    private flushed: Arrow | undefined
    private coming: Coming | undefined
    /** The lines after the change that is coming. */
    private held: string[] = []
    /** What waits until nothing is held back. */
    private readonly waiting: Waiting[] = []
    /** The time in the last line, ms. */
    private last = Number.NEGATIVE_INFINITY
    private turn = 0
    private readonly together: number

    constructor(private readonly options: LadderOptions) {
        this.together = options.together ?? TOGETHER_MS
        this.glyphs = options.unicode ? unicodeGlyphs : asciiGlyphs
    }

    /** Draws a frame: TCP as an arrow with its numbers, anything else as one dim line. */
    segment(view: View, passage: Passage): void {
        this.flushArrow()
        if (this.coming && passage.time - this.coming.time > this.together) this.flushComing()
        const from = passage.from ?? this.sender(view)
        if (view.kind !== "tcp" || from === undefined) {
            this.oneLiner(view, passage, from)
            return
        }
        const ports = this.portsOf(view, from)
        const top = { left: "", right: "" }
        const coming = this.takeComing(view, from, ports)
        if (coming !== undefined) {
            top[from] = coming.to
            this.shown[from] = coming.to
        }
        const bottom = { left: "", right: "" }
        const { words: remarks, style } = remarksOn(view, passage, this.repeats)
        this.arrow = { view, passage, from, ports, style, remarks, top, bottom, inferred: [] }
        for (const one of this.waiting) {
            if (coming === undefined || one.coming !== coming) continue
            one.coming = undefined
            one.arrow = this.arrow
        }
        const flight = (passage.arrives ?? passage.time) - passage.time
        this.wait(Number.isFinite(flight) ? flight : 0)
    }

    /**
     * Shows that one end went from one state to another at `time` (ms), beside the segment that caused it, if any.
     * With several connections, `ports` says which one it is.
     */
    state(side: Side, from: string, to: string, time: number, ports?: Ports): void {
        const arrow = ports === undefined || same(ports, this.arrow?.ports) ? this.arrow : undefined
        const isOfArrow = arrow !== undefined && this.belongs(arrow, side, to, time)
        const aborts = to === "CLOSED" && !CLOSES.includes(from) && !isOfArrow
        const flag = aborts ? "rst" : ENTERED_BY_SENDING[to]
        if (flag !== undefined) {
            if (arrow?.from === side && arrow.view.flags[flag] && arrow.top[side] === "") {
                arrow.top[side] = to
                this.shown[side] = to
                return
            }
            this.flushComing()
            this.coming = {
                side,
                to,
                time,
                ports,
                flag,
                drawn: this.ports,
                before: this.arrow,
                isOvertaken: false,
            }
            this.wait(0)
            return
        }
        if (isOfArrow) {
            if (arrow.from !== side && arrow.top[side] === "" && this.shown[side] !== from) {
                arrow.top[side] = from
            }
            arrow.bottom[side] = to
            this.shown[side] = to
            return
        }
        this.flushArrow()
        this.changed({ side, to, time, ports })
    }

    /** Notes a change of state that the last segment shows; it is drawn if that end is silent. */
    infer(side: Side, from: string, to: string): void {
        this.arrow?.inferred.push({ side, from, to })
    }

    /** Writes a remark between the lifelines, beside its time (ms), if it has one. */
    note(text: string, time?: number): void {
        this.flushArrow()
        const words = printable(text, this.options.unicode).split(/\s+/)
        let margin = time
        this.begin()
        for (const line of wrap(words, this.lane - 4, this.glyphs.ellipsis)) {
            this.line(margin, "", paint(this.style("dim"), `  ${line}`.padEnd(this.lane)), "")
            margin = undefined
        }
    }

    /** Draws what is held back. The caller calls it when nothing more is to come for now. */
    flush(): void {
        this.flushArrow()
        this.flushComing()
    }

    /** Draws the segment that is held back, so that what it has brought about can be written below it. */
    flushArrived(): void {
        this.flushArrow()
        this.release()
    }

    /** Runs `run` once what is held back now is drawn: what is reported of a segment stands below it and the states that it caused. */
    afterwards(run: () => void): void {
        this.waiting.push({ run, arrow: this.arrow, coming: this.coming })
        this.settle()
    }

    /** Runs what waits for nothing any more, in its order. */
    private settle(): void {
        for (let [first] = this.waiting; first !== undefined; [first] = this.waiting) {
            if (first.arrow !== undefined && first.arrow === this.arrow) return
            if (first.coming !== undefined && first.coming === this.coming) return
            this.waiting.shift()
            this.release()
            first.run()
        }
    }

    private wait(flight: number): void {
        const turn = ++this.turn
        this.options.later?.(flight + this.together, () => {
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
            return to === "CLOSED" && arrow.view.flags.rst && time - arrow.passage.time <= this.together
        }
        return arrow.passage.lost === undefined && time - arrives <= this.together
    }

    private flushArrow(): void {
        const arrow = this.arrow
        if (arrow === undefined) return
        this.arrow = undefined
        this.flushed = arrow
        this.begin()
        this.connection(arrow.ports)
        this.showInferred(arrow)
        const { style, top, bottom, passage } = arrow
        const { labels, text } = this.words(arrow)
        const receiver = arrow.from === "left" ? "right" : "left"
        const fate = fateOf(passage)
        if (fate !== undefined) bottom[receiver] = fate
        labels.forEach((label, index) => {
            const inner = this.tint(style, `   ${label}`.padEnd(this.lane))
            if (index === 0) this.line(passage.time, top.left, inner, top.right)
            else this.line(undefined, "", inner, "")
        })
        const drawn = shaft(this.glyphs, this.lane, text, arrow.from, fate !== undefined)
        this.line(
            undefined,
            bottom.left,
            this.tint(style, drawn),
            bottom.right,
            fate === undefined ? undefined : receiver
        )
        this.flushed = undefined
        if (this.coming?.before === arrow) this.coming.drawn = this.ports
        this.settle()
    }

    /** Adds the states of silent ends to an arrow. */
    private showInferred({ inferred, from: sender, ports, top, bottom }: Arrow): void {
        for (const { side, from, to } of inferred) {
            if (!this.options.isSilent?.(side, ports)) continue
            if (side === sender) top[side] = to
            else {
                if (top[side] === "" && this.shown[side] !== from) top[side] = from
                bottom[side] = to
            }
            this.shown[side] = to
        }
    }

    /** Takes the state that waits for this segment, if any. */
    private takeComing(view: TcpView, from: Side, ports: Ports): Change | undefined {
        const coming = this.coming
        if (coming?.side !== from || !same(ports, coming.ports ?? ports)) return undefined
        if (!view.flags[coming.flag]) return undefined
        this.coming = undefined
        this.release()
        return coming
    }

    /** Draws the change whose segment does not come, and what was held back after it. */
    private flushComing(): void {
        const coming = this.coming
        if (coming === undefined) return
        this.coming = undefined
        const { held, ports } = this
        this.held = []
        if (held.length === 0) this.changed(coming)
        else {
            const { last } = this
            if (!coming.isOvertaken) this.last = Math.min(last, coming.time)
            this.ports = coming.drawn
            this.changed(coming)
            this.last = last
            if (coming.drawn !== undefined) this.connection(coming.drawn)
            for (const line of held) this.options.write(line)
            this.ports = ports
        }
        this.settle()
    }

    /** Writes the lines that were held back. */
    private release(): void {
        const { held, coming } = this
        this.held = []
        if (coming !== undefined && held.length > 0) coming.isOvertaken = true
        for (const line of held) this.options.write(line)
    }

    private changed({ side, to, time, ports }: Change): void {
        this.begin()
        if (ports !== undefined) this.connection(ports)
        this.shown[side] = to
        const blank = " ".repeat(this.lane)
        this.line(time, side === "left" ? to : "", blank, side === "right" ? to : "")
    }

    /** Names the ports at the lifelines if the line before belongs to another connection. */
    private connection(ports: Ports): void {
        if (same(ports, this.ports)) return
        this.begin()
        this.ports = ports
        const left = ` port ${ports.left}`
        const whose = ports.host === undefined ? "" : `${ports.host} `
        const text = left + `${whose}port ${ports.right} `.padStart(this.lane - left.length)
        this.line(undefined, "", this.tint("dim", text), "")
    }

    /** Returns the texts of an arrow: a line with as many numbers in columns as fit, and the rest for the arrow itself. */
    private words({ view, passage, from, remarks }: Arrow): { labels: string[]; text: string } {
        const { ellipsis } = this.glyphs
        const flags = flagColumn(view.flags)
        const columns = [
            flags.column.padEnd(FLAGS_WIDTH),
            `seq ${view.seq}`.padEnd(14),
            (view.flags.ack ? `ack ${view.ack}` : "").padEnd(14),
            `len ${view.length}`.padEnd(8),
            `win ${view.window}`.padEnd(9),
        ]
        let label = columns.shift()!
        while (columns.length > 0 && label.length + 1 + columns[0]!.trimEnd().length <= this.lane - 3) {
            label += ` ${columns.shift()}`
        }
        const room = this.lane - (fateOf(passage) === undefined ? 6 : 10)
        const isNarrow = this.lane < ROOMY
        const numbers = columns
            .map(column => (isNarrow ? column.trim() : column))
            .filter(column => column.trim() !== "")
        // after the handshake every segment has timestamps: only those of a SYN are shown
        const shown = view.options.filter(({ kind }) => kind !== "timestamps" || view.flags.syn)
        const options = shown.flatMap(optionWords)
        const words = [...numbers, ...flags.rest, ...options, ...remarks]
        const lines = wrap(words, room, ellipsis)
        this.addPartner(lines, view, passage, from, room)
        const text = lines.pop() ?? ""
        const data = preview(view.payload, room - text.length - 1, ellipsis, view.length)
        const alone = isNarrow && data === "" ? preview(view.payload, room, ellipsis, view.length) : ""
        if (alone !== "") return { labels: [label.trimEnd(), ...lines, text], text: alone }
        const spoken = [text, data].filter(part => part !== "").join(" ")
        return { labels: [label.trimEnd(), ...lines], text: spoken.trimEnd() }
    }

    /** Names the other host of a segment, if it is not the right one, on the last line, or below it where the data has no room otherwise. */
    private addPartner(lines: string[], view: TcpView, passage: Passage, from: Side, room: number): void {
        const partner = this.partner(view, passage, from, room)
        if (partner.length === 0) return
        const last = lines.pop() ?? ""
        const together = [last, ...partner].join(" ")
        const data = preview(view.payload, room - last.length - 1, this.glyphs.ellipsis, view.length)
        const length = together.length + (data === "" ? 0 : 1 + data.length)
        lines.push(...(length <= room ? [together] : [last, ...partner]))
    }

    /** Returns words for the other host of a frame that is not the right one, together if they fit into `room` columns. */
    private partner(view: View, { mac = "" }: Passage, from: Side, room: number): string[] {
        const { left, right } = this.options
        const words = partnerWords(view, from, left.ip, right.ip, mac)
        const whole = words.join(" ")
        return whole === "" || whole.length > room ? words : [whole]
    }

    /** Draws a frame that is no segment between the lifelines. */
    private oneLiner(view: View, passage: Passage, from: Side | undefined): void {
        this.begin()
        const words = view.kind === "tcp" ? `TCP ${view.source} to ${view.destination}` : oneLine(view)
        const fate = fateOf(passage)
        const remarks = lineWords(passage).map(word => ` ${word}`)
        const room = this.lane - (fate === undefined ? 6 : 10) - remarks.join("").length
        const partner = from === undefined ? [] : this.partner(view, passage, from, room)
        const lines =
            this.lane < ROOMY
                ? wrap([...words.split(" "), ...partner], room, this.glyphs.ellipsis)
                : wrap([words, ...partner], room, this.glyphs.ellipsis)
        const text = lines.pop() + remarks.join("")
        const style = fate === undefined ? "dim" : "red"
        const inner =
            from === undefined
                ? `   ${text}`.padEnd(this.lane)
                : shaft(this.glyphs, this.lane, text, from, fate !== undefined)
        lines.forEach((line, index) => {
            const above = this.tint(style, `   ${line}`.padEnd(this.lane))
            this.line(index === 0 ? passage.time : undefined, "", above, "")
        })
        const margins = { left: "", right: "" }
        const receiver = from === "left" ? "right" : "left"
        if (fate !== undefined && from !== undefined) margins[receiver] = fate
        this.line(
            lines.length === 0 ? passage.time : undefined,
            margins.left,
            this.tint(style, inner),
            margins.right,
            fate === undefined ? undefined : receiver
        )
    }

    /** Draws the boxes before the first line, and when the width has changed. */
    private begin(): void {
        const lane = laneWidth(this.options.width)
        if (lane === this.lane) return
        this.lane = lane
        this.release()
        this.header()
    }

    /** Writes a line, beside its time (ms) if it has one; a time before that of an earlier line is left out. */
    private line(time: number | undefined, left: string, inner: string, right: string, alarm?: Side): void {
        const life = this.tint("dim", this.glyphs.life)
        const state = (side: Side, text: string) => this.tint(alarm === side ? "red" : "bold", text)
        const leftState = this.marginal(left)
        const leftCell = " ".repeat(MARGIN - leftState.length) + state("left", leftState)
        const rightCell = right === "" ? "" : ` ${state("right", this.marginal(right))}`
        const isShown = time !== undefined && time >= this.last
        if (isShown) this.last = time
        const when = isShown ? this.tint("dim", seconds(time)) : " ".repeat(TIME_WIDTH)
        this.write(`${when} ${leftCell} ${life}${inner}${life}${rightCell}\n`)
    }

    /** Writes a line, or holds it back after the change that is coming. */
    private write(line: string): void {
        const { coming, flushed } = this
        const isEarlier = flushed !== undefined && coming?.before === flushed
        if (coming === undefined || isEarlier) this.options.write(line)
        else this.held.push(line)
    }

    private marginal(text: string): string {
        return clip(printable(text, this.options.unicode), MARGIN, this.glyphs.ellipsis)
    }

    /** Draws a box for each host, with its lifeline below. */
    private header(): void {
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
