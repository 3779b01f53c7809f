// TCP options for fuzzed segments: those that a peer would send, and those that nobody would.

import type { Random } from "../../sim/time/random"
import type { FrameBuilder } from "./frame-builder"
import type { View } from "./remote"

export function pick<T>(random: Random, from: readonly T[]): T {
    return from[random.integer(from.length)]
}

/** True once in `n` times. */
export function oneIn(random: Random, n: number): boolean {
    return random.integer(n) === 0
}

const bytes16 = (n: number) => [(n >> 8) & 0xff, n & 0xff]
const bytes32 = (n: number) => [...bytes16(n >>> 16), ...bytes16(n)]

/** What a peer offers in its SYN, each now and then. */
export function offers(d: FrameBuilder, random: Random, clock: number, echo: number): void {
    if (!oneIn(random, 6))
        d.option(2, 4, ...bytes16(pick(random, [0, 1, 64, 100, 536, 536, 1460, 1460, 1460, 9000, 65535])))
    if (oneIn(random, 2)) d.option(4, 2)
    if (oneIn(random, 2)) d.option(8, 10, ...bytes32(clock), ...bytes32(echo))
    if (oneIn(random, 3)) d.option(3, 3, pick(random, [0, 1, 2, 7, 14, 15, 255]))
}

/** SACK blocks around what is in flight. */
export function sackBlocks(d: FrameBuilder, random: Random, v: View, count: number): void {
    const blocks: number[] = []
    const flight = (v.max - v.una) | 0
    for (let i = 0; i < count; i++) {
        const start = flight > 0 ? random.integer(flight + 1) : random.integer(3)
        const end = start + 1 + random.integer(Math.max(1, flight - start))
        const skew = oneIn(random, 8) ? pick(random, [-1, 1, -1000, 1000, 0x7fff_ffff, -0x8000_0000]) : 0
        const left = (v.una + start + skew) | 0
        const right = (v.una + end + skew) | 0
        if (oneIn(random, 20)) blocks.push(right, left)
        else blocks.push(left, right)
    }
    d.option(1, 1, 5, 2 + 8 * count, ...blocks.flatMap(bytes32))
}

/** Lists that break off, lie about their lengths, repeat themselves or hold what nobody knows. */
export function nonsense(d: FrameBuilder, random: Random, v: View): void {
    switch (random.integer(10)) {
        case 0:
            // lengths of 0 and 1, which make a careless parser turn in circles
            d.option(pick(random, [2, 3, 4, 5, 8, 254]), random.integer(2))
            break
        case 1:
            // longer than the header
            d.option(pick(random, [2, 3, 5, 8, 34]), 20 + random.integer(236))
            break
        case 2:
            // a kind without its length, at the very end
            for (let i = 0; i < 39; i++) d.option(1)
            d.option(pick(random, [2, 5, 8]))
            break
        case 3:
            for (let i = random.integer(41); i > 0; i--) d.option(random.integer(256))
            break
        case 4:
            // the length of another kind
            d.option(8, 8 + random.integer(4), ...bytes32(v.tsRecent), ...bytes32(0))
            break
        case 5:
            d.option(5, 2 + random.integer(34), ...bytes32(v.una), ...bytes32(v.max))
            break
        case 6:
            // twice, of which the first counts
            d.timestamps(v.tsRecent, 0)
            d.timestamps((v.tsRecent + 1000) | 0, 0)
            break
        case 7:
            d.option(0, 8, 10, ...bytes32(v.tsRecent))
            break
        case 8:
            d.option(2, 4, 0, 0, 3, 3, 15, 4, 2, 1)
            break
        default:
            // cut short: as many words as there are, and a data offset that says otherwise is the caller's
            d.option(8, 10, 0, 0)
            break
    }
}
