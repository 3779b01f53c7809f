// What each path of a whole device costs on the VM, exactly: floors.json has the figures, and none may get worse. docs/measurements.md has
// them, too, beside those before. A change that makes figures better writes floors.json anew:
// `UPDATE_FLOORS=1 npx vitest run test/costs/whole.test.ts`.

import { readFileSync, writeFileSync } from "node:fs"
import { beforeAll, expect, test } from "vitest"
import { measurePaths, type Path } from "./paths"
import type { Cost } from "./whole"

const FILE = new URL("floors.json", import.meta.url)
const floors: Record<string, Cost> = JSON.parse(readFileSync(FILE, "utf8"))
let paths: Map<string, Path>
beforeAll(async () => {
    paths = await measurePaths()
    if (process.env.UPDATE_FLOORS !== undefined) {
        for (const name of Object.keys(floors)) floors[name] = paths.get(name)!.cost
        writeFileSync(FILE, `${JSON.stringify(floors, null, 4)}\n`)
    }
}, 120_000)

test.each(Object.keys(floors))("path %s of a whole device costs no more than its floor", name => {
    const { cost } = paths.get(name)!
    for (const [what, floor] of Object.entries(floors[name]!))
        expect(cost[what as keyof Cost], what).toBeLessThanOrEqual(floor)
})

test("each further connection costs an ACK nothing, an echo of 22 bytes at most 15 operations", () => {
    const further = (path: string) => {
        const cost = (name: string) => paths.get(name)!.cost.operations
        return (cost(`${path}Third`) - cost(path)) / 2
    }
    expect(further("ack")).toBeLessThanOrEqual(0)
    expect(further("echo22")).toBeLessThanOrEqual(15)
})
