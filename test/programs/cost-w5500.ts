import { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/w5500_evb_pico"
import { W5500 } from "../../src/mac/w5500"
import { measureMac, select } from "./cost-mac"

const address = Buffer.from("021122334455", "hex")
const cs = select as unknown as typeof pins.GP17
await measureMac(
    new W5500({ miso: pins.GP16, cs, sck: pins.GP18, mosi: pins.GP19, reset: pins.GP20, address })
)
