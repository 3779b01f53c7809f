// Bits flip on the SPI bus to an ENC28J60, both ways, for minutes: the board always comes back, and no program gets a byte that was not sent.

import { describe, expect, test } from "vitest"
import { type BitErrors, bitErrors } from "./bit-errors"

const BOARD = "pico_enc28j60"

/** The longest time without an answer, ms: a disturbed register is found within 1 s. */
const LONGEST = 2000

function check(result: BitErrors, seconds: number): void {
    console.log(JSON.stringify({ ...result, counters: result.counters.filter(l => l.includes("driver")) }))
    expect(result.gap).toBeLessThan(LONGEST)
    expect(result.answers).toBeGreaterThan((seconds * 1000 * 0.9) / result.each)
    expect(result.echoed).toBeGreaterThan(seconds * 200)
    expect(result.wrong).toBeLessThanOrEqual(result.hidden)
}

describe.each([1e-6, 1e-5])("a bit in 1 / %f is wrong", rate => {
    test.each([1, 2, 3])("for 10 minutes under Node, seed %i", { timeout: 300_000 }, async seed => {
        check(await bitErrors("node", rate, 600, seed, BOARD), 600)
    })

    test("for a minute on the VM", { timeout: 120_000 }, async () => {
        check(await bitErrors("vm", rate, 60, 4, BOARD), 60)
    })
})
