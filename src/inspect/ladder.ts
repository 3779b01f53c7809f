// The ladder: what the event ring still has of one connection, drawn between the two hosts in plain text.

import { Buffer } from "@devicescript/core"
import { Event, EventKind } from "../base/events"
import { EVENTS } from "../features"
import type { Stack } from "../net/stack"
import { State, Tcb, TcpError } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import { Flag } from "../wire/tcp"
import { localText, remoteText, right } from "./text"
import { failureText, segmentText, stateText } from "./trace"

const enum Width {
    /** Milliseconds, and a space. */
    Time = 10,
    /** Between the two lifelines; 80 columns in all. */
    Lane = 68,
}

const enum Slice {
    /** Records looked at in a row: 131,072 operations without an await end a program. */
    Records = 64,
}

/** What the ladder needs of the program that draws it. */
export interface LadderHost {
    readonly stack: Stack
    sleep(ms: number): Promise<void>
}

/** Where a connection's events are in the ring, and which they are. */
interface Span {
    found: boolean
    remoteIp: number
    ports: number
    /** Numbers of the first record that may belong to it, and of the one behind the last. */
    first: number
    end: number
}

/** Draws connection `id`. Gives what is wrong, "" for nothing. */
export async function ladder(device: LadderHost, id: number, print: (line: string) => void): Promise<string> {
    const stack = device.stack
    const ring = stack.events
    if (!ring.on) return "there are no events; start with a configuration of events=32"
    const span = await findSpan(device, id)
    if (!span.found) return `the last ${ring.capacity} events have nothing of connection ${id}`
    const record = Buffer.alloc(Event.Size)
    const local = localText(stack.ip, span.ports)
    const remote = remoteText(span.remoteIp, span.ports)
    print(`connection ${id}: ${local} on the left, ${remote} on the right, time in ms`)
    if (span.first > 0 && span.first === ring.oldest()) print("(what came before is no longer kept)")
    for (let i = span.first; i < span.end; i++) {
        await pause(device, i)
        // others went on meanwhile, and may have written over it
        if (i < ring.oldest()) continue
        ring.copy(i, record)
        if (!belongs(record, span, id)) continue
        print(eventRow(record))
        await device.sleep(0)
    }
    return ""
}

/** One row: an arrow for a segment, a remark for anything else. */
function eventRow(record: Buffer): string {
    const kind = record.getAt(Event.Kind, "u8")
    const time = `${right(`${record.getAt(Event.Time, "u32")}`, Width.Time - 1)} `
    if (kind === EventKind.State) return `${time}| ${stateText(record)}`
    if (kind === EventKind.Failed) return `${time}| failed: ${failureText(record)}`
    const text = ` ${segmentText(record, " ")} `
    const out = kind === EventKind.SegmentOut
    let dashes = ""
    while (text.length + dashes.length < Width.Lane - 3) dashes += "-"
    return out ? `${time}|--${text}${dashes}>|` : `${time}|<-${text}${dashes}-|`
}

/** True for what belongs to the connection: its own events, and those of its ports before it had an id. */
function belongs(record: Buffer, span: Span, id: number): boolean {
    if (record.getAt(Event.Kind, "u8") === EventKind.Drop) return false
    const owner = record.getAt(Event.Id, "u16")
    if (owner !== id && owner !== 0) return false
    return (
        record.getAt(Event.Ports, "i32") === span.ports &&
        record.getAt(Event.RemoteIp, "i32") === span.remoteIp
    )
}

/** Looks the connection up among the records, else its events in the ring. */
async function findSpan(device: LadderHost, id: number): Promise<Span> {
    const stack = device.stack
    const ring = stack.events
    const record = Buffer.alloc(Event.Size)
    const span: Span = { found: false, remoteIp: 0, ports: 0, first: ring.oldest(), end: ring.count }
    const c = findConnection(stack, id)
    if (c >= 0) {
        span.remoteIp = stack.conns.getAt(c + Tcb.RemoteIp, "i32")
        span.ports = stack.conns.getAt(c + Tcb.Ports, "i32")
    }
    let known = c >= 0
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
    // other connections may have had the same ports before and after
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

/** True for the first event of a connection: its own SYN is to be sent, or the peer's came for a listener. */
function opens(record: Buffer): boolean {
    if (record.getAt(Event.Kind, "u8") === EventKind.State)
        return record.getAt(Event.Before, "u8") === State.Closed
    return (
        record.getAt(Event.After, "u8") === State.Listen &&
        (record.getAt(Event.Flags, "u8") & (Flag.Syn | Flag.Ack)) === Flag.Syn
    )
}

/** Lets the others go on now and then. */
async function pause(device: LadderHost, index: number): Promise<void> {
    if (index % Slice.Records === 0) await device.sleep(0)
}

/** What ended connection `id` as far as the ring has it, None else. */
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
