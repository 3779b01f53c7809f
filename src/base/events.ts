// The ring of the latest events, one record of 32 bytes each, which the console, the status page and the simulator show.

import { Buffer } from "@devicescript/core"

/**
 * Offsets in an event's record. A segment's record holds the start of its TCP header in network order; the reader converts the
 * numbers.
 */
export const enum Event {
    /** `now` of the call that caused the event, ms. */
    Time = 0,
    /** An EventKind. */
    Kind = 4,
    /** The connection's state after the event; for a segment, the state when it arrived or left. */
    After = 5,
    /** The connection's state before the event. Shares bytes with Error, Mss and Reason; valid when Kind is State. */
    Before = 6,
    /** The error that ended the connection, as a positive number (-TcpError). Shares bytes with Before; valid when Kind is Failed. */
    Error = 6,
    /** The segment's MSS option, 0 if it has none. Shares bytes with Before; valid when Kind is SegmentIn or SegmentOut. */
    Mss = 6,
    /** The Counter of the drop. Shares bytes with Before; valid when Kind is Drop. */
    Reason = 6,
    /** The connection's id; 0 when there is no connection (yet). */
    Id = 8,
    /** Bytes of data in the segment. */
    Length = 10,
    /**
     * The peer's port and ours, in network order. From this field on, the record is the segment's header, except for the order of
     * the ports.
     */
    Ports = 12,
    /** Sequence and acknowledgment number, in network order. */
    Sequence = 16,
    Acknowledgment = 20,
    /** TCP control bits. */
    Flags = 25,
    /** The window field, in network order, before scaling. */
    Window = 26,
    /** The peer's IPv4 address, in network order. */
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

/** Functions that receive each record as soon as it is made; the record is valid during the call. */
export const sink: {
    /** Set by the simulator, which sees the events in the order in which they happen. */
    tell: ((record: Buffer) => void) | undefined
    /** Set by the console while `trace` is on. */
    trace: ((record: Buffer) => void) | undefined
} = { tell: undefined, trace: undefined }

/**
 * The ring of events. With a capacity of 0 it is off, and an event costs three operations.
 *
 * @devsWhenUsed
 */
export class EventRing {
    readonly on: boolean
    /** Records made since start. The newest is at (count - 1) % capacity. */
    count = 0
    /** The next event's record, which the caller fills in before it calls `push`. */
    readonly record: Buffer
    /** Receives this ring's records instead of `sink.tell`, where a process has several stacks. */
    tell: ((record: Buffer) => void) | undefined = undefined
    private readonly ring: Buffer

    /** Allocates `capacity` records of 32 bytes. */
    constructor(readonly capacity: number) {
        this.ring = Buffer.alloc(capacity * Event.Size)
        this.record = Buffer.alloc(capacity > 0 ? Event.Size : 0)
        this.on = capacity > 0
    }

    /** Adds `record` to the ring and passes it to the sinks. */
    push(): void {
        this.ring.blitAt((this.count % this.capacity) * Event.Size, this.record, 0, Event.Size)
        this.count++
        if (this.tell) this.tell(this.record)
        else if (sink.tell) sink.tell(this.record)
        if (sink.trace) sink.trace(this.record)
    }

    /** Returns the number of the oldest record still in the ring. */
    oldest(): number {
        return this.count > this.capacity ? this.count - this.capacity : 0
    }

    /** Copies record `index`, from oldest() to count - 1, into `into`. */
    copy(index: number, into: Buffer): void {
        into.blitAt(0, this.ring, (index % this.capacity) * Event.Size, Event.Size)
    }
}
