// Writes whole lines for a reader, above the prompt if there is one.

import type { Interface } from "node:readline"
import { clearLine, cursorTo } from "node:readline"
import { paint, type Style } from "../view/ladder-style"

/** What an output can show. */
interface Looks {
    readonly color: boolean
    /** True when the output can show box drawing characters and arrows, not only ASCII. */
    readonly unicode: boolean
    /** Columns of a line, at the moment: a terminal's window may change its size. */
    readonly width: number
}

/**
 * Returns what a stream can show: a terminal shows colours and its locale's characters, a pipe plain ASCII in as many columns as
 * COLUMNS says. `wanted` (--no-color) decides on colours, or else FORCE_COLOR (0 for none), or else NO_COLOR.
 */
export function looksOf(
    stream: Pick<NodeJS.WriteStream, "isTTY" | "columns">,
    environment: NodeJS.ProcessEnv,
    wanted?: boolean
): Looks {
    const { NO_COLOR = "", FORCE_COLOR = "", TERM, LC_ALL, LC_CTYPE, LANG, WT_SESSION, COLUMNS } = environment
    const locale = LC_ALL || LC_CTYPE || LANG || ""
    const isScreen = stream.isTTY && TERM !== "dumb"
    const forced = FORCE_COLOR === "" ? undefined : !["0", "false"].includes(FORCE_COLOR)
    return {
        color: wanted ?? forced ?? (isScreen && NO_COLOR === ""),
        unicode: isScreen && (/utf-?8/i.test(locale) || WT_SESSION !== undefined),
        get width() {
            return stream.columns || Number(COLUMNS) || 80
        },
    }
}

export class Output {
    private prompt: Interface | undefined

    constructor(
        private readonly stream: NodeJS.WritableStream,
        readonly looks: Looks
    ) {}

    /** Writes lines, each with its newline. */
    write(text: string): void {
        if (this.prompt === undefined) {
            this.stream.write(text)
            return
        }
        cursorTo(this.stream, 0)
        clearLine(this.stream, 0)
        this.stream.write(text)
        this.prompt.prompt(true)
    }

    line(text = "", style: Style = "plain"): void {
        this.write(`${this.paint(style, text)}\n`)
    }

    /** Writes text of any length in lines that fit, all but the first indented. */
    paragraph(text: string, style: Style = "plain"): void {
        let line = ""
        for (const word of text.split(" ")) {
            if (line.trim() !== "" && line.length + 1 + word.length >= this.looks.width) {
                this.line(line, style)
                line = "   "
            }
            line += line === "" ? word : ` ${word}`
        }
        this.line(line, style)
    }

    paint(style: Style, text: string): string {
        return this.looks.color ? paint(style, text) : text
    }

    /** Keeps further lines above this prompt; undefined: the prompt has ended. */
    below(prompt: Interface | undefined): void {
        this.prompt = prompt
    }
}
