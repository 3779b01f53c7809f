// What a board gets of a program.

import { buildImage, compileImage, type Image } from "../build"
import { nameOf } from "../device"
import { MAIN } from "./programs"

/** Optimized, without the simulator's pipe. Throws as buildImage does. */
export async function boardImage(path: string, without?: readonly string[]): Promise<Image> {
    return await buildImage([path], nameOfBoard(path), without && { without })
}

/** The same for a program of any size. */
export async function anyBoardImage(path: string, without: readonly string[]): Promise<Image> {
    return await compileImage([path], nameOfBoard(path), { without })
}

function nameOfBoard(path: string): string {
    return path === MAIN.path ? "board" : `${nameOf(path)}-board`
}
