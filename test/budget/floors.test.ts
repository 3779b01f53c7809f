// What each program's code takes at most: who adds to it says here by how much, and why in the commit.

import { availableParallelism } from "node:os"
import { beforeAll, describe, expect, it } from "vitest"
import { each } from "../../sim/budget/features"
import { listed, listedAs, NOT_IN_HELLO, TOGETHER } from "../../sim/budget/programs"
import { behindPipe, compileImage } from "../../sim/build"
import { nameOf } from "../../sim/device"
import { CODE_LIMIT } from "../../sim/optimizer/image"

/** Bytes that a program may grow before its line here has to be changed. */
const SLACK = 64
/** As measured. */
const FLOORS: Record<string, number> = {
FLOORS_HERE
}
const SMALLEST = "hello without what it does not need"

const programs = [
    ...[...listed(), listedAs("src/controlled.ts"), ...TOGETHER].map(program => ({ ...program, without: [] as readonly string[] })),
    { name: SMALLEST, path: "src/examples/hello.ts", without: NOT_IN_HELLO },
]
const measured = new Map<string, number>()

beforeAll(async () => {
    await each(programs, async ({ name, path, without }) => {
        const { code } = await compileImage(behindPipe(path), nameOf(path), { without })
        measured.set(name, code)
    })
    // twelve builds, on a machine that does much else
}, 900_000 / availableParallelism())

it("is there for every program", () => {
    expect(programs.map(({ name }) => name).sort()).toEqual(Object.keys(FLOORS).sort())
})

describe("the code of", () => {
    it.each(Object.entries(FLOORS))("%s is at most %i bytes, and its line is no more than that off", (name, floor) => {
        const code = measured.get(name)!
        expect(code).toBeLessThanOrEqual(floor + SLACK)
    })
})

describe("what a board has to hold together", () => {
    const over = TOGETHER.filter(({ name }) => FLOORS[name]! >= CODE_LIMIT)
    it.skipIf(over.length > 0)("leaves 2,000 bytes", () => {
        for (const { name } of TOGETHER) expect(CODE_LIMIT - measured.get(name)!, name).toBeGreaterThanOrEqual(2000)
    })
})
