// `devicescript-tcp test`: runs the project's tests by the project's own vitest.

import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { ROOT } from "../build/places"
import { Answer } from "../options/command-line"
import { OptionError } from "../options/error"
import { runTool } from "./tool"

const HELP = `devicescript-tcp test [FILE...] [options]: runs the project's tests once

The tests are run by the vitest that the project has installed, which takes the options: npx vitest --help lists them.
docs/testing.md in the package describes devicescript-tcp/testing.
`

/** Runs the project's tests and returns the exit code. */
export async function test(words: readonly string[]): Promise<number> {
    if (words.includes("--help") || words.includes("-h")) throw new Answer(HELP)
    return runTool(join(vitestFolder(), "vitest.mjs"), ["run", ...words])
}

/** Returns the folder of the project's vitest. Throws an OptionError when it is not installed. */
function vitestFolder(): string {
    try {
        return dirname(createRequire(join(ROOT, "package.json")).resolve("vitest/package.json"))
    } catch {
        throw new OptionError("vitest is not installed: run npm install --save-dev vitest")
    }
}
