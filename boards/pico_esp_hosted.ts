// The driver of an ESP32-C3 with ESP-Hosted firmware on a Raspberry Pi Pico: a Wi-Fi station.

import type { Buffer } from "@devicescript/core"
import { readSetting } from "@devicescript/settings"
import { pins } from "@dsboard/pico_esp_hosted"
import { boot } from "../src/boot"
import type { Mac } from "../src/mac/mac"
import { wifi } from "../src/mac/wifi"

// the simulator's access point has its own; a board has them in its settings (.env.local), never in a source
const ssid = boot.ssid || (await readSetting("WIFI_SSID", ""))
const password = boot.password || (await readSetting("WIFI_PASS", ""))

/** Returns the driver for this Ethernet address. */
export function board(address: Buffer): Mac {
    return wifi({
        ssid,
        password,
        miso: pins.ESP_HOSTED_MISO,
        cs: pins.ESP_HOSTED_CS,
        sck: pins.ESP_HOSTED_SCK,
        mosi: pins.ESP_HOSTED_MOSI,
        reset: pins.ESP_HOSTED_RESET,
        handshake: pins.ESP_HOSTED_HANDSHAKE,
        ready: pins.ESP_HOSTED_DATA_READY,
        look: 200,
    })(address)
}
