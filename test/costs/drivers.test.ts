// Operations of the drivers for each frame, on the VM, without the transfers themselves; docs/measurements.md has the figures.

import { afterAll, expect, test } from "vitest"
import { countOperations } from "../../sim/vm/operations"

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

async function operations(
    chip: "w5500" | "esp-hosted",
    way: "received" | "sent",
    length: number,
    checks = false
): Promise<number> {
    const received = way === "received"
    const n = await countOperations("test/programs/mac-frames.ts", { chip, received, length, checks })
    measured.push(`${n.toLocaleString("en")} operations: ${chip}, ${length} bytes ${checks ? "summed" : way}`)
    return n
}

test.each([
    ["received", 60],
    ["received", 1514],
    ["sent", 60],
    ["sent", 1514],
] as const)(
    "a frame %s of %i bytes: ESP-Hosted's driver takes at most 1.3 times the operations of the W5500's",
    async (way, length) => {
        const usual = await operations("w5500", way, length)
        expect(await operations("esp-hosted", way, length)).toBeLessThanOrEqual(1.3 * usual)
    }
)

test("ESP-Hosted's checksum takes at most 760 operations for 60 bytes, 6,000 for 1,514", async () => {
    expect(await operations("esp-hosted", "sent", 60, true)).toBeLessThanOrEqual(760)
    expect(await operations("esp-hosted", "sent", 1514, true)).toBeLessThanOrEqual(6000)
})
