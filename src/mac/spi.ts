// What every driver of a chip on the SPI bus needs: the runtime's SPI, and waiting between two looks at the chip.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { power } from "./power"

/** The runtime's SPI; looked up in `ds` at each call, because a host puts its own in its place. */
export type Spi = typeof ds & {
    spiConfigure(miso: number, mosi: number, sck: number, mode: number, hz: number): void
    spiXfer(tx: Buffer, rx: Buffer): Promise<void>
}

/** Where the clock may stand still, a wait also ends after this many looks at the chip for each millisecond. */
export const enum Looks {
    PerMs = 64,
}

/** Sleeps up to 1 ms between two polls of the chip, and keeps a wake-up that is meant for `Mac.rest`. */
export async function idle(): Promise<void> {
    const woken = power.woken
    power.woken = false
    await power.idle(1)
    power.woken = power.woken || woken
}

/** Lets at least `ms` - 1 pass with transfers of `spare` that no chip listens to: an RP2040 that only sleeps can freeze. */
export async function pause(spare: Buffer, ms: number): Promise<void> {
    // the clock stands still between two awaits: what it says before the first may be long past
    await (ds as Spi).spiXfer(spare, spare)
    const start = ds.millis() | 0
    for (let i = Looks.PerMs * ms; i > 0 && (((ds.millis() | 0) - start) | 0) < ms; i--) {
        await idle()
        await (ds as Spi).spiXfer(spare, spare)
    }
}
