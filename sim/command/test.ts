// `devicescript-tcp test`: runs the project's tests by the project's own vitest.

import { spawnSync } from "node:child_process"
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
    const script = join(vitestFolder(), "vitest.mjs")
    return words.some(word => isUnknown(script, word))
        ? runChecked(script, words)
        : runTool(script, ["run", ...words])
}

/** Returns true for an option that vitest's help does not list. */
function isUnknown(script: string, word: string): boolean {
    if (!word.startsWith("-")) return false
    const { stdout } = spawnSync(process.execPath, [script, "--help", "--expand-help"], { encoding: "utf8" })
    const name = word
        .replace(/=.*/s, "")
        .replace(/^--no-/, "--")
        .replace(/^(--[^.]+)\..*/, "$1")
    // vitest takes a name in either form
    const plain = (text: string) => text.replaceAll(/(?<=[a-z])-|[\s,]/g, "").toLowerCase()
    return !stdout.split(/[\s,]+/).some(listed => plain(listed) === plain(name))
}

/** Runs vitest with options that it may refuse: with a stack, in place of which an OptionError is thrown. */
function runChecked(script: string, words: readonly string[]): number {
    const { status, stderr } = spawnSync(process.execPath, [script, "run", ...words], {
        cwd: ROOT,
        stdio: ["inherit", "inherit", "pipe"],
        encoding: "utf8",
    })
    const [, refusal] = /^CACError: (.*)$/m.exec(stderr) ?? []
    if (refusal !== undefined)
        throw new OptionError(`vitest: ${refusal.replaceAll("`", "")} (npx vitest --help lists the options)`)
    process.stderr.write(stderr)
    return status ?? 1
}

/** Returns the folder of the project's vitest. Throws an OptionError when it is not installed. */
function vitestFolder(): string {
    try {
        return dirname(createRequire(join(ROOT, "package.json")).resolve("vitest/package.json"))
    } catch {
        throw new OptionError("vitest is not installed: run npm install --save-dev vitest")
    }
}
