// The debug information that the compiler writes beside an image: the parts that the optimizer updates.

import { createHash } from "node:crypto"
import type { PlaceTables } from "./places"

export interface DebugFunction {
    name: string
    /** Offset of the function's code in the image. */
    startpc: number
    /** Size of the function's code and descriptor, bytes. */
    size: number
    /** Position and length in the sources; undefined for functions that the compiler generates. */
    location?: [number, number]
    [other: string]: unknown
}

/** Content of bytecode-dbg.json. */
export interface DebugFile extends PlaceTables {
    functions: DebugFunction[]
    sources: { path: string; length: number; text: string }[]
    binary?: { hex: string }
    binarySHA256?: string
    [other: string]: unknown
}

/** Puts the finished image into the debug information. Tools compare it with the image on the board. */
export function setImage(debug: DebugFile, image: Uint8Array): void {
    const bytes = Buffer.from(image)
    debug.binary = { hex: bytes.toString("hex") }
    debug.binarySHA256 = createHash("sha256").update(bytes).digest("hex")
}

/** Returns the path of the file that contains a position in the sources. */
export function fileOf(debug: DebugFile, position: number): string {
    let offset = position
    for (const { path, length } of debug.sources) {
        if (offset < length) return path
        offset -= length
    }
    return ""
}
