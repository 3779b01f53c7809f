// How properties are run: the same cases on every machine; others when SEED is set, more when CASES says how many times.

import fc from "fast-check"

const seed = process.env.SEED === undefined ? 20_261_122 : Number(process.env.SEED)

const times = Number(process.env.CASES ?? 1)

/** Returns settings for `fc.assert` with this many cases. */
export function cases(numRuns: number): { numRuns: number; seed: number } {
    return { numRuns: numRuns * times, seed }
}

/** Any 32 bits, with those around the places where they wrap as often as all others. */
export const anyNumber32 = fc.oneof(
    fc.integer(),
    fc.constantFrom(0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0x7fff_fffe, -0x7fff_ffff, 2, -2)
)

/** Bytes, more often than not a few. */
export const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength })
