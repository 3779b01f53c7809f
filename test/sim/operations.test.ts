import { describe, expect, it } from "vitest"
import { VirtualClock } from "../../sim/time/clock"
import { countOperations } from "../../sim/vm/operations"
import { bench } from "./support"

describe("operations of the VM", () => {
    it("of an empty loop are 9 a turn, and 2 for the first value, whose test the optimizer leaves out", async () => {
        expect(await countOperations("test/programs/measure-loop.ts")).toBe(9 * 1000 + 2)
    })

    it("of a plain checksum of 1,460 bytes are 16 a word, and 4 around them", async () => {
        expect(await countOperations("test/programs/measure-checksum.ts")).toBe(16 * 730 + 4)
    })

    it("are not counted in a program that does not ask for it", async () => {
        await expect(countOperations("test/programs/fibers.ts")).rejects.toThrow("does not call measure")
    })
})

describe("the heap of the VM", () => {
    it("is counted to the byte, with garbage and without it", async () => {
        const { clock, device } = await bench("vm", "board")
        await clock.runUntil(1000)
        const now = device.heap()
        expect(now.size).toBe(64 * 1024 - 12)
        expect(now.used + now.free).toBe(now.size)
        const live = await device.liveHeap()
        expect(live.used).toBeLessThan(now.used)
        expect(live.largest).toBeGreaterThanOrEqual(now.largest)
        await clock.runUntil(5000)
        expect(await device.liveHeap()).toEqual(live)
        device.stop()
    })

    it("is refused in words on the Node runtime, which has none", async () => {
        const { device } = await bench("node", "board", { clock: new VirtualClock() })
        expect(() => device.heap()).toThrow("only the VM has a heap to measure")
        device.stop()
    })
})
