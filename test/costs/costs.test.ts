// What things cost on the VM, measured there; docs/measurements.md has the figures.

import { afterAll, describe, expect, test } from "vitest"
import { buildImage } from "../../sim/build/build"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { EthernetSwitch } from "../../sim/link/switch"
import { VirtualClock } from "../../sim/time/clock"
import { countOperations } from "../../sim/vm/operations"

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

async function operations(name: string, what: string, options = {}): Promise<number> {
    const n = await countOperations(`test/programs/${name}.ts`, options)
    measured.push(`${n.toLocaleString("en")} operations: ${what}`)
    return n
}

describe("operations on the VM", () => {
    test("the checksum of 1,460 bytes takes at most 2,600 operations", async () => {
        expect(await operations("cost-checksum", "checksum of 1,460 bytes")).toBeLessThanOrEqual(2600)
    })

    test("a SYN is answered within 3,800 operations, and 2,600 without the event ring", async () => {
        const what = "SYN received to SYN-ACK ready"
        const with32 = await operations("cost-handshake", `${what}, 32 events kept`, { events: 32 })
        const quiet = await operations("cost-handshake", `${what}, no events kept`, { events: 0 })
        expect(with32).toBeLessThanOrEqual(3800)
        expect(quiet).toBeLessThanOrEqual(2600)
    })
})

describe("memory of src/main.ts", () => {
    test("its board image fits the RP2040's 110 KB with room for a program", async () => {
        const { size } = await buildImage(["src/main.ts"], "board")
        measured.push(`${size.toLocaleString("en")} bytes: image of src/main.ts`)
        expect(size).toBeLessThanOrEqual(84_000)
    })

    test("it leaves 24 KB of the heap free, and connections take none of it", async () => {
        const clock = new VirtualClock()
        const ethernet = new EthernetSwitch(clock)
        const chip = new W5500Chip({ clock, send: frame => plug.send(frame) })
        const plug = ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        const device = new Device({
            clock,
            chip,
            runtime: "vm",
            seed: 1,
            boot: {
                ip: "10.0.0.2/24",
                gateway: "",
                macAddress: "",
                config: {},
                services: true,
                trace: false,
            },
        })
        await device.start()
        await clock.runUntil(5000)
        const idle = await device.liveHeap()
        const four = ["10.0.0.3 1", "10.0.0.4 2", "10.0.0.5 3", "10.0.0.6 4"]
        for (const peer of four) void device.command(`connect ${peer}`)
        await clock.runUntil(clock.now() + 500)
        const busy = await device.liveHeap()
        device.stop()
        measured.push(
            `${idle.used.toLocaleString("en")} bytes of heap in use at start, ${idle.free.toLocaleString("en")} free`
        )
        measured.push(`${busy.used.toLocaleString("en")} with 4 connections`)
        expect(idle.free).toBeGreaterThan(24_000)
        expect(Math.abs(busy.used - idle.used)).toBeLessThan(1000)
    })
})
