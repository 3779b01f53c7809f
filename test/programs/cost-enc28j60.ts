import { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/w5500_evb_pico"
import { Enc28j60 } from "../../src/mac/enc28j60"
import { measureMac, select } from "./cost-mac"

const address = Buffer.from("021122334455", "hex")
const cs = select as unknown as typeof pins.W5500_CS
await measureMac(
    new Enc28j60({
        miso: pins.W5500_MISO,
        cs,
        sck: pins.W5500_SCK,
        mosi: pins.W5500_MOSI,
        reset: pins.W5500_RESET,
        address,
    })
)
