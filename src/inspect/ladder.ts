// The ladder: draws one connection's events between its two hosts, in plain text, as far as the ring still holds them.

import { Buffer } from "@devicescript/core"
import { Event, EventKind } from "../base/events"
import { EVENTS } from "../features"
import type { Stack } from "../net/stack"
import { State, Tcb, TcpError } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import { Flag } from "../wire/tcp"
import { localText, type Print, padLeft, remoteText } from "./text"
import { describeSegment, failureText, stateText } from "./trace"

const enum Width {
    /** The time in milliseconds, and a space. */
    Time = 10,
    /** The arrows between the two lifelines; a row has 80 columns. */
    Lane = 68,
}

const enum Slice {
    /** Records read without a pause: 131,072 operations without an await end a program. */
    Records = 64,
}

/** What the ladder needs from the program that draws it. */
export interface LadderHost {
    readonly stack: Stack
    sleep(ms: number): Promise<void>
}

/** A connection's address and ports, and the range of event records that may belong to it. */
interface Span {
    found: boolean
    remoteIp: number
    ports: number
    /** Number of the first record, and of the one after the last. */
    first: number
    end: number
}

/** Draws connection `id`. Returns an error message, "" on success. */
export async function ladder(device: LadderHost, id: number, print: Print): Promise<string> {
    const stack = device.stack
    const ring = stack.events
    if (!ring.on) return "no events are recorded; configure events=32"
    const span = await findSpan(device, id)
    if (!span.found) return `the last ${ring.capacity} events include none of connection ${id}`
    const record = Buffer.alloc(Event.Size)
    const local = localText(stack.ip, span.ports)
    const remote = remoteText(span.remoteIp, span.ports)
    await print(`connection ${id}: ${local} on the left, ${remote} on the right, time in ms`)
    if (span.first > 0 && span.first === ring.oldest()) await print("(earlier events are no longer kept)")
    for (let i = span.first; i < span.end; i++) {
        await pause(device, i)
        // during a pause the stack may have overwritten this record
        if (i < ring.oldest()) continue
        ring.copy(i, record)
        if (!belongs(record, span, id)) continue
        await print(eventRow(record))
        await device.sleep(0)
    }
    return ""
}

/** Returns a row: an arrow for a segment, text for another event of the connection. */
function eventRow(record: Buffer): string {
    // `belongs` excludes drops
    const kind: Exclude<EventKind, EventKind.Drop> = record.getAt(Event.Kind, "u8")
    const time = `${padLeft(`${record.getAt(Event.Time, "u32")}`, Width.Time - 1)} `
    if (kind === EventKind.State) return `${time}| ${stateText(record)}`
    if (kind === EventKind.Failed) return `${time}| failed: ${failureText(record)}`
    // does not compile while a kind of event has no row
    const direction: EventKind.SegmentIn | EventKind.SegmentOut = kind
    let text = ` ${describeSegment(record, " ")} `
    while (text.length < Width.Lane - 3) text += "-"
    return direction === EventKind.SegmentOut ? `${time}|--${text}>|` : `${time}|<-${text}-|`
}

/**
 * Returns true for an event of the connection: it has the connection's id or, if it is from before the id was assigned, its
 * address and ports.
 */
function belongs(record: Buffer, span: Span, id: number): boolean {
    if (record.getAt(Event.Kind, "u8") === EventKind.Drop) return false
    const owner = record.getAt(Event.Id, "u16")
    if (owner !== id && owner !== 0) return false
    return (
        record.getAt(Event.Ports, "i32") === span.ports &&
        record.getAt(Event.RemoteIp, "i32") === span.remoteIp
    )
}

/** Finds the connection's address and ports in its record or else in the ring, and then the range of its events. */
async function findSpan(device: LadderHost, id: number): Promise<Span> {
    const stack = device.stack
    const ring = stack.events
    const record = Buffer.alloc(Event.Size)
    const span: Span = { found: false, remoteIp: 0, ports: 0, first: ring.oldest(), end: ring.count }
    const c = findConnection(stack, id)
    if (c) {
        span.remoteIp = c.getAt(Tcb.RemoteIp, "i32")
        span.ports = c.getAt(Tcb.Ports, "i32")
    }
    let known = c !== undefined
    for (let i = span.first; i < span.end && !known; i++) {
        await pause(device, i)
        if (i < ring.oldest()) continue
        ring.copy(i, record)
        if (record.getAt(Event.Id, "u16") === id) {
            known = true
            span.remoteIp = record.getAt(Event.RemoteIp, "i32")
            span.ports = record.getAt(Event.Ports, "i32")
        }
    }
    // other connections may have had the same ports before and after this one
    for (let i = span.first; i < span.end && known; i++) {
        await pause(device, i)
        if (i < ring.oldest()) continue
        ring.copy(i, record)
        const owner = record.getAt(Event.Id, "u16")
        if (!belongs(record, span, owner)) continue
        if (span.found) {
            if (owner === 0 ? opens(record) : owner !== id) span.end = i
        } else {
            span.found = owner === id
            if (opens(record)) span.first = i
            else if (owner !== 0 && owner !== id) span.first = i + 1
        }
    }
    return span
}

/** Returns true for the first event of a connection: its own SYN is about to be sent, or the peer's SYN arrived at a listener. */
function opens(record: Buffer): boolean {
    if (record.getAt(Event.Kind, "u8") === EventKind.State)
        return record.getAt(Event.Before, "u8") === State.Closed
    return (
        record.getAt(Event.After, "u8") === State.Listen &&
        (record.getAt(Event.Flags, "u8") & (Flag.Syn | Flag.Ack)) === Flag.Syn
    )
}

/** Pauses every Figure.Records records for other fibers. */
async function pause(device: LadderHost, index: number): Promise<void> {
    if (index % Slice.Records === 0) await device.sleep(0)
}

/** Returns the error that ended connection `id`, if the ring still holds it; None otherwise. */
export function failureOf(stack: Stack, id: number): TcpError {
    if (EVENTS) {
        const ring = stack.events
        const record = Buffer.alloc(Event.Size)
        const oldest = ring.oldest()
        for (let i = ring.count - 1; i >= oldest; i--) {
            ring.copy(i, record)
            if (record.getAt(Event.Id, "u16") !== id) continue
            if (record.getAt(Event.Kind, "u8") === EventKind.Failed) return -record.getAt(Event.Error, "u8")
        }
    }
    return TcpError.None
}
