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
import type { Device } from "./commands"

const enum Heap {
    /** What the VM adds to a connection's record: the head of a buffer, and an entry in an array, which grows by more than one. */
    Record = 28,
}

/** Returns the bytes of heap that this configuration needs, at most. */
export function heapFor(config: Config): number {
    return configuredBytes(config) + config.connections * Heap.Record
}

/** Returns the bytes of the tables, rings and frames of this configuration: all memory that depends on it. */
export function configuredBytes(config: Config): number {
    const perConnection = Served.Size + (PASSIVE_OPENS ? Pace.Size : 0)
    const more = config.connections * perConnection + config.listeners * Served.Size
    return tableRows(config, []) + more
}

/** Appends a row for each owner of memory and one for their sum, and returns the sum in bytes. */
export function memoryRows(device: Device, rows: string[]): number {
    const stack = device.stack
    rows.push(" bytes  owner")
    let sum = tableRows(stack.config, rows)
    sum += table(rows, "counters", stack.counters.length >> 2, 4)
    // a buffer that two objects hold is counted for the first
    const seen: Buffer[] = []
    let connections = 0
    for (const c of stack.conns) connections += c.length
    sum += owner(rows, connections + bytesOf(stack, seen, 1) - sum, "other buffers of the stack")
    sum += owner(rows, bytesOf(device.services, seen, 1), "services")
    sum += owner(rows, bytesOf(device.mac, seen, 1), "driver")
    owner(rows, sum, "in all")
    return sum
}

/** Appends the rows of this configuration's tables, rings and frames, and returns their sum in bytes. */
function tableRows(config: Config, rows: string[]): number {
    const { connections, sendBuffer, receiveBuffer } = config
    const frame = Eth.Size + config.mtu
    let sum = table(rows, "connections", connections, Tcb.Size)
    sum += owner(
        rows,
        connections * (sendBuffer + receiveBuffer),
        `rings: ${connections} of ${sendBuffer} to send and ${receiveBuffer} received`
    )
    sum += table(rows, "half-open connections", config.halfOpen, Half.Size)
    sum += table(rows, "in TIME-WAIT", config.timeWaits, TimeWaitRecord.Size)
    sum += table(rows, "listeners", config.listeners, Listener.Size)
    sum += table(rows, "neighbours", config.neighbours, Neighbour.Size)
    if (EVENTS) {
        // one record more than the ring's capacity: the record that is being filled in
        const events = config.events > 0 ? config.events + 1 : 0
        sum += owner(rows, events * Event.Size, `events: ${events} of ${Event.Size}`)
    }
    return sum + owner(rows, 2 * frame + Vlan.Size, `frames: ${frame + Vlan.Size} and ${frame}`)
}

/** Appends the row for `count` records of `size` bytes and returns their bytes. */
function table(rows: string[], what: string, count: number, size: number): number {
    return owner(rows, count * size, `${what}: ${count} of ${size}`)
}

function owner(rows: string[], bytes: number, what: string): number {
    rows.push(`${padLeft(`${bytes}`, 6)}  ${what}`)
    return bytes
}

/** Returns the bytes of the buffers in an object's properties, `depth` objects deep, without those in `seen` and in arrays. */
function bytesOf(object: object, seen: Buffer[], depth: number): number {
    const properties = object as { [key: string]: unknown }
    let bytes = 0
    for (const key of Object.keys(properties)) {
        const value = properties[key]
        if (value instanceof Buffer) {
            if (seen.indexOf(value) >= 0) continue
            seen.push(value)
            bytes += value.length
        } else if (depth > 0 && typeof value === "object" && value && !Array.isArray(value)) {
            bytes += bytesOf(value, seen, depth - 1)
        }
    }
    return bytes
}
