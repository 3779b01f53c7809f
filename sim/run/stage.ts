// Where the example is shown: as a ladder with remarks, or not at all when only its events count.

import type { Style } from "../view/ladder-style"
import type { Output } from "./output"
import type { Picture } from "./picture"

export interface Stage {
    /** A remark on what comes next, between the lifelines. */
    note(text: string): void
    /** A line below the ladder. */
    line(text: string, style?: Style): void
    /** One of the things that the example promises, and whether it happened. */
    promise(text: string, kept: boolean): void
}

/** Shows everything. */
export function ladderStage(output: Output, picture: Picture): Stage {
    const line = (text: string, style?: Style) => {
        picture.rest()
        output.line(text, style)
    }
    const { unicode } = output.looks
    const marks = unicode ? ["✓", "✗"] : ["ok", "NO"]
    return {
        note: text => picture.note(text),
        line,
        promise: (text, kept) => {
            const mark = output.paint(kept ? "green" : "red", marks[kept ? 0 : 1]!)
            line(`  ${mark}  ${text}`)
        },
    }
}

/** Shows nothing. */
export const darkStage: Stage = { note: () => {}, line: () => {}, promise: () => {} }
