// The device's event records (src/base/events.ts) as objects.

import { counterNames } from "../../src/base/counters"
import { Event, EventKind } from "../../src/base/events"
import { errorName, stateName, type TcpError } from "../../src/tcp/records"
import { flagList, flagsOf } from "../view/flags"

/** The connection of an event, by its addresses and ports. */
export interface Tuple {
    /** The peer's address, dotted, and both ports. */
    readonly remoteIp: string
    readonly remotePort: number
    readonly localPort: number
}

interface Timed {
    /** The stack's clock, ms; all events that one frame or one call causes have the same time. */
    readonly now: number
}

export type StackEvent = Timed & What

type What =
    | (Tuple & {
          readonly kind: "state"
          /** The connection's id; 0 while it is half open. */
          readonly id: number
          readonly from: string
          readonly to: string
      })
    | (Tuple & {
          readonly kind: "segment"
          readonly direction: "in" | "out"
          readonly id: number
          /** Names of the flags that are set, in the order of flagList. */
          readonly flags: readonly string[]
          /** The sequence number, absolute, 0 to 2^32 - 1. */
          readonly seq: number
          /** The acknowledgment number, absolute; it has no meaning without the ACK flag. */
          readonly ack: number
          /** Length of the segment's data, bytes. */
          readonly length: number
          /** The window field of the header, not scaled. */
          readonly window: number
          /** The value of the MSS option; undefined if the segment has none. */
          readonly mss: number | undefined
      })
    | { readonly kind: "drop"; readonly reason: string }
    | (Tuple & { readonly kind: "failed"; readonly id: number; readonly error: string })

const REASONS = counterNames.split(" ")

/** Decodes a device's event records; skips records of an unknown kind. */
export function decodeEvents(records: Uint8Array): StackEvent[] {
    const events: StackEvent[] = []
    for (let at = 0; at + Event.Size <= records.length; at += Event.Size) {
        const view = new DataView(records.buffer, records.byteOffset + at, Event.Size)
        const what = decode(view)
        if (what !== undefined) events.push({ now: view.getInt32(Event.Time, true), ...what })
    }
    return events
}

function decode(view: DataView): What | undefined {
    const id = view.getUint16(Event.Id, true)
    // a record may hold any byte: the cast only lets TypeScript check that each kind has its case
    const kind = view.getUint8(Event.Kind) as EventKind
    switch (kind) {
        case EventKind.State:
            return {
                kind: "state",
                id,
                ...tuple(view),
                from: stateName(view.getUint8(Event.Before)),
                to: stateName(view.getUint8(Event.After)),
            }
        case EventKind.SegmentIn:
            return segment(view, "in", id)
        case EventKind.SegmentOut:
            return segment(view, "out", id)
        case EventKind.Drop: {
            const counter = view.getUint16(Event.Reason, true)
            return { kind: "drop", reason: REASONS[counter / 4] ?? `counter ${counter}` }
        }
        case EventKind.Failed:
            return {
                kind: "failed",
                id,
                ...tuple(view),
                error: errorName(-view.getUint8(Event.Error) as TcpError),
            }
        default:
            return unknownKind(kind)
    }
}

/** Returns undefined. TypeScript rejects the call in `decode` while a kind of EventKind has no case. */
function unknownKind(_: never): undefined {
    return undefined
}

function segment(view: DataView, direction: "in" | "out", id: number): What {
    const mss = view.getUint16(Event.Mss, true)
    return {
        kind: "segment",
        direction,
        id,
        ...tuple(view),
        flags: flagList(flagsOf(view.getUint8(Event.Flags))),
        seq: view.getUint32(Event.Sequence),
        ack: view.getUint32(Event.Acknowledgment),
        length: view.getUint16(Event.Length, true),
        window: view.getUint16(Event.Window),
        mss: mss === 0 ? undefined : mss,
    }
}

function tuple(view: DataView): Tuple {
    const bytes = [0, 1, 2, 3].map(i => view.getUint8(Event.RemoteIp + i))
    return {
        remoteIp: bytes.join("."),
        remotePort: view.getUint16(Event.Ports),
        localPort: view.getUint16(Event.Ports + 2),
    }
}
