import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import { behindPipe, buildImage } from "../../sim/build/build"
import type { DebugFile } from "../../sim/optimizer/debug"
import { CODE_LIMIT, readImage } from "../../sim/optimizer/image"
import { type Optimized, optimize } from "../../sim/optimizer/optimize"
import { verifyImage } from "../../sim/optimizer/verify"
import { verifyByVm } from "../../sim/vm/verify"
import { type Built, build } from "./image"

let plain: Built
let once: Optimized

beforeAll(async () => {
    plain = await build("test/programs/semantics.ts", false)
    once = optimize(plain.image, plain.debug)
})

describe("an optimized image", () => {
    it("is smaller by the sum of what each pass saved", () => {
        const { before, after, passes, functions, over } = once.report
        expect(after.code).toBeLessThan(before.code)
        expect(passes.reduce((sum, { saved }) => sum + saved, 0)).toBe(before.code - after.code)
        expect(functions.reduce((sum, fn) => sum + fn.before - fn.after, 0)).toBe(before.code - after.code)
        expect(once.image.length).toBe(after.image)
        expect(over).toBe(0)
    })

    it("is the same when it is optimized again, and when it is made again", () => {
        const again = optimize(once.image, once.debug)
        expect(Buffer.compare(again.image, once.image)).toBe(0)
        expect(again.debug).toEqual(once.debug)
        const other = optimize(plain.image, plain.debug)
        expect(Buffer.compare(other.image, once.image)).toBe(0)
        expect(Buffer.compare(optimize(plain.image).image, once.image)).toBe(0)
    })

    it("is accepted by the VM's verifier and by the optimizer's", () => {
        verifyImage(once.image)
        expect(verifyByVm(once.image)).toBeUndefined()
    })

    it("leaves the given image as it was", async () => {
        // a Buffer of Node's gives parts that share its memory, an Uint8Array does not
        const given = Buffer.from(plain.image)
        optimize(given, plain.debug)
        expect(Buffer.compare(plain.image, given)).toBe(0)
        expect(Buffer.compare(plain.image, (await build("test/programs/semantics.ts", false)).image)).toBe(0)
    })

    it("has its own bytes and functions in its debug information", () => {
        const debug = once.debug!
        expect(debug.binary?.hex).toBe(Buffer.from(once.image).toString("hex"))
        const { functions } = readImage(once.image)
        expect(debug.functions.map(fn => fn.startpc)).toEqual(functions.map(({ start }) => start))
    })
})

describe("building with the optimizer", () => {
    it("builds a program above the limit that fits when optimized", async () => {
        const { report } = await buildImage(behindPipe("src/main.ts"), "host")
        const { before, after, over } = JSON.parse(readFileSync(report, "utf8"))
        expect(before.code).toBeGreaterThan(after.code)
        expect(after.code).toBeLessThan(CODE_LIMIT)
        expect(over).toBe(0)
    }, 300_000)

    it("optimizes a program without debug information", () => {
        const debug: DebugFile | undefined = undefined
        expect(optimize(plain.image, debug).debug).toBeUndefined()
    })
})
