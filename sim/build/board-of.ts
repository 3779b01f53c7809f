// Finds the board that a program is written for: the one whose pins it imports.

import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { GivenBoard } from "../board/board-options"
import { ROOT } from "./places"

const BOARD = /\bfrom\s+"@dsboard\/(\w+)"|\bimport\s+"@dsboard\/(\w+)"/
const RELATIVE = /\b(?:from|import)\s+"(\.{1,2}\/[^"]+)"/g

/** Returns the name of the board that a program, a path in the project, imports first by itself or by its files; undefined without one. */
export function boardOf(program: string): string | undefined {
    const seen = new Set<string>()
    const waiting = [join(ROOT, program)]
    for (const file of waiting) {
        if (seen.has(file) || !existsSync(file)) continue
        seen.add(file)
        const text = readFileSync(file, "utf8")
        const [, from, bare] = BOARD.exec(text) ?? []
        if (from !== undefined || bare !== undefined) return from ?? bare
        for (const [, path = ""] of text.matchAll(RELATIVE)) {
            waiting.push(join(dirname(file), path.endsWith(".ts") ? path : `${path}.ts`))
        }
    }
    return undefined
}

/** Returns the options for the board; without any, the board is the one that the program is written for. */
export function boardGiven(given: GivenBoard, program: string | undefined): GivenBoard {
    if (given.board !== undefined || given.mac !== undefined || program === undefined) return given
    const board = boardOf(program)
    return board === undefined ? given : { ...given, board }
}
