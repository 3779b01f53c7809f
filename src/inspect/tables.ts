// Formats the stack's connections, neighbours and counters, one row per call. A row is "" when its record is free.

import type { Buffer } from "@devicescript/core"
import { counterNames } from "../base/counters"
import { word } from "../base/words"
import { driverCounterNames } from "../mac/mac"
import { ipv4Text, macText } from "../net/address"
import { Neighbour, NeighbourState } from "../net/neighbour-record"
import type { Stack } from "../net/stack"
import type { Connection } from "../tcp/context"
import { errorName, Half, Listener, State, stateName, Tcb, TimeWaitRecord } from "../tcp/records"
import { endpoint, localText, padLeft, padRight, remoteText } from "./text"

/** Widths of the console's columns: 80 in all if this host's address is as long as 10.0.0.2. */
const enum Width {
    Id = 6,
    /** Columns for the longest address and port, and a space. */
    Remote = 22,
    State = 13,
    Bytes = 7,
}

/** Returns the titles of the console's columns. */
export function connectionHeads(stack: Stack): string {
    return columns(stack, "id", "local", "remote", "state", amounts("unread", "unsent"))
}

/**
 * Returns row `index` of the connections, as HTML or in columns: first listeners, then half-open connections, then other
 * connections. Returns "" when the row's record is free, undefined after the last row.
 */
export function connectionRow(stack: Stack, index: number, html: boolean): string | undefined {
    const { listeners, halfOpen, connections, timeWaits } = stack.config
    if (index < listeners) return listenerRow(stack, index * Listener.Size, html)
    index -= listeners
    if (index < halfOpen) return halfRow(stack, index * Half.Size, html)
    index -= halfOpen
    if (index < connections) return recordRow(stack, stack.conns[index] as Connection, html)
    index -= connections
    return index < timeWaits ? waitRow(stack, index * TimeWaitRecord.Size, html) : undefined
}

function listenerRow(stack: Stack, l: number, html: boolean): string {
    const id = stack.listeners.getAt(l + Listener.Id, "u16")
    if (id === 0) return ""
    const local = endpoint(stack.ip, stack.listeners.getAt(l + Listener.Port, "u16"))
    return cells(stack, html, `${id}`, local, "*", State.Listen, "")
}

function halfRow(stack: Stack, h: number, html: boolean): string {
    const halves = stack.halves
    if (halves.getAt(h + Half.Listener, "u16") === 0) return ""
    return peerRow(stack, html, "-", halves, h + Half.Ports, State.SynReceived, "")
}

function recordRow(stack: Stack, c: Connection, html: boolean): string {
    const id = c.getAt(Tcb.Id, "u16")
    if (id === 0) return ""
    const state = c.getAt(Tcb.State, "u8")
    const error = state === State.Closed ? c.getAt(Tcb.Error, "u8") : 0
    const unread = `${c.getAt(Tcb.ReceiveLength, "u16")}`
    const last = error > 0 ? errorName(-error) : `${c.getAt(Tcb.SendLength, "u16")}`
    let rest = amounts(unread, last)
    if (html) rest = error > 0 ? `: ${last}` : ""
    return peerRow(stack, html, `${id}`, c, Tcb.Ports, state, rest)
}

function waitRow(stack: Stack, w: number, html: boolean): string {
    const id = stack.waits.getAt(w + TimeWaitRecord.Id, "u16")
    if (id === 0) return ""
    return peerRow(stack, html, `${id}`, stack.waits, w + TimeWaitRecord.Ports, State.TimeWait, "")
}

/**
 * Returns the row of a record whose two ports are at `at` of its table. In all of these tables the peer's address follows the
 * ports.
 */
function peerRow(
    stack: Stack,
    html: boolean,
    id: string,
    table: Buffer,
    at: number,
    state: State,
    rest: string
): string {
    const ports = table.getAt(at, "i32")
    const remote = remoteText(table.getAt(at + Half.RemoteIp - Half.Ports, "i32"), ports)
    return cells(stack, html, id, localText(stack.ip, ports), remote, state, rest)
}

/** Returns the columns of bytes not yet read, and of bytes not yet acknowledged; a failed connection has its error in the second. */
function amounts(unread: string, unsent: string): string {
    return `${padLeft(unread, Width.Bytes - 1)} ${padLeft(unsent, Width.Bytes - 1)}`
}

function cells(
    stack: Stack,
    html: boolean,
    id: string,
    local: string,
    remote: string,
    state: State,
    rest: string
): string {
    const name = stateName(state)
    if (html) return `<tr><td>${id}<td>${local}<td>${remote}<td>${name}${rest}\n`
    return columns(stack, id, local, remote, name, rest)
}

function columns(
    stack: Stack,
    id: string,
    local: string,
    remote: string,
    state: string,
    rest: string
): string {
    // all rows have the same local address
    const width = ipv4Text(stack.ip).length + 7
    const text = `${padRight(id, Width.Id)}${padRight(local, width)}${padRight(remote, Width.Remote)}`
    return rest === "" ? text + state : `${text}${padRight(state, Width.State)}${rest}`
}

/** Returns row `index` of the neighbours in columns, "" when its record is free, undefined after the last. */
export function neighbourLine(stack: Stack, index: number, now: number): string | undefined {
    const neighbours = stack.neighbours
    const n = index * Neighbour.Size
    if (n >= neighbours.length) return undefined
    const state = neighbours.getAt(n + Neighbour.State, "u8")
    if (state === NeighbourState.Free) return ""
    const ip = padRight(ipv4Text(neighbours.getAt(n + Neighbour.Ip, "i32")), 17)
    if (state < NeighbourState.Known) {
        return `${ip}no reply yet, ${neighbours.getAt(n + Neighbour.Tries, "u8")} requests sent`
    }
    const age = (now - neighbours.getAt(n + Neighbour.Time, "i32")) | 0
    return `${ip}${macText(neighbours, n + Neighbour.Mac)}  used ${age} ms ago`
}

/** Returns counter `index`, of the stack and then of the driver, with its name; "" while it is 0, undefined after the last. */
export function counterLine(stack: Stack, driver: Buffer, index: number): string | undefined {
    let counters = stack.counters
    let names = counterNames
    let whose = ""
    const own = counters.length >> 2
    if (index >= own) {
        counters = driver
        names = driverCounterNames
        whose = "driver "
        index -= own
    }
    if (index * 4 >= counters.length) return undefined
    const value = counters.getAt(index * 4, "u32")
    return value === 0 ? "" : `${padLeft(`${value}`, 10)}  ${whose}${word(names, index)}`
}
