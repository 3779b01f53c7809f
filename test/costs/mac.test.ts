// What a frame costs each driver: operations on the VM, SPI frames and bytes.

import { afterAll, expect, test } from "vitest"
import { Enc28j60Chip } from "../../sim/chip/enc28j60"
import { W5500Chip } from "../../sim/chip/w5500"
import { Bench } from "../mac/bench"
import { Bench as Enc28j60Bench } from "../mac/enc28j60-bench"
import { costsOf, type FrameCosts, type MacUnderTest } from "./mac"

const w5500: MacUnderTest = {
    program: "test/programs/cost-w5500.ts",
    bench: () => new Bench(),
    chip: (clock, send) => new W5500Chip({ clock, send }),
}

const enc28j60: MacUnderTest = {
    program: "test/programs/cost-enc28j60.ts",
    bench: () => new Enc28j60Bench(),
    chip: (clock, send) => new Enc28j60Chip({ clock, send }),
}

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

async function measure(name: string, mac: MacUnderTest, length: number): Promise<FrameCosts> {
    const costs = await costsOf(mac, length)
    measured.push(
        `${name}, ${length} bytes: ${costs.in} operations in, ${costs.out} out, ${costs.idle} a poll that finds nothing, ${costs.look} the look every 100 ms; ` +
            `${costs.inFrames} and ${costs.outFrames} SPI frames, ${costs.inBytes} and ${costs.outBytes} bytes`
    )
    return costs
}

test.each([60, 1514])(
    "a frame of %i bytes takes the ENC28J60's driver at most 1.5 times the operations of the W5500's",
    async length => {
        const reference = await measure("W5500", w5500, length)
        const costs = await measure("ENC28J60", enc28j60, length)
        expect(costs.in).toBeLessThanOrEqual(1.5 * reference.in)
        expect(costs.out).toBeLessThanOrEqual(1.5 * reference.out)
    }
)
