// The VM and its stand-in under Node have to make the same of the same program.

import { describe, expect, it } from "vitest"
import { output } from "./support"

describe("the VM and the Node runtime print the same", () => {
    it("for arithmetic, buffers, strings and console output", async () => {
        const vm = await output("vm", "semantics", 100)
        expect(vm.length).toBeGreaterThan(350)
        expect(vm).toContain("10 log store 4294967295 as i32: ffffff7f")
        expect(await output("node", "semantics", 100)).toEqual(vm)
    })

    it("at the same times, for fibers, timers and events", async () => {
        const vm = await output("vm", "fibers", 1000)
        expect(vm.at(-1)).toMatch(/end$/)
        expect(await output("node", "fibers", 1000)).toEqual(vm)
    })

    it("for the runtime's own libraries: SPI, pins, cryptography and sockets over another backend", async () => {
        const vm = await output("vm", "libraries", 1000)
        expect(vm).toContain("20 log hello 20")
        expect(vm.at(-1)).toBe("30 log end 30")
        expect(await output("node", "libraries", 1000)).toEqual(vm)
    })
})
