// The driver of an ESP32 module with ESP-Hosted, as Wi-Fi of a Raspberry Pi Pico. Network and password are settings of the board.

import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/pico_esp_hosted"
import type { Mac } from "../src/mac/mac"
import { wifi } from "../src/mac/wifi"
import { wifiSettings } from "../src/socket/wifi-settings"

/** Returns the driver for this Ethernet address. */
export function board(address: Buffer): Mac {
    return wifi({
        miso: pins.ESP_HOSTED_MISO,
        cs: pins.ESP_HOSTED_CS,
        sck: pins.ESP_HOSTED_SCK,
        mosi: pins.ESP_HOSTED_MOSI,
        reset: pins.ESP_HOSTED_RESET,
        handshake: pins.ESP_HOSTED_HANDSHAKE,
        ready: pins.ESP_HOSTED_DATA_READY,
        look: 200,
        credentials: wifiSettings,
    })(address)
}
