// The debug information that the compiler leaves beside an image, as far as the optimizer keeps it in step.

import { createHash } from "node:crypto"
import type { PlaceTables } from "./places"

export interface DebugFunction {
    name: string
    /** Where its code starts in the image. */
    startpc: number
    /** Of its code and descriptor. */
    size: number
    /** Position and length in the sources; the compiler's own functions have none. */
    location?: [number, number]
    [other: string]: unknown
}

/** bytecode-dbg.json */
export interface DebugFile extends PlaceTables {
    functions: DebugFunction[]
    sources: { path: string; length: number; text: string }[]
    binary?: { hex: string }
    binarySHA256?: string
    [other: string]: unknown
}

/** Puts the finished image into the debug information, which tools compare with the one on the board. */
export function setImage(debug: DebugFile, image: Uint8Array): void {
    const bytes = Buffer.from(image)
    debug.binary = { hex: bytes.toString("hex") }
    debug.binarySHA256 = createHash("sha256").update(bytes).digest("hex")
}

/** The file that a position in the sources lies in. */
export function fileOf(debug: DebugFile, position: number): string {
    let offset = position
    for (const { path, length } of debug.sources) {
        if (offset < length) return path
        offset -= length
    }
    return ""
}
