// What is said of a program whose code is above the VM's limit.

import { readFileSync } from "node:fs"
import { CODE_LIMIT } from "../optimizer/image"
import { filesOf, partsOf, type SizedDebugInfo } from "./parts"
import { bytes, type Cell, table } from "./table"

/** Files that are named. */
const FILES = 12

/** By how much the program is above the limit, and its largest files. */
export function describeExcess(
    built: { image: string; debug: string; code: number },
    program: string
): string {
    const root = partsOf(
        readFileSync(built.image),
        JSON.parse(readFileSync(built.debug, "utf8")) as SizedDebugInfo
    )
    const rows = filesOf(root)
        .slice(0, FILES)
        .map(({ path, bytes: size }): Cell[] => [`  ${path}`, bytes(size)])
    return [
        `${program}: its code is ${bytes(built.code)} bytes, ${bytes(built.code - CODE_LIMIT)} above the VM's limit: it has to end below ${bytes(CODE_LIMIT)}.`,
        "The largest files in it:",
        ...table([["", "code"], ...rows]).slice(1),
        `npm run build -- --program ${program} --sizes shows all of it.`,
    ].join("\n")
}
