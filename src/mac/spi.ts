// The SPI bus for drivers: the runtime's transfers, and waits between two polls of a chip.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import { power } from "./poll-wait"

/** The runtime's SPI. It is looked up in `ds` at each call, because a host replaces it. */
export type Spi = typeof ds & {
    spiConfigure(miso: number, mosi: number, sck: number, mode: number, hz: number): void
    spiXfer(tx: Buffer, rx: Buffer): Promise<void>
}

/** Polls of the chip for each millisecond of a wait: the wait ends after them even if the clock does not advance. */
export const enum Polls {
    PerMs = 64,
}

/** Sleeps up to 1 ms between two polls of the chip, and keeps a wake-up that is meant for `Mac.rest`. */
export async function idle(): Promise<void> {
    const woken = power.woken
    power.woken = false
    await power.idle(1)
    power.woken = power.woken || woken
}

/** Waits at least `ms` - 1 milliseconds by transfers of `spare` without a chip select: an RP2040 that only sleeps can freeze. */
export async function pause(spare: Buffer, ms: number): Promise<void> {
    // the clock does not advance between two awaits: its value before the first may be old
    await (ds as Spi).spiXfer(spare, spare)
    const start = ds.millis() | 0
    for (let i = Polls.PerMs * ms; i > 0 && (((ds.millis() | 0) - start) | 0) < ms; i--) {
        await idle()
        await (ds as Spi).spiXfer(spare, spare)
    }
}
