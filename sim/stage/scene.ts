// What a stage is made of: the network around the device, and what happens on it.

import type { BuiltinHost } from "../host/host"
import type { Link } from "../link/port"
import type { EthernetSwitch } from "../link/switch"
import type { Impairments } from "../options/impair"
import type { Clock } from "../time/clock"
import { dissect } from "../view/dissect"
import { Actor } from "./actor"
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

/** What a scene is made on. */
interface Ground {
    readonly ip: string
    readonly clock: Clock
    readonly conditions: Conditions
    readonly server: BuiltinHost
    readonly ethernet: EthernetSwitch
    readonly link: Pick<Link, "attach">
    /** The name of the device as a station of the network. */
    readonly station: string
    /** Returns the Ethernet address of a host. */
    readonly macFor: (ip: string) => string
}

/** Returns the scene on a network; its actors join `actors`. */
export function sceneOn(ground: Ground, actors: Actor[]): Scene {
    const { ip, clock, conditions, server, ethernet, link, station, macFor } = ground
    return {
        ip,
        clock,
        conditions,
        server,
        impair: changes => ethernet.impair(changes),
        actor: address => {
            const actor = new Actor(link, address, macFor(address))
            actors.push(actor)
            return actor
        },
        established: run => {
            const end = ethernet.onDelivery((frame, from) => {
                if (from.name !== station || !isAfterHandshake(frame)) return
                end()
                // after the receiver has handled the segment
                clock.at(clock.now(), run)
            })
        },
    }
}

/** Returns true for a segment that completes a handshake, or is later. */
function isAfterHandshake(frame: Uint8Array): boolean {
    const view = dissect(frame)
    return view.kind === "tcp" && view.flags.ack && !view.flags.syn && !view.flags.rst
}
