// The driver of an ENC28J60 module on a Raspberry Pi Pico.

import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/pico_enc28j60"
import { Enc28j60 } from "../src/mac/enc28j60"
import type { Mac } from "../src/mac/mac"

/** Returns the driver for this Ethernet address. */
export function board(address: Buffer): Mac {
    return new Enc28j60({
        miso: pins.ENC28J60_MISO,
        cs: pins.ENC28J60_CS,
        sck: pins.ENC28J60_SCK,
        mosi: pins.ENC28J60_MOSI,
        reset: pins.ENC28J60_RESET,
        address,
    })
}
