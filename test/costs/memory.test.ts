// What the stack takes of memory: bytes of a record, and the heap of the smallest useful configuration on the VM.

import { afterAll, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { VirtualClock } from "../../sim/time/clock"
import { Half, Tcb, TimeWaitRecord } from "../../src/tcp/records"

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

test("a record has at most 96 bytes for a connection, 36 for a half-open one, 24 for one in TIME-WAIT", () => {
    const sizes = [Tcb.Size, Half.Size, TimeWaitRecord.Size]
    measured.push(`${sizes.join(", ")} bytes: a connection, a half-open one, one in TIME-WAIT`)
    expect(sizes[0]).toBeLessThanOrEqual(96)
    expect(sizes[1]).toBeLessThanOrEqual(36)
    expect(sizes[2]).toBeLessThanOrEqual(24)
})

/** One connection, a 576-byte MTU, and rings of what that lets through. */
const smallest = {
    connections: 1,
    halfOpen: 1,
    timeWaits: 1,
    listeners: 1,
    neighbours: 2,
    events: 0,
    mtu: 576,
    receiveBuffer: 536,
    sendBuffer: 536,
}

/** Bytes of heap that `new Stack` takes permanently on the VM. */
async function heapOf(config: Record<string, number>): Promise<number> {
    const clock = new VirtualClock()
    const device = new Device({
        clock,
        chip: new W5500Chip({ clock, send: () => {} }),
        runtime: "vm",
        seed: 1,
        program: "test/programs/cost-memory.ts",
        boot: { config },
    })
    await device.start()
    await clock.runUntil(500)
    const before = await device.liveHeap()
    await clock.runUntil(2500)
    const after = await device.liveHeap()
    device.stop()
    return after.used - before.used
}

test("the smallest useful configuration takes at most 4 KB of the heap", async () => {
    const bytes = await heapOf(smallest)
    measured.push(`${bytes.toLocaleString("en")} bytes of heap: all of the smallest stack`)
    expect(bytes).toBeLessThanOrEqual(4096)
})

test("the default configuration takes at most 24,000 bytes of the heap", async () => {
    const bytes = await heapOf({})
    measured.push(`${bytes.toLocaleString("en")} bytes of heap: all of the default stack`)
    expect(bytes).toBeLessThanOrEqual(24_000)
})
