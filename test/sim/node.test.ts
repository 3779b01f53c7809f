import { close as closeInspector, open as openInspector, Session } from "node:inspector"
import type { SourceMapPayload } from "node:module"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Buffer, clearTimeout, emitter, millis, setTimeout, sleep, suspend, wait } from "@devicescript/core"
import { digest } from "@devicescript/crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bench } from "./support"

describe("the Node runtime", () => {
    it("gives each device modules and built-in objects of its own", async () => {
        const first = await bench("node", "board", { boot: { number: 1 } })
        const second = await bench("node", "board", { boot: { number: 2 }, clock: first.clock })
        const replies = [first.device.command("echo first"), second.device.command("echo second")]
        await first.clock.runUntil(100)
        expect((await Promise.all(replies)).map(({ lines }) => lines)).toEqual([["first"], ["second"]])
        expect(first.log[0]).toContain('"number":1')
        expect(second.log[0]).toContain('"number":2')
        expect(Math.round(-1.5)).toBe(-1)
        expect(`${[1, 2]}`).toBe("1,2")
        expect("GPIO" in globalThis).toBe(false)
    })

    it("runs beside the VM on one clock, with the same output", async () => {
        const vm = await bench("vm", "fibers")
        const node = await bench("node", "fibers", { clock: vm.clock })
        await vm.clock.runUntil(1000)
        expect(node.log).toEqual(vm.log)
    })

    it("runs nothing once it is stopped", async () => {
        const { clock, device, log } = await bench("node", "fibers")
        await clock.runUntil(20)
        device.stop()
        const before = log.length
        await clock.runUntil(1000)
        expect(log).toHaveLength(before)
        expect(clock.next()).toBe(Number.POSITIVE_INFINITY)
    })
})

describe("the Node runtime in a test's own process", () => {
    it("runs fibers in the order of their wake-ups", async () => {
        const seen: string[] = []
        const nap = async (name: string, ms: number) => {
            await sleep(ms)
            seen.push(name)
        }
        nap.start("later", 500)
        nap.start("sooner", 1)
        const forgotten = setTimeout(() => {
            seen.push("forgotten")
        }, 2)
        clearTimeout(forgotten)
        while (seen.length < 2) await sleep(5)
        expect(seen).toEqual(["sooner", "later"])
    })

    it("resumes a waiting fiber, or ends its wait after its time", async () => {
        const source = emitter<string>()
        const results: unknown[] = []
        const waiter = async () => {
            results.push(await suspend(1000))
            results.push(await wait(source, 1000))
            results.push(await suspend(1))
        }
        const fiber = waiter.start()
        await sleep(1)
        fiber.resume("resumed")
        await sleep(1)
        source.emit("event")
        while (results.length < 3) await sleep(1)
        expect(results).toEqual(["resumed", "event", undefined])
        expect(Number.isInteger(millis())).toBe(true)
    })

    it("has the runtime's buffers, random bytes and SHA-256", () => {
        const bytes = Buffer.alloc(64)
        bytes.fillRandom()
        expect(new Set(bytes).size).toBeGreaterThan(10)
        expect(digest("sha256", "abc").toString("hex")).toMatch(/^ba7816bf8f01cfea/)
        expect(Math.idiv(-7, 2)).toBe(-3)
        expect(Math.randomInt(0)).toBe(0)
    })

    it("refuses reads beyond a buffer's end, which would reach other memory on the VM", () => {
        const bytes = Buffer.alloc(4)
        expect(() => bytes.getAt(-1, "u8")).toThrow(RangeError)
        expect(() => bytes.setAt(-1, "u8", 1)).toThrow(RangeError)
        expect(() => bytes.getAt(Number.NaN, "u8")).toThrow(RangeError)
        expect(() => bytes.getAt(0, "u7")).toThrow(RangeError)
        expect(bytes.getAt(4, "u8")).toBe(undefined)
    })
})

describe("a debugger on the Node runtime", () => {
    // a session of the same process cannot pause it, but hears of every script, as any debugger does
    const session = new Session()
    beforeAll(() => {
        openInspector(0, "127.0.0.1")
        session.connect()
    })
    afterAll(() => {
        session.disconnect()
        closeInspector()
    })

    it("finds the lines of src/ in the program's source map", async () => {
        const maps: { path: string; map: SourceMapPayload }[] = []
        session.on("Debugger.scriptParsed", ({ params: { url, sourceMapURL = "" } }) => {
            if (!/device-program-\d+\.js$/.test(url)) return
            const json = atob(sourceMapURL.replace(/^data:application\/json;base64,/, ""))
            maps.push({ path: url, map: JSON.parse(json) as SourceMapPayload })
        })
        session.post("Debugger.enable")
        const { clock } = await bench("node", "fibers")
        await clock.runUntil(20)
        expect(maps).toHaveLength(1)
        const [{ path, map }] = maps as [{ path: string; map: SourceMapPayload }]
        // relative to the script's own path, as a debugger takes them
        const sources = map.sources.map(source => fileURLToPath(new URL(source, path)))
        const program = sources.find(source => source.endsWith("test/programs/fibers.ts"))
        expect(program).toBe(resolve("test/programs/fibers.ts"))
    })
})
