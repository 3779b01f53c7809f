import { describe, expect, it } from "vitest"
import { Random } from "../../sim/time/random"

const some = (random: Random, count = 20) => Array.from({ length: count }, () => random.next())

describe("random numbers of the simulator", () => {
    it("repeat with the same seed and differ with another", () => {
        expect(some(new Random(7))).toEqual(some(new Random(7)))
        expect(some(new Random(7))).not.toEqual(some(new Random(8)))
    })

    it("take the lower 32 bits of a seed", () => {
        expect(some(new Random(-1))).toEqual(some(new Random(0xffffffff)))
        expect(some(new Random(0)).every(value => value === 0)).toBe(false)
    })

    it("spread evenly over their range", () => {
        const random = new Random(42)
        const counts = new Array<number>(16).fill(0)
        for (let i = 0; i < 160_000; i++) counts[random.integer(16)]++
        for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
        expect(some(random, 10_000).every(value => value >= 0 && value < 1)).toBe(true)
    })

    it("fill a buffer with bytes", () => {
        const bytes = new Random(3).fill(new Uint8Array(4096))
        expect(new Set(bytes).size).toBe(256)
    })

    it("fork by label, whatever numbers were drawn before", () => {
        const drawn = new Random(5)
        some(drawn)
        expect(some(drawn.fork("loss"))).toEqual(some(new Random(5).fork("loss")))
        expect(some(new Random(5).fork("loss"))).not.toEqual(some(new Random(5).fork("delay")))
        expect(some(new Random(5).fork("loss"))).not.toEqual(some(new Random(6).fork("loss")))
    })
})
