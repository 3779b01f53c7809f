import { readFileSync } from "node:fs"
import { buildImage } from "../../sim/build/build"
import type { DebugFile } from "../../sim/optimizer/debug"

export interface Built {
    image: Uint8Array
    debug: DebugFile
}

/** A program of this project as the compiler leaves it, or optimized. */
export async function build(program: string, optimize: boolean): Promise<Built> {
    const name = program.replace(/\.ts$/, "").replaceAll("/", "-")
    const { image, debug } = await buildImage([program], name, { optimize })
    return {
        image: new Uint8Array(readFileSync(image)),
        debug: JSON.parse(readFileSync(debug, "utf8")) as DebugFile,
    }
}
