// The parts of a ladder diagram: characters, colours, columns, arrows, boxes.

export type Side = "left" | "right"

/** The characters of a diagram. */
export interface Glyphs {
    readonly life: string
    readonly dash: string
    readonly right: string
    readonly left: string
    readonly cross: string
    readonly ellipsis: string
    /** The corners of a box (top left, top right, bottom left, bottom right), and the point where the lifeline leaves it. */
    readonly box: readonly [string, string, string, string, string]
}

export const unicodeGlyphs: Glyphs = {
    life: "│",
    dash: "─",
    right: "►",
    left: "◄",
    cross: "✗",
    ellipsis: "…",
    box: ["╭", "╮", "╰", "╯", "┬"],
}

export const asciiGlyphs: Glyphs = {
    life: "|",
    dash: "-",
    right: ">",
    left: "<",
    cross: "X",
    ellipsis: "~",
    box: ["+", "+", "+", "+", "+"],
}

export type Style = "plain" | "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta"

const sgr: Record<Style, readonly [number, number] | undefined> = {
    plain: undefined,
    bold: [1, 22],
    dim: [2, 22],
    red: [31, 39],
    green: [32, 39],
    yellow: [33, 39],
    cyan: [36, 39],
    magenta: [35, 39],
}

/** Wraps text in the escape sequences of a style; empty text stays empty. */
export function paint(style: Style, text: string): string {
    const codes = sgr[style]
    return codes === undefined || text === "" ? text : `\x1b[${codes[0]}m${text}\x1b[${codes[1]}m`
}

/** The number of columns for the time. */
export const TIME_WIDTH = 8
/** The number of columns for the state beside each lifeline: SYN-RECEIVED is the longest. */
export const MARGIN = 12
/** The number of columns for everything but the lane: time, both margins, both lifelines, a blank between each. */
const AROUND = TIME_WIDTH + 1 + MARGIN + 1 + 1 + 1 + 1 + MARGIN

/** Returns the columns of the lane between the lifelines, for a ladder of `width` columns, but at least 60 and at most 120. */
export function laneWidth(width: number): number {
    return Math.min(120, Math.max(60, Math.floor(width) || 80)) - AROUND
}

/** Returns a time as seconds in TIME_WIDTH columns, with as many decimals as fit, at most four. */
export function seconds(ms: number): string {
    for (let decimals = 4; decimals > 0; decimals--) {
        const text = (ms / 1000).toFixed(decimals)
        if (text.length <= TIME_WIDTH) return text.padStart(TIME_WIDTH)
    }
    const whole = String(Math.floor(ms / 1000))
    return whole.length <= TIME_WIDTH ? whole.padStart(TIME_WIDTH) : ">3 years"
}

/** Matches all but Latin, Greek, Cyrillic, punctuation, arrows and lines, whose characters take one column each. */
const notOneColumn =
    /[^\x20-\x7e\u00a0-\u02ff\u0370-\u0481\u048a-\u04ff\u2010-\u2027\u2190-\u231a\u2500-\u25fc]/gu

/** Replaces control characters by blanks, and by `?` each character that is not one column wide or, without `unicode`, not ASCII. */
export function printable(text: string, unicode: boolean): string {
    const tame = text.replace(/[\p{Cc}\p{Cf}]/gu, " ")
    return tame.replace(unicode ? notOneColumn : /[^\x20-\x7e]/gu, "?")
}

/** Returns the text, or its beginning with an ellipsis if it is longer than `width`. */
export function clip(text: string, width: number, ellipsis: string): string {
    return text.length <= width ? text : text.slice(0, Math.max(0, width - 1)) + ellipsis
}

/** Puts words into lines of at most `width` columns; clips a longer word. */
export function wrap(words: readonly string[], width: number, ellipsis: string): string[] {
    const lines: string[] = []
    for (const word of words) {
        const last = lines.at(-1)
        if (last !== undefined && last.length + 1 + word.length <= width) {
            lines[lines.length - 1] = `${last} ${word}`
        } else {
            lines.push(clip(word, width, ellipsis))
        }
    }
    return lines
}

/** Draws an arrow of `width` columns from one side to the other with text on it; the arrow of a lost segment ends on the way. */
export function shaft(glyphs: Glyphs, width: number, text: string, from: Side, isLost: boolean): string {
    const words = text === "" ? "" : ` ${text} `
    const length = isLost ? Math.max(Math.floor(width * 0.75), words.length + 4) : width
    const line = (count: number) => glyphs.dash.repeat(Math.max(0, count))
    const gap = " ".repeat(Math.max(0, width - length))
    if (from === "left") {
        const begin = line(2) + words
        return begin + line(length - begin.length - 1) + (isLost ? glyphs.cross : glyphs.right) + gap
    }
    const begin = (isLost ? glyphs.cross : glyphs.left) + line(1) + words
    return gap + begin + line(length - begin.length)
}

/** Draws the box of a host: four lines of the same odd width; the lifeline leaves in the middle of the last line. */
export function hostBox(glyphs: Glyphs, name: string, ip: string): string[] {
    const [topLeft, topRight, bottomLeft, bottomRight, tee] = glyphs.box
    const texts = [name, ip].map(text => clip(text, 2 * MARGIN - 3, glyphs.ellipsis))
    const inner = Math.max(...texts.map(text => text.length)) | 1
    const row = (text: string) => {
        const begin = " ".repeat((inner - text.length) >> 1) + text
        return `${glyphs.life} ${begin.padEnd(inner)} ${glyphs.life}`
    }
    const half = glyphs.dash.repeat((inner + 1) / 2)
    return [
        topLeft + glyphs.dash.repeat(inner + 2) + topRight,
        ...texts.map(row),
        bottomLeft + half + tee + half + bottomRight,
    ]
}
