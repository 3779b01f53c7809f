// Builds the boot options that a device's program reads before it starts.

import type { BootOptions } from "../../src/boot"
import type { Options } from "../options/options"

/** The heap of a program on Node, bytes: enough for a configuration that no board could hold. */
const NODE_HEAP = 16_000_000

/** The event ring of a program given by --program, so that the picture shows its states. */
const EVENTS = 32

/** The name of Host X as a station of the network. */
export const HOST_X = "device"

/** Returns the name of device number `n` (from 0) as a station, and before what its program prints. */
export function deviceName(n: number): string {
    return n === 0 ? HOST_X : `device ${n + 1}`
}

/** Returns what the simulator's texts call device number `n` (from 0). */
export function hostName(n: number): string {
    return n === 0 ? "Host X" : `host ${n + 1}`
}

/** Returns a host's Ethernet address: locally administered, and different for each IP address. */
export function macFor(ip: string): string {
    const bytes = [2, 0, ...ip.split(".").map(Number)]
    return bytes.map(byte => byte.toString(16).padStart(2, "0")).join(":")
}

/** Returns the Ethernet address of Host X: that of --mac-address, or the one derived from its IP address. */
export function macOfHostX({ macAddress, ip }: Options): string {
    return macAddress ?? macFor(ip)
}

/** Returns the contents of `boot` of src/boot.ts for device number `n` (from 0), at the address `ip`. */
export function bootOptions(options: Options, n: number, ip: string): Partial<BootOptions> {
    const { prefix, gateway, router, program, config, mode, example, others, runtime } = options
    // only Host X has the example's sequence number and the Ethernet address of --mac-address
    const first = n === 0
    const defaults: { [key: string]: number } =
        program !== undefined ? { events: EVENTS } : example && first ? { iss: EXAMPLE_ISS } : {}
    return {
        ip: `${ip}/${prefix}`,
        gateway: gateway ?? "",
        // the flashed program has no resolver
        ...(router === undefined || program === undefined ? {} : { dns: router }),
        macAddress: first ? macOfHostX(options) : macFor(ip),
        config: { ...defaults, ...config },
        control: mode === "control",
        // the simulator shows events itself; the console's `trace on` adds the device's own lines
        trace: false,
        // Node has no small heap to run out of
        ...((first ? runtime : others[n - 1]?.runtime) === "node" ? { heap: NODE_HEAP } : {}),
    }
}

/** The initial sequence number of the example's first connection. */
export const EXAMPLE_ISS = 4321
