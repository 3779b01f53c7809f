// Bits flip on the SPI bus to an ENC28J60, both ways, for minutes: the board recovers each time, and no program reads a byte that was not sent.

import { describe, expect, test } from "vitest"
import { type BitErrors, bitErrors } from "./bit-errors"

const BOARD = "pico_enc28j60"

/** The longest time without a reply, ms: a disturbed register is found within 1 s. */
const LONGEST = 2000

function check(result: BitErrors, seconds: number): void {
    console.log(JSON.stringify({ ...result, counters: result.counters.filter(l => l.includes("driver")) }))
    expect(result.gap).toBeLessThan(LONGEST)
    expect(result.answers).toBeGreaterThan((seconds * 1000 * 0.9) / result.each)
    expect(result.echoed).toBeGreaterThan(seconds * 200)
    expect(result.wrong).toBeLessThanOrEqual(result.hidden)
}

describe.each([1e-6, 1e-5])("one SPI bit in 1 / %f flips", rate => {
    test.each([1, 2, 3])(
        "ten minutes of flipped bits to an ENC28J60 under Node, seed %i: no gap of 2 s, no wrong byte",
        { timeout: 300_000 },
        async seed => {
            check(await bitErrors("node", rate, 600, seed, BOARD), 600)
        }
    )

    test("a minute of flipped bits to an ENC28J60 on the VM: no gap of 2 s, no wrong byte", {
        timeout: 120_000,
    }, async () => {
        check(await bitErrors("vm", rate, 60, 4, BOARD), 60)
    })
})
