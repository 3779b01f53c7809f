// The trace: every event as one line on the program's console, as it happens.

import type { Buffer } from "@devicescript/core"
import type { Stack } from "../net/stack"
import { errorName, stateName } from "../tcp/tcb"
import { Flag } from "../wire/tcp"
import { counterNames } from "./counters"
import { Event, EventKind, sink } from "./events"
import { flagText, localText, remoteText, secondsAt } from "./text"
import { word } from "./words"

/** Whose events are shown: they do not name this host's address. */
let shown: Stack | undefined

/** Prints the events of `stack` from now on. */
export function startTrace(stack: Stack): void {
    shown = stack
    sink.trace = traceEvent
}

/** Prints no more events. */
export function stopTrace(): void {
    sink.trace = undefined
}

function traceEvent(record: Buffer): void {
    if (shown) console.log(eventLine(shown.ip, record))
}

/** One event in one line; `ip` is this host's address. Times are seconds since the program started. */
export function eventLine(ip: number, record: Buffer): string {
    const kind = record.getAt(Event.Kind, "u8")
    const id = record.getAt(Event.Id, "u16")
    const when = secondsAt(record, Event.Time)
    if (kind === EventKind.Drop) return `${when} dropped: ${counterName(record.getAt(Event.Mss, "u16"))}`
    const ports = record.getAt(Event.Ports, "i32")
    const remote = remoteText(record.getAt(Event.RemoteIp, "i32"), ports)
    const local = localText(ip, ports)
    // a connection has its id once the handshake is done
    const who = id > 0 ? `${when} #${id}` : when
    switch (kind) {
        case EventKind.SegmentIn:
            return `${who} ${remote} > ${local} ${segmentText(record)}`
        case EventKind.SegmentOut:
            return `${who} ${local} > ${remote} ${segmentText(record)}`
        case EventKind.State:
            return `${who}${id > 0 ? "" : ` ${remote}`} ${stateText(record)}`
        default:
            return `${who} failed: ${failureText(record)}`
    }
}

/** `ESTABLISHED -> CLOSE-WAIT`, of a State event. */
export function stateText(record: Buffer): string {
    return `${stateName(record.getAt(Event.Before, "u8"))} -> ${stateName(record.getAt(Event.After, "u8"))}`
}

/** The error's name, of a Failed event. */
export function failureText(record: Buffer): string {
    return errorName(-record.getAt(Event.Before, "u8"))
}

/** The name of the counter at this offset. */
export function counterName(counter: number): string {
    return word(counterNames, counter >> 2)
}

/** What a segment says, as far as it says anything. */
function segmentText(record: Buffer): string {
    const flags = record.getAt(Event.Flags, "u8")
    const length = record.getAt(Event.Length, "u16")
    const mss = record.getAt(Event.Mss, "u16")
    let text = `${flagText(flags)} seq=${record.getAt(Event.Sequence, "u32")}`
    if (flags & Flag.Ack) text += ` ack=${record.getAt(Event.Acknowledgment, "u32")}`
    if (length > 0) text += ` len=${length}`
    text += ` win=${record.getAt(Event.Window, "u16")}`
    return mss > 0 ? `${text} mss=${mss}` : text
}
