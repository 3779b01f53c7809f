// Operations of the drivers for each frame, on the VM, without the transfers themselves; docs/measurements.md has the figures.

import { afterAll, expect, test } from "vitest"
import { countOperations } from "../../sim/vm/operations"

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

async function operations(name: string): Promise<number> {
    const n = await countOperations(`test/programs/mac/${name}.ts`)
    measured.push(`${n.toLocaleString("en")} operations: ${name}`)
    return n
}

test.each(["received-60", "received-1514", "sent-60", "sent-1514"])(
    "a frame %s: ESP-Hosted's driver takes at most 1.3 times the operations of the W5500's",
    async frame => {
        const usual = await operations(`w5500-${frame}`)
        expect(await operations(`esp-hosted-${frame}`)).toBeLessThanOrEqual(1.3 * usual)
    }
)

test("ESP-Hosted's checksum takes at most 760 operations for 60 bytes, 6,000 for 1,514", async () => {
    expect(await operations("esp-hosted-summed-60")).toBeLessThanOrEqual(760)
    expect(await operations("esp-hosted-summed-1514")).toBeLessThanOrEqual(6000)
})
