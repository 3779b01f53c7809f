// The trace: prints every event as a line on the console.
//
// Printing a line takes longer than the event, and many events may happen between two awaits, so a fiber prints the records of the ring
// while the stack is idle.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { readI32, readU16 } from "../base/bytes"
import { counterNames } from "../base/counters"
import { Event, EventKind, sink } from "../base/events"
import { word } from "../base/words"
import { EVENTS } from "../features"
import type { Stack } from "../net/stack"
import { errorName, stateName } from "../tcp/records"
import { Flag } from "../wire/tcp"
import { flagText, localText, remoteText, secondsAt } from "./text"

const enum Until {
    /** Print all events without an end. */
    Off = -1,
}

/** The fiber that prints, while it runs. */
let printer: ds.Fiber | undefined
/** Number of the event after the last one to print. */
let until: number = Until.Off

/** Starts to print the events of `stack`. */
export function startTrace(stack: Stack): void {
    if (EVENTS) {
        until = Until.Off
        sink.trace = wake
        if (!printer) printer = printEvents.start(stack, stack.events.count)
    }
}

/** Stops the trace after the events recorded so far. */
export function stopTrace(stack: Stack): void {
    if (EVENTS) {
        until = stack.events.count
        sink.trace = undefined
        wake()
    }
}

function wake(): void {
    if (printer?.suspended) printer.resume(undefined)
}

/** Prints the events from number `next` on. */
async function printEvents(stack: Stack, next: number): Promise<void> {
    const ring = stack.events
    const record = Buffer.alloc(Event.Size)
    for (;;) {
        while (next < (until === Until.Off ? ring.count : until)) {
            const lost = ring.oldest() - next
            if (lost > 0) {
                console.log(`(${lost} events were overwritten before they were printed)`)
                next += lost
                continue
            }
            ring.copy(next++, record)
            console.log(eventLine(stack.ip, record))
            await ds.sleep(0)
        }
        if (until !== Until.Off) break
        await ds.suspend()
    }
    printer = undefined
}

/** Returns an event as a line; `ip` is this host's address. Times are seconds since the program started. */
function eventLine(ip: number, record: Buffer): string {
    const kind: EventKind = record.getAt(Event.Kind, "u8")
    const id = record.getAt(Event.Id, "u16")
    const when = secondsAt(record, Event.Time)
    if (kind === EventKind.Drop) return `${when} dropped: ${counterName(record.getAt(Event.Reason, "u16"))}`
    const ports = record.getAt(Event.Ports, "i32")
    const remote = remoteText(record.getAt(Event.RemoteIp, "i32"), ports)
    const local = localText(ip, ports)
    // a connection gets its id when the handshake is done
    const who = id > 0 ? `${when} #${id}` : when
    switch (kind) {
        case EventKind.SegmentIn:
            return `${who} ${remote} > ${local} ${describeSegment(record, "=")}`
        case EventKind.SegmentOut:
            return `${who} ${local} > ${remote} ${describeSegment(record, "=")}`
        case EventKind.State:
            return `${who}${id > 0 ? "" : ` ${remote}`} ${stateText(record)}`
        case EventKind.Failed:
            return `${who} failed: ${failureText(record)}`
    }
}

/** Returns the states of a State event, such as `ESTABLISHED -> CLOSE-WAIT`. */
export function stateText(record: Buffer): string {
    return `${stateName(record.getAt(Event.Before, "u8"))} -> ${stateName(record.getAt(Event.After, "u8"))}`
}

/** Returns the name of a Failed event's error. */
export function failureText(record: Buffer): string {
    return errorName(-record.getAt(Event.Error, "u8"))
}

/** Returns the name of the counter at this offset. */
function counterName(counter: number): string {
    return word(counterNames, counter >> 2)
}

/**
 * Returns a segment's fields, with `sign` between name and number. With the sign "=", the length of a segment without data is
 * left out.
 */
export function describeSegment(record: Buffer, sign: string): string {
    const flags = record.getAt(Event.Flags, "u8")
    const length = record.getAt(Event.Length, "u16")
    const mss = record.getAt(Event.Mss, "u16")
    let text = `${flagText(flags)} seq${sign}${readI32(record, Event.Sequence) >>> 0}`
    if (flags & Flag.Ack) text += ` ack${sign}${readI32(record, Event.Acknowledgment) >>> 0}`
    if (length > 0 || sign !== "=") text += ` len${sign}${length}`
    text += ` win${sign}${readU16(record, Event.Window)}`
    return mss > 0 ? `${text} mss${sign}${mss}` : text
}
