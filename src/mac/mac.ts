import type { Buffer } from "@devicescript/core"

/** What the layers above ask of a driver. A frame is Ethernet II from the destination address on, without its FCS. */
export interface Mac {
    /** The station's own address, 6 bytes. */
    readonly address: Buffer
    /** True while the cable carries a link; `receive` keeps it up to date. */
    linkUp: boolean
    /** Frames to IPv4's groups are wanted, which a driver may keep out until then. Whoever listens to a group sets it. */
    multicast: boolean
    /** Counters since start, 32 bits each, at the offsets of MacCounter. */
    readonly counters: Buffer
    /** Resets and configures the chip. Throws an Error that says what to check when the chip does not answer. */
    start(): Promise<void>
    /** Moves the oldest waiting frame to the start of `into` and gives its length, 0 when none waits. Never throws. */
    receive(into: Buffer): Promise<number>
    /**
     * Sends the first `length` bytes of `from`, whose contents may be gone then (a full-duplex transfer writes over what
     * it reads). False when the frame was not sent (no link, chip not answering). Never throws.
     */
    send(from: Buffer, length: number): Promise<boolean>
    /**
     * Returns when a frame may be waiting, at the latest after `ms` milliseconds, and lets other fibers run meanwhile. (Not "wait": the compiler keeps every
     * method of the runtime's library that has the name of one in use, and theirs brings 1.6 KB of events and timers along.)
     */
    rest(ms: number): Promise<void>
}

/** Offsets in a driver's counters. */
export const enum MacCounter {
    /** Frames received. */
    FramesIn = 0,
    /** Frames sent. */
    FramesOut = 4,
    /** Frames dropped because a length header made no sense. */
    BadLength = 8,
    /** Frames longer than the receive buffer, skipped. */
    TooLong = 12,
    /** Times the receive memory was full or out of step, or was to let in other frames, and was emptied by reopening the socket. */
    Resync = 16,
    /** Sends that were not confirmed in time. */
    SendTimeout = 20,
    /** Times the chip did not answer and was reset. */
    ChipReset = 24,
    /** Times the chip had forgotten, or changed, what it was told, and was told again. */
    Repair = 28,
    /** Bytes of all counters. */
    Size = 32,
}
