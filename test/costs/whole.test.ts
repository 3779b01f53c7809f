// What each path of a whole device costs on the VM, exactly: floors.json has the figures, and none may get worse. docs/measurements.md has
// them, too, beside those before. When a figure gets better, put it into floors.json: `npx vitest run test/costs/whole.test.ts` prints them.

import { readFileSync } from "node:fs"
import { afterAll, beforeAll, expect, test } from "vitest"
import { measurePaths, type Path } from "./paths"
import type { Cost } from "./whole"

const floors: Record<string, Cost> = JSON.parse(readFileSync(new URL("floors.json", import.meta.url), "utf8"))
let paths: Map<string, Path>
beforeAll(async () => {
    paths = await measurePaths()
}, 120_000)
afterAll(() => {
    const rows = [...paths].filter(([name]) => name in floors)
    const line = ([name, { cost }]: [string, Path]) =>
        `${JSON.stringify(name)}: { ${Object.entries(cost)
            .map(([what, n]) => `${JSON.stringify(what)}: ${n}`)
            .join(", ")} }`
    console.log(`{\n    ${rows.map(line).join(",\n    ")}\n}`)
})

test.each(Object.keys(floors))("path %s of a whole device costs no more than its floor", name => {
    const { cost } = paths.get(name)!
    for (const [what, floor] of Object.entries(floors[name]!))
        expect(cost[what as keyof Cost], what).toBeLessThanOrEqual(floor)
})

test("each further connection costs an ACK at most 193 operations, an echo of 22 bytes 271", () => {
    const further = (path: string) => {
        const cost = (name: string) => paths.get(name)!.cost.operations
        return (cost(`${path}Third`) - cost(path)) / 2
    }
    expect(further("ack")).toBeLessThanOrEqual(147)
    expect(further("echo22")).toBeLessThanOrEqual(252)
})
