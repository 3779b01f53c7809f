// The message for a program whose code is above the VM's limit.

import { readFileSync } from "node:fs"
import { FEATURES } from "../build/features"
import { INSTALLED } from "../build/places"
import { CODE_LIMIT } from "../optimizer/image"
import { filesOf, partsOf, type SizedDebugInfo } from "./parts"
import { bytes, type Cell, table } from "./table"

/** The number of files that the message names. */
const FILES = 12

/** Returns the message: by how much the program is above the limit, what it can leave out, and its largest files. */
export async function describeExcess(
    built: { image: string; debug: string; code: number },
    program: string
): Promise<string> {
    const image = readFileSync(built.image)
    const debug = JSON.parse(readFileSync(built.debug, "utf8")) as SizedDebugInfo
    const lines = (parts: readonly { name: string; bytes: number }[]) =>
        table([["", ""], ...parts.map(({ name, bytes: size }): Cell[] => [`  ${name}`, bytes(size)])]).slice(
            1
        )
    const files = filesOf(partsOf(image, debug)).slice(0, FILES)
    const features = await featuresIn(image, debug)
    return [
        `${program} has ${bytes(built.code)} bytes of code, ${bytes(built.code - CODE_LIMIT)} above the VM's limit: the code has to end below ${bytes(CODE_LIMIT)}.`,
        ...(features.length === 0
            ? []
            : [
                  `The program can leave out these features (${FEATURES}, or --without), with their approximate bytes:`,
                  ...lines(features),
              ]),
        "The largest files in it:",
        ...lines(files.map(({ path, bytes: size }) => ({ name: path, bytes: size }))),
        `${INSTALLED ? `npx devicescript-tcp build ${program}` : `npm run build -- --program ${program}`} --sizes shows all files and functions.`,
    ].join("\n")
}

/** Returns the features in a program with their approximate bytes; none where TypeScript, which the estimate needs, is not installed. */
async function featuresIn(
    image: Uint8Array,
    debug: SizedDebugInfo
): Promise<{ name: string; bytes: number }[]> {
    try {
        const { guardedBytes } = await import("./guards")
        return guardedBytes(image, debug)
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error
        return []
    }
}
