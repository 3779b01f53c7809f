// The addresses of a board, from its settings.

import { readSetting } from "@devicescript/settings"
import { netError } from "../base/errors"
import { boot } from "../boot"
import { power } from "../mac/poll-wait"

/** What `startNetwork` takes of a board's settings. */
export interface NetworkSettings {
    /** The address and the length of its network's prefix, as "10.0.0.2/24", or "dhcp". */
    ip: string
    /** The router's address, "" for none. */
    gateway: string
    /** Ethernet address, "" for one made from the device's id. */
    macAddress: string
    /** The name server's address, "" for none. */
    dns?: string
    /** The name of this host, for `dhcp` and `publishName`; "" for none. */
    hostName?: string
    /** Fields of Config that differ from their defaults. */
    config?: { [key: string]: number }
}

/**
 * Returns the settings IP, GATEWAY, DNS and HOST_NAME, which a deployment writes from .env.defaults and .env.local, or the board's settings
 * service. A setting that is missing is as `missing` has it. Throws a NetError EINVAL when a setting is not text. In the simulator the values are those
 * of its command line.
 */
export async function networkSettings(missing: Partial<NetworkSettings> = {}): Promise<NetworkSettings> {
    if (power.hosted) return boot
    const { config, macAddress } = boot
    return {
        macAddress,
        config,
        ip: await text("IP", missing.ip || boot.ip),
        gateway: await text("GATEWAY", missing.gateway || ""),
        dns: await text("DNS", missing.dns || ""),
        hostName: await text("HOST_NAME", missing.hostName || ""),
    }
}

async function text(key: string, missing: string): Promise<string> {
    const value = await readSetting<unknown>(key, missing)
    // a value that looks like a number is one
    if (typeof value === "string") return value
    throw netError(
        "settings: ",
        `EINVAL, the setting ${key} must be a text: put it in quotes in .env.defaults`
    )
}
