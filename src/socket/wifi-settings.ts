// Reads the Wi-Fi network of a board from its settings.

import { readSetting } from "@devicescript/settings"
import { netError } from "../base/errors"
import { boot } from "../boot"
import type { Credentials } from "../mac/wifi"

/**
 * Returns the settings WIFI_SSID and WIFI_PASSWORD, which a deployment writes from .env.local (docs/esp-hosted.md). Throws a NetError EINVAL that
 * says what is wrong with them.
 */
export async function wifiSettings(): Promise<Credentials> {
    if (boot.network) return boot.network
    const ssid = await readSetting<unknown>("WIFI_SSID", "")
    const password = await readSetting<unknown>("WIFI_PASSWORD", "")
    // a value that looks like a number is stored as a number
    if (typeof ssid !== "string" || typeof password !== "string") {
        throw netError(
            "settings: ",
            "EINVAL, the settings WIFI_SSID and WIFI_PASSWORD must be text: put them in quotes in .env.local"
        )
    }
    if (ssid === "") {
        throw netError(
            "settings: ",
            'EINVAL, the setting WIFI_SSID is missing: put WIFI_SSID="..." and WIFI_PASSWORD="..." into .env.local, and deploy'
        )
    }
    return { ssid, password }
}
