import { describe, expect, test } from "vitest"
import { withKernel } from "./support/bed"
import { pattern, whole } from "./support/data"

/** Trouble on the way, and how many bytes are sent through it. */
const TROUBLES: [string, number][] = [
    ["loss=0.01", 50_000],
    ["loss=0.05", 20_000],
    ["loss=0.15", 4000],
    ["delay=50", 10_000],
    ["delay=10,jitter=8", 20_000],
    ["reorder=0.2,jitter=3", 20_000],
    ["dup=0.2", 50_000],
    ["corrupt=0.05", 20_000],
    ["rate=500kbit", 50_000],
    ["loss=0.03,dup=0.05,reorder=0.1,corrupt=0.02,delay=5,jitter=3", 10_000],
]

withKernel("bad lines between the device and the Linux kernel", bed => {
    describe.each(["vm", "node"])("with the device on %s", runtime => {
        test.each(TROUBLES)(
            "on a line with %s %i bytes are echoed as they were sent",
            async (impairments, length) => {
                // the second run with rings that hold several segments, where a loss is mended without waiting for a timer
                for (const ring of [1024, 4096]) {
                    const config = `connections=3,receiveBuffer=${ring},sendBuffer=${ring},rtoMin=300`
                    // a seed makes the bad luck the same each time
                    const words = ["--impair", impairments, "--config", config, "--seed", "5"]
                    await bed().server(runtime, ...words)
                    const seed = `${impairments} ${ring}`
                    expect(await bed().kernel.echo(7, seed, length)).toEqual(whole(pattern(seed, length)))
                    await bed().endDevices()
                }
            }
        )
    })
})
