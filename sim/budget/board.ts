// Builds the image of a program for a board.

import { type BuildOptions, buildImage, compileImage, type Image } from "../build/build"
import { nameOf } from "../device/device"
import { MAIN } from "./programs"

/** Builds the optimized image without the simulator's pipe. Throws the errors of buildImage. */
export async function boardImage(path: string, options?: BuildOptions): Promise<Image> {
    return await buildImage([path], nameOfBoard(path), options)
}

/** Builds the image of a program of any size, also above the VM's limit. */
export async function anyBoardImage(path: string, options?: BuildOptions): Promise<Image> {
    return await compileImage([path], nameOfBoard(path), options)
}

function nameOfBoard(path: string): string {
    return path === MAIN.path ? "board" : `${nameOf(path)}-board`
}
