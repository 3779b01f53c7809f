// Draws the ladder of a connection as a picture: two lifelines, an arrow for each segment, states in the margins.

import { counted } from "../diagnosis/words"
import { arrowTexts } from "../view/describe"
import { clip, seconds, wrap } from "../view/ladder-style"
import { other } from "./connection"
import type { Row, SegmentRow } from "./recording"
import { Bit } from "./segment"
import { type Drawing, LETTER, label, WIDTH } from "./svg"
import { heading } from "./text"
import type { Wording } from "./wording"

const LEFT = 220
const RIGHT = WIDTH - 150
/** The letters that fit between the lifelines. */
const ROOM = Math.floor((RIGHT - LEFT - 24) / LETTER)
const ROW = 50
const LINE = 17
const TOP = 50

/** Returns the texts of an arrow: a line above it and one below. */
export function arrowWords(wording: Wording, row: SegmentRow): { above: string; below: string } {
    const { above, below } = arrowTexts(wording.view(row))
    if (wording.isCorrupted(row)) below.splice(2, 0, "bad checksum")
    return { above: [...above, ...wording.remarks(row)].join("  "), below: below.join("  ") }
}

/** Returns the class of a segment, which colours it. */
export function rowClass(wording: Wording, row: SegmentRow): string {
    if (row.bits & Bit.Rst || wording.isCorrupted(row)) return "bad"
    if (wording.isTrouble(row)) return "trouble"
    if (row.bits & Bit.Syn) return "syn"
    if (row.bits & Bit.Fin) return "fin"
    return row.length > 0 ? "data" : "plain"
}

/** Draws the ladder. */
export function ladderDrawing(wording: Wording): Drawing {
    const { connection, recording, names } = wording
    const { client } = connection
    const parts: string[] = []
    let y = TOP
    const draw = (row: Row) => {
        const { text, height } = row.kind === "note" ? note(y, row.text) : arrow(wording, row, y)
        parts.push(text)
        y += height
    }
    recording.first.forEach(draw)
    if (recording.omitted > 0) {
        const gap = note(y, `${counted(recording.omitted, "segment")} are not drawn`)
        parts.push(gap.text)
        y += gap.height
    }
    recording.last.forEach(draw)
    const height = y + 12
    const head = (x: number, name: string, role: string) =>
        label(x, 18, name, 'class="title" text-anchor="middle"') +
        label(x, 34, role, 'class="quiet" text-anchor="middle"')
    const body = [
        head(LEFT, names[client], "client"),
        head(RIGHT, names[other(client)], "server"),
        label(8, 34, "time s", 'class="quiet"'),
        `<path class="life" d="M${LEFT} 40V${height}M${RIGHT} 40V${height}"/>`,
        ...parts,
    ]
    const title = `Segments between ${names[client]} and ${names[other(client)]}`
    return { title, description: heading(wording).join(" "), height, body: body.join("\n") }
}

function arrow(wording: Wording, row: SegmentRow, y: number): { text: string; height: number } {
    const { above, below } = arrowWords(wording, row)
    const isRight = wording.side(row.from) === "left"
    const at = y + 20
    const [tail, tip] = isRight ? [LEFT, RIGHT] : [RIGHT, LEFT]
    const back = isRight ? tip - 9 : tip + 9
    const parts = [
        `<g class="row ${rowClass(wording, row)}" id="s${row.packet}">`,
        label(8, at + 4, seconds(row.time / 1e6).trim(), 'class="quiet"'),
        label(LEFT + 12, y + 14, clip(above, ROOM, "…")),
        `<path class="arrow" d="M${tail} ${at}H${back}"/><path class="head" d="M${tip} ${at}L${back} ${at - 4}V${at + 4}Z"/>`,
        label(LEFT + 12, y + 36, clip(below, ROOM, "…"), 'class="quiet"'),
    ]
    for (const { end, to, from } of row.changes) {
        const isLeft = wording.side(end) === "left"
        // the receiver changes where the arrow ends, below it; the sender before it sends
        const line = end === row.from ? y + 14 : y + 36
        const place = isLeft ? `class="state" text-anchor="end"` : `class="state"`
        const x = isLeft ? LEFT - 8 : RIGHT + 8
        if (end !== row.from && from === "LISTEN")
            parts.push(label(x, y + 14, from, place.replace("state", "quiet")))
        parts.push(label(x, line, to, place))
    }
    parts.push("</g>")
    const explained = row.explanation === undefined ? undefined : note(y + ROW, row.explanation)
    if (explained !== undefined) parts.push(explained.text)
    return { text: parts.join(""), height: ROW + (explained?.height ?? 0) }
}

function note(y: number, text: string): { text: string; height: number } {
    const lines = wrap(text.split(" "), ROOM, "…")
    return {
        text: lines.map((line, i) => label(LEFT + 12, y + 13 + i * LINE, line, 'class="quiet"')).join(""),
        height: lines.length * LINE + 6,
    }
}
