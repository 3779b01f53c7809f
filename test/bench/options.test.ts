// The command line of `npm run bench`, before it measures anything.

import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { parseBenchOptions, parts } from "./options"

describe("the options of npm run bench", () => {
    test("all parts are measured without options", () => {
        expect(parseBenchOptions([])).toEqual({ json: undefined, only: parts })
    })

    test("a file for machines takes the VM and Node only", () => {
        const path = join(tmpdir(), "bench.json")
        expect(parseBenchOptions(["--json", path])).toEqual({ json: path, only: ["vm", "node"] })
    })

    test.each([
        [["--only", "vm,disk"], '--only "disk" is no part; known: vm, growth, programs, node, wire'],
        [["--json", "no/folder/here"], '--json "no/folder/here" is in no folder that exists'],
        [["--json", tmpdir()], `--json "${tmpdir()}" is not a file`],
        [["--json", "x.json", "--only", "vm"], "--json needs node, which --only leaves out"],
        [["--jsn", "x"], "unknown option '--jsn' (Did you mean --json?) (--help lists the options)"],
        [["fast"], 'unexpected argument "fast" (--help lists the options)'],
    ])("%j is one line of error", (words, message) => {
        expect(() => parseBenchOptions(words)).toThrow(message)
    })
})
