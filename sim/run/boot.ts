// What the program on the device is told before it starts.

import type { BootOptions } from "../../src/boot"
import type { Options } from "../options/options"

/** Bytes for a configuration that no board could hold. */
const NODE_HEAP = 16_000_000

/** Kept by programs that would keep none, so that their states can be seen. */
const EVENTS = 32

/** An Ethernet address for a host, locally administered: no two hosts on a network have the same. */
export function macFor(ip: string): string {
    const bytes = [2, 0, ...ip.split(".").map(Number)]
    return bytes.map(byte => byte.toString(16).padStart(2, "0")).join(":")
}

/** Host X's: the one that was asked for, or its own. */
export function macOfHostX({ macAddress, ip }: Options): string {
    return macAddress ?? macFor(ip)
}

/** What goes into `boot` of src/boot.ts for device number `n` (from 0), at `ip`. */
export function bootOptions(options: Options, n: number, ip: string): Partial<BootOptions> {
    const { prefix, gateway, config, mode, example, others, runtime } = options
    // Host X has the number of the example, and the address that was asked for
    const first = n === 0
    const defaults: { [key: string]: number } =
        options.program !== undefined ? { events: EVENTS } : example && first ? { iss: EXAMPLE_ISS } : {}
    return {
        ip: `${ip}/${prefix}`,
        gateway: gateway ?? "",
        macAddress: first ? macOfHostX(options) : macFor(ip),
        config: { ...defaults, ...config },
        control: mode === "control",
        // the simulator shows events itself, until `trace on` asks for the board's lines
        trace: false,
        // Node has no small heap to run out of
        ...((first ? runtime : others[n - 1]?.runtime) === "node" ? { heap: NODE_HEAP } : {}),
    }
}

/** The initial sequence number of the first connection. */
export const EXAMPLE_ISS = 4321
