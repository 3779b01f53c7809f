// Shows the example as a ladder with remarks, or not at all with --json, which prints only its events.

import type { Style } from "../view/ladder-style"
import type { Output } from "./output"
import type { Picture } from "./picture"

export interface Stage {
    /** Writes a remark on what comes next between the lifelines. */
    note(text: string): void
    /** Writes a line below the ladder. */
    line(text: string, style?: Style): void
    /** Writes a statement of the example, and whether it is true. */
    promise(text: string, kept: boolean): void
}

/** Returns a stage that shows everything. */
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

/** Returns a stage that shows only which statements are true. */
export function quietStage(output: Output): Stage {
    return { ...darkStage, promise: (text, kept) => output.line(`${kept ? "ok" : "NO"}  ${text}`) }
}

/** A stage that shows nothing. */
export const darkStage: Stage = { note: () => {}, line: () => {}, promise: () => {} }
