// Whose the bytes of a program's code are: in sums, as a table, as a picture; and what is said of a program that is too large.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { filesOf, type Part, partsOf, type SizedDebugInfo } from "../../sim/budget/parts"
import { sizesTable } from "../../sim/budget/sizes"
import { table } from "../../sim/budget/table"
import { treemap } from "../../sim/budget/treemap"
import { behindPipe, buildImage, compileImage, type Image, ROOT, TooLarge } from "../../sim/build/build"
import { CODE_LIMIT, readImage } from "../../sim/optimizer/image"

const HELLO = "src/examples/hello.ts"

function read({ image, debug }: Image): Part {
    return partsOf(readFileSync(image), JSON.parse(readFileSync(debug, "utf8")) as SizedDebugInfo)
}

describe("the parts of a program's code", () => {
    let image: Image
    let root: Part
    beforeAll(async () => {
        image = await buildImage(behindPipe(HELLO), "src-examples-hello")
        root = read(image)
    })

    it("sum up to the program's code, at each level", () => {
        expect(root.bytes).toBe(image.code)
        const check = (part: Part): void => {
            if (part.parts.length === 0) return
            expect(
                part.parts.reduce((sum, { bytes }) => sum + bytes, 0),
                part.name
            ).toBe(part.bytes)
            const sizes = part.parts.map(({ bytes }) => bytes)
            expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
            for (const child of part.parts) check(child)
        }
        check(root)
    })

    it("are package, folder, file and function", () => {
        expect(root.parts[0]!.name).toBe("devicescript-tcp")
        const arrival = filesOf(root).find(({ path }) => path === "src/tcp/segment-arrives.ts")!
        // one is what the optimizer has put in: the steps of segmentArrives, each called once
        const largest = arrival.parts.slice(0, 2).map(({ name }) => name)
        expect(largest.sort()).toEqual(["(top level, inlined)", "segmentArrives"])
        expect(arrival.bytes).toBeGreaterThan(1500)
        expect(filesOf(root).map(({ path }) => path)).toContain("@devicescript/core/src/utils.ts")
    })

    it("include what the limit counts: header, descriptors and code", () => {
        const bytes = readFileSync(image.image)
        const ends = readImage(bytes).functions.map(({ start, code }) => start + code.length)
        expect(image.code).toBe(Math.ceil(Math.max(...ends) / 4) * 4)
        expect(image.size).toBe(bytes.length)
    })

    it("are a table with one line each", () => {
        const count = (part: Part): number => part.parts.reduce((sum, child) => sum + count(child), 1)
        const lines = sizesTable(root)
        expect(lines).toHaveLength(count(root) + 1)
        expect(new Set(lines.map(line => line.length)).size).toBe(1)
        expect(lines.some(line => /^ {6}segment-arrives\.ts +[\d,]+ +\d+\.\d %$/.test(line))).toBe(true)
    })

    it("are a picture in one file that loads nothing, and each file has a line in its table", () => {
        const html = treemap(HELLO, root)
        expect(html).not.toMatch(/(src|href)="(?!#)|@import|url\(|<script|https?:/)
        expect(html).toContain("prefers-color-scheme: dark")
        const links = [...html.matchAll(/<a href="#([^"]+)" aria-label="([^"]+)"/g)]
        const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
        expect(new Set(ids).size).toBe(ids.length)
        expect(links.map(([, id]) => id).sort()).toEqual([...ids].sort())
        expect(links.map(([, , label]) => label)).toContainEqual(
            expect.stringMatching(/^devicescript-tcp\/src\/tcp\/segment-arrives\.ts: [\d,]+ bytes$/)
        )
        // every area is in words, too
        expect(html.match(/<tr class="function"/g)!.length).toBe(
            html.match(/<rect class="function"/g)!.length
        )
        expect(html.match(/<(g|a|svg|table|tbody|tr)\b/g)!.length).toBe(
            html.match(/<\/(g|a|svg|table|tbody|tr)>/g)!.length
        )
    })
})

describe("a program above the code limit", () => {
    let folder: string
    let path: string
    beforeAll(() => {
        folder = mkdtempSync(join(ROOT, "test", "programs", "scratch-"))
        path = `${folder.slice(ROOT.length)}/main.ts`
        const numbers = Array.from({ length: 200 }, (_, i) => i)
        // nothing in it can be known before it runs
        const statements = (i: number) =>
            numbers.slice(0, 60).map(j => `x = (x * ${i + j + 2}) ^ (x % ${301 + j * 7 + i})`)
        const functions = numbers.map(
            i => `function f${i}(x: number): number {\n${statements(i).join("\n")}\nreturn x\n}`
        )
        const calls = numbers.map(i => `sum += f${i}(sum)`)
        writeFileSync(
            join(ROOT, path),
            `${functions.join("\n")}\nlet sum = 1\n${calls.join("\n")}\nconsole.log(sum)\n`
        )
    })
    afterAll(() => rmSync(folder, { recursive: true }))

    it("is compiled, and its build refused with the largest files", async () => {
        const { code } = await compileImage(behindPipe(path), "scratch-large")
        expect(code).toBeGreaterThan(CODE_LIMIT)
        const refused = await buildImage(behindPipe(path), "scratch-large").catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(TooLarge)
        const lines = (refused as TooLarge).message.split("\n")
        expect(lines[0]).toBe(
            `${path} has ${code.toLocaleString("en")} bytes of code, ${(code - CODE_LIMIT).toLocaleString("en")} above ` +
                "the VM's limit: the code has to end below 65,536."
        )
        expect(lines[1]).toBe("The largest files in it:")
        expect(lines[2]).toMatch(new RegExp(`^ {2}${path} +[\\d,]+$`))
        expect(lines[3]).toMatch(/^ {2}boards\/host\/pipe\.ts +[\d,]+$/)
    })
})

describe("a table of sizes", () => {
    it("has numbers on the right", () => {
        expect(
            table([
                ["", "code", "left"],
                ["main", "65,180", "356"],
                ["a long name", 1, "-9"],
            ])
        ).toEqual(["               code  left", "main         65,180   356", "a long name       1    -9"])
    })
})
