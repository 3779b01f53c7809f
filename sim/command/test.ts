// `devicescript-tcp test`: runs the project's tests by the project's own vitest.

import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { ROOT } from "../build/places"
import { Answer } from "../options/command-line"
import { OptionError } from "../options/error"
import { runTool } from "./tool"

const HELP = `devicescript-tcp test [FILE...] [options]: runs the project's tests once

--device FILE.ts runs a program with describe and test of @devicescript/test on the VM of a simulated board instead, in a network with an echo
server at 10.0.0.1 (7); the exit code is 0 if no test failed.

Otherwise the tests are run by the vitest that the project has installed, which takes the options: npx vitest --help lists them.
docs/testing.md in the package describes devicescript-tcp/testing.
`

/** Runs the project's tests and returns the exit code. */
export async function test(words: readonly string[]): Promise<number> {
    if (words.includes("--help") || words.includes("-h")) throw new Answer(HELP)
    const at = words.indexOf("--device")
    if (at >= 0) {
        const files = words.filter((_, i) => i !== at)
        if (files.length !== 1) throw new OptionError("--device takes one program, as src/logic.ts")
        // loaded only here: the other tests need none of it
        const { deviceTests } = await import("./device-tests")
        const passed = await deviceTests(files[0]!, line => process.stdout.write(`${line}\n`))
        return passed ? 0 : 1
    }
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
