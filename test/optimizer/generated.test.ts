import { writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import fc from "fast-check"
import { expect, it } from "vitest"
import { ROOT } from "../../sim/build/build"
import { optimize } from "../../sim/optimizer/optimize"
import { program } from "./generator"
import { build } from "./image"
import { printed } from "./run"

/** Functions in one program, and programs. */
const FUNCTIONS = 60
const PROGRAMS = 4

const list = fc.array(fc.nat(1000), { minLength: 40, maxLength: 80 })

it.each(Array.from({ length: PROGRAMS }, (_, n) => n + 1))(
    `${FUNCTIONS} generated functions print the same optimized and not (seed %i)`,
    async seed => {
        const [lists] = fc.sample(fc.array(list, { minLength: FUNCTIONS, maxLength: FUNCTIONS }), {
            numRuns: 1,
            seed: seed + Number(process.env.SEED ?? 0),
        })
        const folder = await mkdtemp(join(ROOT, "test", "programs", "generated-"))
        try {
            writeFileSync(join(folder, "main.ts"), program(lists))
            const plain = await build(join(folder, "main.ts").slice(ROOT.length), false)
            const { image } = optimize(plain.image, plain.debug)
            const expected = await printed(plain.image)
            expect(expected.at(-1)).toBe("log the end")
            expect(await printed(image)).toEqual(expected)
            expect(await printed(image, true)).toEqual(expected)
            const again = optimize(image)
            expect(Buffer.compare(again.image, image)).toBe(0)
        } finally {
            await rm(folder, { recursive: true, force: true })
        }
    },
    300_000
)
