// What each program's code takes at most. Who adds to it writes floors.json anew, `UPDATE_FLOORS=1 npx vitest run test/budget/floors.test.ts`,
// and says why in the commit.

import { readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { beforeAll, describe, expect, it, test } from "vitest"
import { each } from "../../sim/budget/features"
import { allRows, TOGETHER } from "../../sim/budget/programs"
import { behindPipe, compileImage } from "../../sim/build/build"
import { nameOf } from "../../sim/device/device"
import { CODE_LIMIT } from "../../sim/optimizer/image"

/** Bytes that a program may grow before its line here has to be changed. */
const SLACK = 64
const FILE = join(import.meta.dirname, "floors.json")
/** As measured. */
const FLOORS = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, number>
const programs = allRows()
const measured = new Map<string, number>()

beforeAll(async () => {
    await each(programs, async ({ name, path, without }) => {
        const { code } = await compileImage(behindPipe(path), nameOf(path), { without })
        measured.set(name, code)
    })
    if (process.env.UPDATE_FLOORS !== undefined) {
        const floors = Object.fromEntries(programs.map(({ name }) => [name, measured.get(name)]))
        writeFileSync(FILE, `${JSON.stringify(floors, null, 4)}\n`)
    }
    // twelve builds, on a machine that does much else
}, 900_000 / availableParallelism())

it("test/budget/floors.json has a line for each program", () => {
    expect(programs.map(({ name }) => name).sort()).toEqual(Object.keys(FLOORS).sort())
})

describe("the code of a program", () => {
    it.skipIf(process.env.UPDATE_FLOORS !== undefined).each(Object.entries(FLOORS))(
        "%s is at most %i bytes",
        (name, floor) => {
            expect(measured.get(name)).toBeLessThanOrEqual(floor + SLACK)
        }
    )
})

test.each(Object.values(TOGETHER))("$name together leave 2,000 bytes of code", ({ name }) => {
    expect(CODE_LIMIT - measured.get(name)!).toBeGreaterThanOrEqual(2000)
})
