// What is wired to which pin, for src/selftest.ts. The build writes this file from boards/NAME.board.json.

import { pins } from "@dsboard/w5500_evb_pico"

export { linkDetails, probe } from "./selftest/w5500"

export const boardName = "w5500_evb_pico"

/** Returns the pin of each of the chip's lines. */
export function wiring() {
    return {
        MISO: pins.W5500_MISO,
        CS: pins.W5500_CS,
        SCK: pins.W5500_SCK,
        MOSI: pins.W5500_MOSI,
        RESET: pins.W5500_RESET,
        INT: pins.W5500_INT,
    }
}
