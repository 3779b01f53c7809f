// The stack's sources as the bundles for Node contain them: the same program, with its accesses to buffers written for V8.

import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Buffer } from "@devicescript/core"
import { build } from "esbuild"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ROOT } from "../../sim/build/build"
import { featuresFile } from "../../sim/build/features"
import { specialized, specialize as specializeFor } from "../../sim/node/specialize"
import { onesSum } from "../../src/wire/checksum"

const specialize = (source: string) => specializeFor(source, featuresFile(["SACK"]))

describe("a source", () => {
    test.each([
        ["a read", 'rx.getAt(at + 2, "u16")', "rx.view.u16(at + 2)"],
        ["a read in a read", 'a.getAt(b.getAt(0, "u8") << 2, "i32")', "a.view.i32(b.view.u8(0) << 2)"],
        ["a store", 't.conns.setAt(c + 4, "i32", f(x, y) | 0)', "t.conns.view.setI32(c + 4, f(x, y) | 0)"],
        [
            "a read in a store",
            'b.setAt(0, "u8", b.getAt(f(1, 2), "u8"))',
            "b.view.setU8(0, b.view.u8(f(1, 2)))",
        ],
        ["lines", 'b.setAt(\n    at,\n    "u16",\n    1\n)', "b.view.setU16(\n    at\n,\n    1\n)"],
        ["a format that is not constant", "b.getAt(0, format)", "b.getAt(0, format)"],
        ["a rare format", 'b.getAt(0, "f64")', 'b.getAt(0, "f64")'],
        ["a hash for callers that read it", 'return digest("sha256", b)\n', "return b.view.sha256()\n"],
        ["a hash of several parts", 'return digest("sha256", b, c)\n', 'return digest("sha256", b, c)\n'],
        ["a number of a hash", 'hash(b, 1).getAt(4, "i32")', 'hash(b, 1).getAt(4, "i32")'],
    ])("with %s", (_what, source, expected) => {
        expect(specialize(source)).toBe(expected)
    })

    test("with features has their values", () => {
        const source = [
            "import {",
            "    SACK,",
            "    UDP,",
            '} from "../features"',
            "if (UDP ? t.SACK : !SACK) f(UDPS)",
            "",
        ]
        expect(specialize(source.join("\n"))).toBe("\n\n\n\nif (true ? t.SACK : !false) f(UDPS)\n")
    })

    test("with features in its strings keeps the strings", () => {
        const source =
            'import { UDP } from "../features"\nif (!UDP) f("no \\"UDP\\", UDP is left out", UDP, "UDP")\n'
        expect(specialize(source)).toBe('\nif (!true) f("no \\"UDP\\", UDP is left out", true, "UDP")\n')
    })

    test("without features stays as it is", () => {
        expect(specialize('import { SACK } from "../other"\nf(SACK)\n')).toBe(
            'import { SACK } from "../other"\nf(SACK)\n'
        )
    })

    test("with a sum over a block that was copied reads through to the source of the copy", () => {
        const source =
            'k.blitAt(0, b, at, Block.Size)\n// why\nsum +=\n k.getAt(0, "u32") +\n k.getAt(4, "u32")\n'
        expect(specialize(source)).toBe("\n// why\nsum +=\n b.view.u32(at + 0) +\n b.view.u32(at + 4)\n")
    })

    test("with a sum over a block that was copied in part stays as it is", () => {
        const copy = "k.blitAt(0, b, at, length)"
        expect(specialize(`${copy}\nsum += k.getAt(0, "u32")\n`)).toBe(`${copy}\nsum += k.view.u32(0)\n`)
    })
})

describe("src/wire/checksum.ts", () => {
    test("reads 64 bytes at a time where they are", () => {
        const source = readFileSync(join(ROOT, "src/wire/checksum.ts"), "utf8")
        expect(specialize(source)).toContain("b.view.u32(at + 60)")
        expect(specialize(source).split("\n").length).toBe(source.split("\n").length)
    })

    test("has the same sums in a bundle, over any bytes", async () => {
        const { outputFiles } = await build({
            stdin: {
                contents: `export { onesSum } from "./src/wire/checksum"; export { Buffer } from "@devicescript/core"`,
                resolveDir: ROOT,
            },
            bundle: true,
            write: false,
            platform: "node",
            format: "esm",
            tsconfig: join(ROOT, "tsconfig.json"),
            plugins: [specialized],
        })
        const script = `data:text/javascript;base64,${btoa(outputFiles[0]!.text)}`
        const bundle = (await import(/* @vite-ignore */ script)) as {
            onesSum: typeof onesSum
            Buffer: typeof Buffer
        }
        const bytes = fc.uint8Array({ maxLength: 400 })
        fc.assert(
            fc.property(
                bytes,
                fc.integer({ min: -2, max: 420 }),
                fc.nat(420),
                fc.nat(),
                (data, at, length, sum) => {
                    const expected = onesSum(Buffer.from(data), at, length, sum)
                    expect(bundle.onesSum(bundle.Buffer.from(data), at, length, sum)).toBe(expected)
                }
            )
        )
    })
})
