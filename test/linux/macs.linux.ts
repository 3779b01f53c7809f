// 300 KB to the Linux kernel and back over each MAC, on a good line and on one that loses 5 % of all frames.

import { expect, test } from "vitest"
import { withKernel } from "./support/bed"
import { pattern, whole } from "./support/data"

const LENGTH = 300_000
const CONFIG = "connections=3,receiveBuffer=4096,sendBuffer=4096,rtoMin=300"

withKernel("300 KB over each MAC", bed => {
    test.each([
        ["w5500_evb_pico", "vm", 0],
        ["w5500_evb_pico", "vm", 0.05],
        ["w5500_evb_pico", "node", 0.05],
        ["pico_enc28j60", "vm", 0],
        ["pico_enc28j60", "vm", 0.05],
        ["pico_enc28j60", "node", 0.05],
        ["pico_esp_hosted", "vm", 0],
        ["pico_esp_hosted", "vm", 0.05],
        ["pico_esp_hosted", "node", 0.05],
    ])("%s on %s with %f of the frames lost", { timeout: 180_000 }, async (board, runtime, loss) => {
        const words = ["--board", board, "--impair", `loss=${loss}`, "--config", CONFIG, "--seed", "5"]
        await bed().server(runtime, ...words)
        const seed = `${board} ${loss}`
        expect(await bed().kernel.echo(7, seed, LENGTH)).toEqual(whole(pattern(seed, LENGTH)))
    })
})
