// The last things that happened, in a ring of fixed records: what the console's ladder, the trace and the simulator show.

import { Buffer } from "@devicescript/core"

/** Offsets in an event's record. Of a segment it has the start of the header as the wire had it: who shows it makes numbers of that. */
export const enum Event {
    /** Milliseconds, `now` of the call that caused it. */
    Time = 0,
    /** An EventKind. */
    Kind = 4,
    /** State after; for a segment the connection's state when it came or went. */
    After = 5,
    /** State before. Shares bytes with Error, Mss and Reason; valid when Kind is State. */
    Before = 6,
    /** What ended the connection, a positive number (-TcpError). Shares bytes with Before; valid when Kind is Failed. */
    Error = 6,
    /** The segment's MSS option, 0 without. Shares bytes with Before; valid when Kind is SegmentIn or SegmentOut. */
    Mss = 6,
    /** The Counter of what was dropped. Shares bytes with Before; valid when Kind is Drop. */
    Reason = 6,
    /** The connection's id, 0 when there is none (yet). */
    Id = 8,
    /** Bytes of text in the segment. */
    Length = 10,
    /** Ports in network order: the peer's and ours. A segment's header is from here on as it was, but for these. */
    Ports = 12,
    /** In network order. */
    Sequence = 16,
    Acknowledgment = 20,
    /** TCP control bits. */
    Flags = 25,
    /** In network order, not scaled. */
    Window = 26,
    /** The peer's address as the wire has it. */
    RemoteIp = 28,
    Size = 32,
}

export const enum EventKind {
    State = 1,
    SegmentIn = 2,
    SegmentOut = 3,
    Drop = 4,
    /** An error ended the connection. */
    Failed = 5,
}

/** Where each record goes besides the ring, as soon as it is made. */
export const sink: {
    /** The simulator's: it sees what happens in the order in which it happens. */
    tell: ((record: Buffer) => void) | undefined
    /** The console's, while `trace` is on. */
    trace: ((record: Buffer) => void) | undefined
} = { tell: undefined, trace: undefined }

/**
 * The ring. With a capacity of 0 it is off, and an event costs three operations.
 *
 * @devsWhenUsed
 */
export class EventRing {
    readonly on: boolean
    /** Records made since start; the newest is at (count - 1) % capacity. */
    count = 0
    /** What is filled in before `push`. */
    readonly record: Buffer
    /** Where this ring's records go instead of to `sink.tell`: several stacks in one process are told apart by it. */
    tell: ((record: Buffer) => void) | undefined = undefined
    private readonly ring: Buffer

    /** `capacity` records of 32 bytes. */
    constructor(readonly capacity: number) {
        this.ring = Buffer.alloc(capacity * Event.Size)
        this.record = Buffer.alloc(capacity > 0 ? Event.Size : 0)
        this.on = capacity > 0
    }

    /** Adds what stands in `record`. */
    push(): void {
        this.ring.blitAt((this.count % this.capacity) * Event.Size, this.record, 0, Event.Size)
        this.count++
        if (this.tell) this.tell(this.record)
        else if (sink.tell) sink.tell(this.record)
        if (sink.trace) sink.trace(this.record)
    }

    /** The oldest record that is still there. */
    oldest(): number {
        return this.count > this.capacity ? this.count - this.capacity : 0
    }

    /** Copies record number `index` (oldest() to count - 1) into `into`. */
    copy(index: number, into: Buffer): void {
        into.blitAt(0, this.ring, (index % this.capacity) * Event.Size, Event.Size)
    }
}
