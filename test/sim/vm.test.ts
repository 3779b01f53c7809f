import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { buildImage } from "../../sim/build/build"
import { Op, Pipe } from "../../sim/device/pipe"
import type { Level } from "../../sim/device/runtime"
import { VirtualClock } from "../../sim/time/clock"
import { VmRuntime } from "../../sim/vm/runtime"
import { bench, output } from "./support"

describe("the VM", () => {
    it("idles for a minute of virtual time in a few hundred events", async () => {
        const { clock, device } = await bench("vm", "board")
        await clock.runUntil(60_000)
        expect(clock.now()).toBe(60_000)
        device.stop()
        expect(clock.next()).toBe(Number.POSITIVE_INFINITY)
    })

    it("runs several devices on one clock, each with its own heap and chip", async () => {
        const first = await bench("vm", "board", { boot: { number: 1 } })
        const second = await bench("vm", "board", { boot: { number: 2 }, clock: first.clock })
        const replies = [first.device.command("echo first"), second.device.command("echo second")]
        await first.clock.runUntil(100)
        expect(await Promise.all(replies)).toEqual([
            { lines: ["first"], status: 0 },
            { lines: ["second"], status: 0 },
        ])
        expect(first.log[0]).toContain('"number":1')
        expect(second.log[0]).toContain('"number":2')
        expect(second.chip.seen).toEqual(first.chip.seen)
        first.device.stop()
        second.device.stop()
    })

    it("leaves the process alone: no handlers, no globals, no exit code", async () => {
        const handlers = process.eventNames().map(name => [name, process.listenerCount(name)])
        const globals = Object.getOwnPropertyNames(globalThis)
        const { clock } = await bench("vm", "failures", { boot: { how: "throw" } })
        await clock.runUntil(100)
        expect(process.eventNames().map(name => [name, process.listenerCount(name)])).toEqual(handlers)
        expect(Object.getOwnPropertyNames(globalThis)).toEqual(globals)
        expect(process.exitCode).toBe(undefined)
    })

    it("refuses an image that is not one", async () => {
        const runtime = new VmRuntime({
            clock: new VirtualClock(),
            image: new Uint8Array(64),
            onPipe: () => {},
            onLog: () => {},
            onPanic: () => {},
        })
        await expect(runtime.start()).rejects.toThrow("the VM rejects the image")
    })

    it("reports places in the bytecode when there is no debug information", async () => {
        // the optimizer puts this function where it is called: only the debug information knows it then
        const plain = { optimize: false }
        const { image } = await buildImage(["test/programs/failures.ts"], "test-programs-failures", plain)
        const boot = new TextEncoder().encode('{"how":"throw"}')
        const pipe = new Pipe({
            header: header => {
                header.size = header.op === Op.Boot ? boot.length : 0
                header.value = 1000
            },
            data: (_header, bytes) => bytes.set(boot),
        })
        const stacks: string[][] = []
        const clock = new VirtualClock()
        const runtime = new VmRuntime({
            clock,
            image: readFileSync(image),
            onPipe: bytes => pipe.write(bytes),
            onLog: () => {},
            onPanic: ({ stack }) => stacks.push(stack),
        })
        await runtime.start()
        await clock.runUntil(100)
        expect(stacks).toHaveLength(1)
        expect(stacks[0][0]).toMatch(/^inner \(function \d+, pc \d+\)$/)
    })

    it("separates what the runtime prints from what the program prints", async () => {
        const lines: [Level, string][] = []
        const { clock, device } = await bench("vm", "random-numbers", {
            onLog: (level, text) => lines.push([level, text]),
        })
        await clock.runUntil(50)
        device.stop()
        expect(lines.find(([, text]) => text.startsWith("GPIO: init"))?.[0]).toBe("system")
        expect(lines.filter(([level]) => level === "log")).toHaveLength(1)
    })
})

describe.each(["vm", "node"] as const)("random numbers on %s", runtime => {
    it("repeat with the same seed and differ with another", async () => {
        const first = await output(runtime, "random-numbers", 1000, { seed: 5 })
        expect(first).toHaveLength(6)
        expect(await output(runtime, "random-numbers", 1000, { seed: 5 })).toEqual(first)
        const other = await output(runtime, "random-numbers", 1000, { seed: 6 })
        expect(other[0]).not.toBe(first[0])
        expect(other.at(-1)).toBe(first.at(-1))
    })

    it("do not repeat without a seed, and the device has the identifier it is given", async () => {
        const { clock, log } = await bench(runtime, "random-numbers", {
            seed: undefined,
            deviceId: "0011223344556677",
        })
        const other = await bench(runtime, "random-numbers", { seed: undefined, clock })
        await clock.runUntil(1000)
        expect(log[0]).not.toBe(other.log[0])
        expect(log.at(-1)).toBe("510 log 0011223344556677")
    })
})
