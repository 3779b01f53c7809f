import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { ROOT } from "../../sim/build/build"
import { bench, RUNTIMES } from "./support"

const FILE = "test/programs/failures.ts"
const SOURCE = readFileSync(join(ROOT, FILE), "utf8").split("\n")

/** Matches a call in the program's line that holds `text`. */
function at(name: string, text: string): RegExp {
    const line = SOURCE.findIndex(source => source.includes(text)) + 1
    expect(line).toBeGreaterThan(0)
    return new RegExp(`^${name} \\(${FILE}:${line}:\\d+\\)$`)
}

async function fail(runtime: "vm" | "node", how: string) {
    const { clock, panics, log } = await bench(runtime, "failures", { boot: { how } })
    await clock.runUntil(1000)
    expect(panics).toHaveLength(1)
    expect(log.join("\n")).not.toContain("still here")
    return { ...panics[0], log }
}

describe.each(RUNTIMES)("a panic on %s", runtime => {
    it("names the exception and every call up to it by file, line and column", async () => {
        const { code, message, stack } = await fail(runtime, "throw")
        expect({ code, message }).toEqual({ code: 60005, message: "RangeError: on purpose" })
        expect(stack[0]).toMatch(at("inner", "throw new RangeError"))
        expect(stack[1]).toMatch(at("outer", "await inner()"))
        expect(stack[2]).toMatch(at(".*", `"throw") await outer()`))
    })

    it("in any fiber ends all of them", async () => {
        const { message, stack } = await fail(runtime, "throw in a fiber")
        expect(message).toBe("RangeError: on purpose")
        expect(stack[0]).toMatch(at("inner", "throw new RangeError"))
    })

    it("ends a program whose loop never lets time pass", async () => {
        const { code, message } = await fail(runtime, "stay awake")
        expect(code).toBe(-1)
        expect(message).toMatch(/^the program never sleeps/)
    })

    it("is what a restart of the program is reported as", async () => {
        const { code, message } = await fail(runtime, "restart")
        expect({ code, message }).toEqual({ code: 0, message: "the program asked for a restart" })
    })
})

describe("a panic on the VM", () => {
    it("ends an endless loop", async () => {
        const { code, message, stack } = await fail("vm", "spin")
        expect(code).toBe(60001)
        expect(message).toBe("endless loop: 131072 operations without an await")
        expect(stack[0]).toMatch(at("spin", "while (turns >= 0) turns++"))
    })

    it("of a program without heap says how much there was", async () => {
        const { code, message, stack } = await fail("vm", "grow")
        expect(code).toBe(60004)
        expect(message).toMatch(/^out of memory \(\d+ objects, \d+ B used, \d+ B free \(\d+ B max block\)\)$/)
        expect(stack[0]).toMatch(at("grow", "kept.push"))
    })

    it("ends a recursion without end", async () => {
        const { code, message, stack } = await fail("vm", "deepen")
        expect({ code, message }).toEqual({ code: 60006, message: "stack overflow" })
        expect(stack.length).toBeGreaterThan(20)
    })
})
