// One side of the comparison: a host with at most one connection to the driver, and the program that owns the connection.

import type { Look } from "./diagnosis"

/** Ports of the connection, as the host sees them. */
export interface Ports {
    local: number
    remote: number
}

/** What became of what a program read: so many bytes, and how the stream stands: "open", "end", or an error's name. */
export interface Reading {
    bytes: number
    status: string
}

/**
 * A host and its program. Every call gives the frames that the host sends because of it. The program accepts a connection
 * as soon as there is one; calls for a connection that it does not have do nothing.
 */
export interface ComparedHost {
    listen(): void
    connect(): Uint8Array[]
    receive(frame: Uint8Array): Uint8Array[]
    /** All that is there to be read. */
    read(): { reading: Reading; frames: Uint8Array[] }
    write(length: number): Uint8Array[]
    shutdown(): Uint8Array[]
    close(): Uint8Array[]
    /** `irs` is the initial sequence number of the driver, which RCV.NXT is counted from. */
    look(irs: number): Look
    /** Whether the program has the connection. */
    held(): boolean
    /** Takes everything back; nothing is compared any more. */
    end(): void
}
