// Where a program on the Node runtime finds DeviceScript's packages: files of this folder, and pins from the board's file.

import { join } from "node:path"
import { pinsModule, readBoard } from "../board/boards.ts"
import { PACKAGE } from "../build/places.ts"

/** Returns the path of a file of this folder. */
export function nodeFile(name: string): string {
    return join(PACKAGE, "sim", "node", `${name}.ts`)
}

/** The files that replace DeviceScript's packages, by package. */
export const ALIASES: { [name: string]: string } = Object.fromEntries(
    ["core", "spi", "gpio", "crypto", "settings", "server"].map(name => [
        `@devicescript/${name}`,
        nodeFile(name),
    ])
)

const BOARD = "@dsboard/"

/** Returns the id, for vite, of the module with a board's pins; undefined for any other module. */
export function resolvePins(name: string): string | undefined {
    return name.startsWith(BOARD) ? `\0${name}` : undefined
}

/** Returns the source of the module with this id from `resolvePins`; undefined for any other module. */
export function loadPins(id: string): string | undefined {
    const [, board] = /^\0@dsboard\/(\w+)$/.exec(id) ?? []
    return board === undefined ? undefined : pinsModule(readBoard(board), nodeFile("board"))
}
