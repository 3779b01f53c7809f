// The driver of a W5500 module on an ESP32-DevKitC.

import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/esp32_devkit_c_w5500"
import type { Mac } from "../src/mac/mac"
import { sleepWhenQuiet } from "../src/mac/sleep"
import { W5500 } from "../src/mac/w5500"

/** Returns the driver for this Ethernet address. */
export function board(address: Buffer): Mac {
    return sleepWhenQuiet(
        new W5500({
            miso: pins.W5500_MISO,
            cs: pins.W5500_CS,
            sck: pins.W5500_SCK,
            mosi: pins.W5500_MOSI,
            reset: pins.W5500_RESET,
            address,
        })
    )
}
