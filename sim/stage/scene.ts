// What a stage is made of: the network around the device, and what happens on it.

import type { BuiltinHost } from "../host/host"
import type { Impairments } from "../options/impair"
import type { Clock } from "../time/clock"
import type { Actor } from "./actor"
import type { Conditions } from "./conditions"

/** The network around a device that fails. */
export interface Scene {
    /** The device's address. */
    readonly ip: string
    readonly clock: Clock
    readonly conditions: Conditions
    /** The other host, which has a TCP/IP stack of its own. */
    readonly server: BuiltinHost
    /** Changes what the line does to frames. */
    impair(changes: Partial<Impairments>): void
    /** Adds a host that answers ARP and does only what the stage has it do. */
    actor(ip: string): Actor
    /** Runs `run` once, when the first handshake of the device is complete. */
    established(run: () => void): void
}
