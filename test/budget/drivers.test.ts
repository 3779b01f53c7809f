// The code that each driver takes of the flashed program.

import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { readBoard } from "../../sim/board/boards"
import { boardImage } from "../../sim/budget/board"
import { filesOf, partsOf, type SizedDebugInfo } from "../../sim/budget/parts"

test.each([
    ["w5500_evb_pico", "w5500", 4000],
    ["pico_enc28j60", "enc28j60", 5000],
])(
    "the code of %s: its driver %s takes at most %i bytes",
    { timeout: 120_000 },
    async (name, driver, most) => {
        const { image, debug, code } = await boardImage("src/main.ts", { board: readBoard(name) })
        const info = JSON.parse(readFileSync(debug, "utf8")) as SizedDebugInfo
        const files = filesOf(partsOf(readFileSync(image), info))
        const own = files.filter(({ path }) => path.startsWith(`src/mac/${driver}`))
        const bytes = own.reduce((sum, file) => sum + file.bytes, 0)
        console.log(`${driver}: ${bytes} bytes of ${code}`)
        expect(bytes).toBeGreaterThan(2000)
        expect(bytes).toBeLessThanOrEqual(most)
        expect(code).toBeLessThanOrEqual(52_000)
    }
)
