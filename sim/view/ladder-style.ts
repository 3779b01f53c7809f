// What a ladder is drawn with: characters, colours, columns, arrows, boxes.

export type Side = "left" | "right"

/** The characters of a drawing. */
export interface Glyphs {
    readonly life: string
    readonly dash: string
    readonly right: string
    readonly left: string
    readonly cross: string
    readonly ellipsis: string
    /** A box: top left, top right, bottom left, bottom right, and where the lifeline leaves it. */
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

/** Columns of the time, and of the state beside each lifeline: SYN-RECEIVED is the longest. */
export const TIME_WIDTH = 8
export const MARGIN = 12
/** Everything but the space between the lifelines: time, both margins, both lifelines, a blank between each. */
const AROUND = TIME_WIDTH + 1 + MARGIN + 1 + 1 + 1 + 1 + MARGIN

/** Columns between the lifelines of a ladder as wide as asked for, within 80 to 120. */
export function laneWidth(width: number): number {
    return Math.min(120, Math.max(80, Math.floor(width) || 80)) - AROUND
}

/** Seconds in TIME_WIDTH columns, with as many decimals as fit, at most to the tenth of a millisecond. */
export function seconds(ms: number): string {
    for (let decimals = 4; decimals > 0; decimals--) {
        const text = (ms / 1000).toFixed(decimals)
        if (text.length <= TIME_WIDTH) return text.padStart(TIME_WIDTH)
    }
    const whole = String(Math.floor(ms / 1000))
    return whole.length <= TIME_WIDTH ? whole.padStart(TIME_WIDTH) : ">3 years"
}

/** Scripts and signs of which every character takes one column: Latin, Greek, Cyrillic, punctuation, arrows, lines. */
const notOneColumn =
    /[^\x20-\x7e\u00a0-\u02ff\u0370-\u0481\u048a-\u04ff\u2010-\u2027\u2190-\u231a\u2500-\u25fc]/gu

/** Text without control characters; what has another width than one column, or is not ASCII if only that is, is `?`. */
export function printable(text: string, unicode: boolean): string {
    const tame = text.replace(/[\p{Cc}\p{Cf}]/gu, " ")
    return tame.replace(unicode ? notOneColumn : /[^\x20-\x7e]/gu, "?")
}

/** The text, or as much as fits with a mark that something is missing. */
export function clip(text: string, width: number, ellipsis: string): string {
    return text.length <= width ? text : text.slice(0, Math.max(0, width - 1)) + ellipsis
}

/** Words put into lines of at most `width` columns; a longer word is clipped. */
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

/** An arrow of `width` columns from one side to the other with text on it, or one that ends on the way. */
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

/** The four lines of a box with a host in it, of one odd width; its lifeline leaves in the middle of the last one. */
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
