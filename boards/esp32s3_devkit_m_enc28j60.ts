// The driver of an ENC28J60 module on an ESP32-S3-DevKitM.

import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/esp32s3_devkit_m_enc28j60"
import { Enc28j60 } from "../src/mac/enc28j60"
import type { Mac } from "../src/mac/mac"
import { sleepWhenQuiet } from "../src/mac/sleep"

/** Returns the driver for this Ethernet address. */
export function board(address: Buffer): Mac {
    return sleepWhenQuiet(
        new Enc28j60({
            miso: pins.ENC28J60_MISO,
            cs: pins.ENC28J60_CS,
            sck: pins.ENC28J60_SCK,
            mosi: pins.ENC28J60_MOSI,
            reset: pins.ENC28J60_RESET,
            address,
        })
    )
}
