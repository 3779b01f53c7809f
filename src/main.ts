// The program that is flashed: a W5500-EVB-Pico on the network, with echo on port 7 and a page on port 80.

import { pins } from "@dsboard/w5500_evb_pico"
import { boot } from "./boot"
import { startDevice } from "./inspect/device"
import { W5500 } from "./mac/w5500"

await startDevice(
    address =>
        new W5500({
            miso: pins.GP16,
            cs: pins.GP17,
            sck: pins.GP18,
            mosi: pins.GP19,
            reset: pins.GP20,
            address,
        }),
    boot
)
