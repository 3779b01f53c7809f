// The programs that `npm run build` knows.

import { readdirSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "../build"

/** A program, and what its figures are listed under. */
export interface Listed {
    name: string
    path: string
}

const EXAMPLES = "src/examples"

export const MAIN: Listed = { name: "main", path: "src/main.ts" }

/** The flashed program and all examples. */
export function listed(): Listed[] {
    const examples = readdirSync(join(ROOT, EXAMPLES))
        .filter(file => file.endsWith(".ts"))
        .sort()
        .map(file => listedAs(`${EXAMPLES}/${file}`))
    return [MAIN, ...examples]
}

export function listedAs(path: string): Listed {
    return { name: path.replace(/^.*\//, "").replace(/\.ts$/, ""), path }
}
