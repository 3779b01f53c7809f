// Counters, and the events that the ladder and the trace show.

import type { Counter } from "../base/counters"
import { Event, EventKind } from "../base/events"
import { COUNTERS, EVENTS } from "../features"
import { Flag, MssOption, ParsedOptions, parseOptions, Tcp } from "../wire/tcp"
import type { TcpContext } from "./context"
import type { State } from "./records"

/** Adds one to a counter. */
export function count(t: TcpContext, counter: Counter): void {
    if (COUNTERS) t.counters.setAt(counter, "i32", (t.counters.getAt(counter, "i32") + 1) | 0)
}

/** Counts a frame that was dropped for `reason`, and records the event. */
export function drop(t: TcpContext, reason: Counter, now: number): void {
    if (COUNTERS) count(t, reason)
    if (EVENTS) {
        if (!t.events.on) return
        const record = t.events.record
        record.fillAt(0, Event.Size, 0)
        record.setAt(Event.Time, "i32", now)
        record.setAt(Event.Kind, "u8", EventKind.Drop)
        record.setAt(Event.Reason, "u16", reason)
        t.events.push()
    }
}

/**
 * Records a SegmentIn or SegmentOut event: a segment of `length` bytes at `at` in the receive frame (SegmentIn) or the transmit
 * frame (SegmentOut), of the connection `id` in `state`.
 */
export function traceSegment(
    t: TcpContext,
    kind: EventKind,
    at: number,
    length: number,
    id: number,
    state: State,
    remoteIp: number,
    now: number
): void {
    // no helper functions here on purpose: every segment takes this path while events are on
    const b = kind === EventKind.SegmentIn ? t.rx : t.tx
    const record = t.events.record
    const header = (b.getAt(at + Tcp.DataOffset, "u8") >> 4) << 2
    let mss = 0
    if (b.getAt(at + Tcp.Flags, "u8") & Flag.Syn) {
        // nearly all peers, like us, write the MSS first: then the other options need not be parsed
        if (header > Tcp.Size && b.getAt(at + Tcp.Size, "u16") === MssOption.Start) {
            mss = (b.getAt(at + Tcp.Size + 2, "u8") << 8) | b.getAt(at + Tcp.Size + 3, "u8")
        } else {
            parseOptions(b, at + Tcp.Size, at + header, t.segment)
            mss = t.segment.getAt(ParsedOptions.MaximumSegmentSize, "u16")
        }
    }
    record.blitAt(Event.Ports, b, at, Tcp.Checksum)
    if (kind === EventKind.SegmentOut) {
        const ports = b.getAt(at, "i32")
        record.setAt(Event.Ports, "i32", (ports << 16) | (ports >>> 16))
    }
    record.setAt(Event.Time, "i32", now)
    record.setAt(Event.Kind, "u8", kind)
    record.setAt(Event.After, "u8", state)
    record.setAt(Event.Mss, "u16", mss)
    record.setAt(Event.Id, "u16", id)
    record.setAt(Event.Length, "u16", length - header)
    record.setAt(Event.RemoteIp, "i32", remoteIp)
    t.events.push()
}

/** Records the event that a connection has changed its state. `id` is 0 for a half-open connection. */
export function traceState(
    t: TcpContext,
    id: number,
    before: State,
    after: State,
    remoteIp: number,
    ports: number,
    now: number
): void {
    if (EVENTS) {
        if (!t.events.on) return
        const record = t.events.record
        record.fillAt(0, Event.Size, 0)
        record.setAt(Event.Time, "i32", now)
        record.setAt(Event.Kind, "u8", EventKind.State)
        record.setAt(Event.Before, "u8", before)
        record.setAt(Event.After, "u8", after)
        record.setAt(Event.Id, "u16", id)
        record.setAt(Event.RemoteIp, "i32", remoteIp)
        record.setAt(Event.Ports, "i32", ports)
        t.events.push()
    }
}
