// The driver of a second ESP32 with ESP-Hosted, as Wi-Fi of an ESP32-DevKitC. Network and password are settings of the board.

import type { Buffer } from "@devicescript/core"
import { pins } from "@dsboard/esp32_devkit_c_esp_hosted"
import type { Mac } from "../src/mac/mac"
import { sleepWhenQuiet } from "../src/mac/sleep"
import { wifi } from "../src/mac/wifi"
import { wifiSettings } from "../src/socket/wifi-settings"

/** Returns the driver for this Ethernet address. */
export function board(address: Buffer): Mac {
    return sleepWhenQuiet(
        wifi({
            miso: pins.ESP_HOSTED_MISO,
            cs: pins.ESP_HOSTED_CS,
            sck: pins.ESP_HOSTED_SCK,
            mosi: pins.ESP_HOSTED_MOSI,
            reset: pins.ESP_HOSTED_RESET,
            handshake: pins.ESP_HOSTED_HANDSHAKE,
            ready: pins.ESP_HOSTED_DATA_READY,
            credentials: wifiSettings,
        })(address)
    )
}
