// Where the memory goes: exact, because all of it is taken at start.

import { Buffer } from "@devicescript/core"
import { EVENTS } from "../features"
import { Neighbour } from "../net/neighbours"
import type { Config } from "../tcp/config"
import { Half, Listener, Pace, Tcb, Wait } from "../tcp/tcb"
import { Eth } from "../wire/ethernet"
import type { Device, Print } from "./commands"
import { Event } from "./events"
import { right } from "./text"

/** Bytes of a record in the tables of socket/services.ts. */
const enum Served {
    Size = 4,
}

/** Bytes that tables, rings and frames of this configuration take: all that depends on it. */
export function configuredBytes(config: Config): number {
    return (
        config.connections * (Tcb.Size + Pace.Size + config.sendBuffer + config.receiveBuffer + Served.Size) +
        config.halfOpen * Half.Size +
        config.timeWaits * Wait.Size +
        config.listeners * (Listener.Size + Served.Size) +
        config.neighbours * Neighbour.Size +
        config.events * Event.Size +
        2 * (Eth.Size + config.mtu)
    )
}

/** Prints the bytes of every owner and their sum. Gives the sum. */
export function printMemory(device: Device, print: Print): number {
    const stack = device.stack
    const config = stack.config
    const { sendBuffer, receiveBuffer } = config
    print(" bytes  owner")
    let sum = 0
    sum += owner(print, stack.conns.length, `connections: ${config.connections} of ${Tcb.Size}`)
    sum += owner(
        print,
        stack.rings.length,
        `rings: ${config.connections} of ${sendBuffer} to send and ${receiveBuffer} received`
    )
    sum += owner(print, stack.halves.length, `half-open connections: ${config.halfOpen} of ${Half.Size}`)
    sum += owner(print, stack.waits.length, `in TIME-WAIT: ${config.timeWaits} of ${Wait.Size}`)
    sum += owner(print, stack.listeners.length, `listeners: ${config.listeners} of ${Listener.Size}`)
    sum += owner(print, stack.neighbours.length, `neighbours: ${config.neighbours} of ${Neighbour.Size}`)
    if (EVENTS) {
        sum += owner(print, bytesOf(stack.events, [], 0), `events: ${config.events} + 1 of ${Event.Size}`)
    }
    sum += owner(print, stack.rx.length + stack.tx.length, `frames: 2 of ${stack.rx.length}`)
    sum += owner(print, stack.counters.length, `counters: ${stack.counters.length >> 2} of 4`)
    // a buffer that two hold is the first one's
    const seen: Buffer[] = []
    sum += owner(print, bytesOf(stack, seen, 1) - sum, "what else the stack works with")
    sum += owner(print, bytesOf(device.services, seen, 1), "services")
    sum += owner(print, bytesOf(device.mac, seen, 1), "driver")
    print(`${right(`${sum}`, 6)}  in all`)
    return sum
}

function owner(print: Print, bytes: number, what: string): number {
    print(`${right(`${bytes}`, 6)}  ${what}`)
    return bytes
}

/** Bytes of the buffers that an object's properties hold, to a depth of objects in objects; those in `seen` not again. */
function bytesOf(object: object, seen: Buffer[], depth: number): number {
    const properties = object as { [key: string]: unknown }
    let bytes = 0
    for (const key of Object.keys(properties)) {
        const value = properties[key]
        if (value instanceof Buffer) {
            if (seen.indexOf(value) >= 0) continue
            seen.push(value)
            bytes += value.length
        } else if (depth > 0 && typeof value === "object" && value) {
            bytes += bytesOf(value, seen, depth - 1)
        }
    }
    return bytes
}
