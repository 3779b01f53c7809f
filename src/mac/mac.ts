// The interface between the stack and a driver of an Ethernet chip, and the counters that every driver has.

import type { Buffer } from "@devicescript/core"

/** An Ethernet driver. A frame is Ethernet II from its destination address on, without the FCS. */
export interface Mac {
    /** This station's Ethernet address, 6 bytes. */
    readonly address: Buffer
    /** True while the cable has a link; `receive` and `rest` keep it up to date. */
    linkUp: boolean
    /** Text to report while there is no link; undefined where a cable makes the link. */
    noLink?: string
    /** Set by a program that joins an IPv4 multicast group; until then the driver may drop frames to groups. */
    multicast: boolean
    /** Counters since start, 32 bits each, at the offsets of MacCounter. */
    readonly counters: Buffer
    /** Resets and configures the chip. Throws an Error that says what to check when the chip does not answer. */
    start(): Promise<void>
    /** Moves the oldest waiting frame to the start of `into` and returns its length, 0 when no frame waits. Never throws. */
    receive(into: Buffer): Promise<number>
    /**
     * Sends the first `length` bytes of `from` and may overwrite them, because a full-duplex transfer does. Returns false when
     * the frame was not sent (no link, the chip does not answer). Never throws.
     */
    send(from: Buffer, length: number): Promise<boolean>
    /**
     * Waits until a frame may have arrived, at most `ms` milliseconds, and lets other fibers run meanwhile. (It is not named
     * "wait": the compiler keeps every library method with the name of a used one, and the library's `wait` brings 1.6 KB of
     * events and timers along.)
     */
    rest(ms: number): Promise<void>
}

/** Offsets in a driver's counters; `driverCounterNames` lists the names in the same order. */
export const enum MacCounter {
    /** Frames received. */
    FramesIn = 0,
    /** Frames sent. */
    FramesOut = 4,
    /** Frames dropped because their length header was not valid. */
    BadLength = 8,
    /** Frames dropped because they were longer than the receive buffer. */
    TooLong = 12,
    /** Times the socket was reopened and its memory emptied: it was full, out of step, or has to let multicasts in. */
    Resync = 16,
    /** Sends that the chip did not confirm in time. */
    SendTimeout = 20,
    /** Times the chip did not answer and was reset. */
    ChipReset = 24,
    /** Times the chip had lost or changed its settings, and they were written again. */
    Repair = 28,
    /** Bytes of all counters. */
    Size = 32,
}

/** Names of a driver's counters in the order of MacCounter, separated by spaces. */
export const driverCounterNames =
    "frames-in frames-out bad-length too-long resync send-timeout chip-reset repair"
