// The reporter that lists what `retry` in CI would hide.

import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { expect, test } from "vitest"

const ROOT = resolve(import.meta.dirname, "..")

/** Runs a file of tests with one retry, and returns the reporter's output. */
function report(text: string): string {
    const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-"))
    try {
        writeFileSync(join(folder, "some.test.js"), text)
        const { stdout } = spawnSync(
            process.execPath,
            [
                join(ROOT, "node_modules/vitest/vitest.mjs"),
                "run",
                ...["--root", folder, "--globals", "--retry=1"],
                `--reporter=${join(ROOT, "test/support/retried-reporter.ts")}`,
            ],
            { cwd: folder, encoding: "utf8" }
        )
        return stdout
    } finally {
        rmSync(folder, { recursive: true })
    }
}

const flaky =
    'let runs = 0\ntest("flaky", () => { if (runs++ === 0) throw new Error("the first\\nof two lines") })'
const sound = 'test("sound", () => {})'
const broken = 'test("broken", () => { throw new Error("always") })'

test("a test that passes when retried is listed with the failure of its first run", () => {
    expect(report(`describe("group", () => { ${flaky}\n${sound}\n${broken} })`)).toBe(
        "\nfailed at first, passed when retried: 1\n  some.test.js > group > flaky: the first\n"
    )
})

test("a run in which no test passed by a retry lists nothing", () => {
    expect(report(`${sound}\n${broken}`)).toBe("")
})
