import { beforeAll, describe, expect, it } from "vitest"
import { optimize } from "../../sim/optimizer/optimize"
import { type Built, build } from "./image"
import { printed } from "./run"

describe("a program with closures, exceptions, classes, conditions, arguments, numbers, strings, buffers and fibers", () => {
    let plain: Built
    let expected: string[]

    beforeAll(async () => {
        plain = await build("test/programs/optimizer-features.ts", false)
        expected = await printed(plain.image)
    }, 300_000)

    it("prints to its end", () => {
        expect(expected.at(-1)).toBe("log the end")
        expect(expected.length).toBeGreaterThan(80)
    })

    it("prints the same optimized and not", async () => {
        expect(await printed(optimize(plain.image, plain.debug).image)).toEqual(expected)
    })

    it("prints the same optimized when garbage is collected at each allocation", async () => {
        expect(await printed(optimize(plain.image).image, true)).toEqual(expected)
    })
})
