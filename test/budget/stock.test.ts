// DeviceScript's own ways to a board compile a program themselves: all examples fit without the optimizer.

import { describe, expect, it } from "vitest"
import { anyBoardImage } from "../../sim/budget/board"
import { listed } from "../../sim/budget/programs"
import { CODE_LIMIT } from "../../sim/optimizer/image"

/** Longest wait for a build, on a machine that does much else, ms. */
const PATIENCE = 300_000

describe("a program compiled without the optimizer", { timeout: PATIENCE }, () => {
    it.each(listed().filter(({ name }) => name !== "main"))("$name fits on a board", async ({ path }) => {
        const { code } = await anyBoardImage(path, { optimize: false })
        expect(code).toBeLessThan(CODE_LIMIT)
    })
})
