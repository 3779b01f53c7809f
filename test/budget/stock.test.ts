// DeviceScript's own ways to a board compile a program themselves: all examples fit without the optimizer, even with the
// simulator's pipe, which no board has.

import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { listed } from "../../sim/budget/programs"
import { behindPipe, compileImage } from "../../sim/build/build"
import { nameOf } from "../../sim/device/device"
import { CODE_LIMIT } from "../../sim/optimizer/image"
import type { Report } from "../../sim/optimizer/report"

/** Longest wait for a build, on a machine that does much else, ms. */
const PATIENCE = 300_000

describe("a program compiled without the optimizer", { timeout: PATIENCE }, () => {
    it.each(listed().filter(({ name }) => name !== "main"))("$name fits on a board", async ({ path }) => {
        const { report } = await compileImage(behindPipe(path), nameOf(path))
        const { before } = JSON.parse(readFileSync(report, "utf8")) as Report
        expect(before.code).toBeLessThan(CODE_LIMIT)
    })
})
