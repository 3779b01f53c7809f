// What the program on the device is told before it starts.

import type { BootOptions } from "../../src/boot"
import type { Options } from "../options"
import { EXAMPLE_ISS } from "./example"

/** Bytes for a configuration that no board could hold. */
const NODE_HEAP = 16_000_000

/** An Ethernet address for a host, locally administered: no two hosts on a network have the same. */
export function macFor(ip: string): string {
    const bytes = [2, 0, ...ip.split(".").map(Number)]
    return bytes.map(byte => byte.toString(16).padStart(2, "0")).join(":")
}

/** What goes into `boot` of src/boot.ts. */
export function bootOptions(options: Options): Partial<BootOptions> {
    const { ip, prefix, gateway, macAddress, config, mode, example } = options
    return {
        ip: `${ip}/${prefix}`,
        gateway: gateway ?? "",
        macAddress: macAddress ?? macFor(ip),
        config: example ? { iss: EXAMPLE_ISS, ...config } : config,
        control: mode === "control",
        // the simulator shows events itself, until `trace on` asks for the board's lines
        trace: false,
        // Node has no small heap to run out of
        ...(options.runtime === "node" ? { heap: NODE_HEAP } : {}),
    }
}
