// The board's wiring: where the chip is.

import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/w5500_evb_pico"
import type { Mac } from "./mac/mac"
import { W5500 } from "./mac/w5500"

/** The driver of the W5500 on a W5500-EVB-Pico, with this Ethernet address. */
export function board(address: Buffer): Mac {
    return new W5500({
        miso: pins.GP16,
        cs: pins.GP17,
        sck: pins.GP18,
        mosi: pins.GP19,
        reset: pins.GP20,
        address,
        look: 200,
    })
}
