// Reports how much memory each part of the stack takes. The numbers are exact because all memory is allocated at start.

import { Buffer } from "@devicescript/core"
import { Event } from "../base/events"
import { EVENTS, PASSIVE_OPENS } from "../features"
import { padLeft } from "../inspect/text"
import { Neighbour } from "../net/neighbour-record"
import { Served } from "../socket/echo-discard"
import type { Config } from "../tcp/config"
import { Half, Listener, Pace, Tcb, TimeWaitRecord } from "../tcp/records"
import { Eth, Vlan } from "../wire/ethernet"
import type { Device, Print } from "./commands"

/** Returns the bytes of the tables, rings and frames of this configuration: all memory that depends on it. */
export function configuredBytes(config: Config): number {
    const perConnection = Served.Size + (PASSIVE_OPENS ? Pace.Size : 0)
    const more = config.connections * perConnection + config.listeners * Served.Size
    return printTables(config, () => {}) + more
}

/** Prints the bytes of each owner and their sum, and returns the sum. */
export function printMemory(device: Device, print: Print): number {
    const stack = device.stack
    print(" bytes  owner")
    let sum = printTables(stack.config, print)
    sum += table(print, "counters", stack.counters.length >> 2, 4)
    // a buffer that two objects hold is counted for the first
    const seen: Buffer[] = []
    sum += owner(print, bytesOf(stack, seen, 1) - sum, "other buffers of the stack")
    sum += owner(print, bytesOf(device.services, seen, 1), "services")
    sum += owner(print, bytesOf(device.mac, seen, 1), "driver")
    owner(print, sum, "in all")
    return sum
}

/** Prints the bytes of this configuration's tables, rings and frames, and returns their sum. */
function printTables(config: Config, print: Print): number {
    const { connections, sendBuffer, receiveBuffer } = config
    const frame = Eth.Size + config.mtu
    let sum = table(print, "connections", connections, Tcb.Size)
    sum += owner(
        print,
        connections * (sendBuffer + receiveBuffer),
        `rings: ${connections} of ${sendBuffer} to send and ${receiveBuffer} received`
    )
    sum += table(print, "half-open connections", config.halfOpen, Half.Size)
    sum += table(print, "in TIME-WAIT", config.timeWaits, TimeWaitRecord.Size)
    sum += table(print, "listeners", config.listeners, Listener.Size)
    sum += table(print, "neighbours", config.neighbours, Neighbour.Size)
    if (EVENTS) {
        // one record more than the ring's capacity: the record that is being filled in
        const events = config.events > 0 ? config.events + 1 : 0
        sum += owner(print, events * Event.Size, `events: ${events} of ${Event.Size}`)
    }
    return sum + owner(print, 2 * frame + Vlan.Size, `frames: ${frame + Vlan.Size} and ${frame}`)
}

/** Prints the line for `count` records of `size` bytes and returns their bytes. */
function table(print: Print, what: string, count: number, size: number): number {
    return owner(print, count * size, `${what}: ${count} of ${size}`)
}

function owner(print: Print, bytes: number, what: string): number {
    print(`${padLeft(`${bytes}`, 6)}  ${what}`)
    return bytes
}

/** Returns the bytes of the buffers in an object's properties, `depth` objects deep, without those in `seen`. */
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
