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
    "%s: ESP-Hosted takes at most 1.3 times what the W5500 takes",
    async frame => {
        const usual = await operations(`w5500-${frame}`)
        expect(await operations(`esp-hosted-${frame}`)).toBeLessThanOrEqual(1.3 * usual)
    }
)

test("ESP-Hosted's checksum of a frame", async () => {
    expect(await operations("esp-hosted-summed-60")).toBeLessThanOrEqual(760)
    expect(await operations("esp-hosted-summed-1514")).toBeLessThanOrEqual(6000)
})
