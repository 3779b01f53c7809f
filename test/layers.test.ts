// Each folder of src/ knows only those above it in design.md's list, and nothing in src/ knows Node or the simulator.

import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { expect, test } from "vitest"

const SRC = resolve(import.meta.dirname, "../src")
const ORDER = ["wire", "tcp", "net", "mac", "socket", "inspect", "examples"]
/** What anyone may use, since it imports nothing of src itself: what happens is told and counted where it happens. */
const LEAVES = ["features", "base/counters", "base/events", "base/words"]

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(name => name.endsWith(".ts"))

function importsOf(file: string): string[] {
    const text = readFileSync(join(SRC, file), "utf8")
    return [...text.matchAll(/^(?:import|\}|export \*)(?: [^"=]*from)? "([^"]+)"$/gm)].map(match => match[1]!)
}

/** The imports of files in src itself, as paths in it. */
function own(file: string): string[] {
    return importsOf(file)
        .filter(name => name.startsWith("."))
        .map(name => relative(SRC, resolve(SRC, dirname(file), name)))
}

// examples are programs, as those in src itself are
test.each(files.filter(file => file.includes("/") && !file.startsWith("examples/")))(
    "%s imports from its own layer and those above",
    file => {
        const layer = ORDER.indexOf(file.split("/")[0]!)
        expect(layer, "a folder that is not in the list").toBeGreaterThanOrEqual(0)
        for (const name of own(file)) {
            const folder = name.split("/")[0]!
            // the settings of the program, which know no layer
            if (name === "boot") continue
            if (LEAVES.includes(name)) continue
            expect(ORDER.indexOf(folder), `${file} imports ${name}`).toBeLessThanOrEqual(layer)
            expect(ORDER.indexOf(folder), `${file} imports ${name}`).toBeGreaterThanOrEqual(0)
        }
    }
)

test.each(LEAVES)("%s imports nothing", leaf => {
    expect(own(`${leaf}.ts`)).toEqual([])
})

test.each(files)("%s imports only DeviceScript's packages", file => {
    for (const name of importsOf(file)) expect(name).toMatch(/^(\.{1,2}\/|@devicescript\/|@dsboard\/)/)
})
