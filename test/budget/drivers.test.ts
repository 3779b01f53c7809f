// The code that each driver takes of the flashed program.

import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { boardImage } from "../../sim/budget/board"
import { filesOf, partsOf, type SizedDebugInfo } from "../../sim/budget/parts"

/** What is above and below all drivers. */
const SHARED = /^src\/mac\/(mac|poll-wait|sleep|spi)\.ts$/

// the Wi-Fi driver with its protobuf; the limit of the whole program is that of the VM
test.each([
    ["w5500_evb_pico", /w5500/, 4000, 52_000],
    ["pico_enc28j60", /enc28j60/, 5000, 52_000],
    ["pico_esp_hosted", /esp-hosted|wifi|protobuf/, 9000, 65_536],
])(
    "the code of %s: its driver takes at most its limit",
    { timeout: 300_000 },
    async (name, driver, most, whole) => {
        const { image, debug, code } = await boardImage("src/main.ts", { board: readBoard(name) })
        const info = JSON.parse(readFileSync(debug, "utf8")) as SizedDebugInfo
        const files = filesOf(partsOf(readFileSync(image), info))
        const own = files.filter(
            ({ path }) => driver.test(path) || (path.startsWith("src/mac/") && !SHARED.test(path))
        )
        const bytes = own.reduce((sum, file) => sum + file.bytes, 0)
        console.log(
            `${name}: ${bytes} bytes of ${code}: ${own.map(file => `${file.path} ${file.bytes}`).join(", ")}`
        )
        expect(bytes).toBeGreaterThan(2000)
        expect(bytes).toBeLessThanOrEqual(most)
        expect(code).toBeLessThanOrEqual(whole)
    }
)
