// The contents of a capture file: packets, each with the time and the link on which it was seen.

import { LINKTYPE_ETHERNET } from "./link-layer"

/** A packet of a capture. Its bytes are valid only until the reader's next call. */
export interface CapturedPacket {
    /** The link type (LINKTYPE_ value of tcpdump.org), which says what the bytes begin with. */
    readonly linkType: number
    /** The bytes that were captured: all, or the beginning of a longer packet. */
    readonly bytes: Uint8Array
    /** The length of the packet on the link. */
    readonly length: number
    /** The time in whole seconds since 1970, and the nanoseconds after them. Both are 0 in a record without a time. */
    readonly seconds: number
    readonly nanoseconds: number
}

/** Returns an Ethernet frame of the simulator as a packet; `time` is in milliseconds. */
export function ethernetPacket(frame: Uint8Array, time: number): CapturedPacket {
    const seconds = Math.floor(time / 1000)
    const nanoseconds = Math.round((time - seconds * 1000) * 1e6)
    return { linkType: LINKTYPE_ETHERNET, bytes: frame, length: frame.length, seconds, nanoseconds }
}

/** Thrown by a format for bytes that are not valid; the message says what is wrong, in a few words. */
export class DamagedCapture extends Error {
    override name = "DamagedCapture"
}

/** The longest record of a packet that is read, 1 MiB: no link has longer packets, so a longer record is damage. */
export const MAX_RECORD = 1 << 20

/** Reads the records of one file format. */
export interface CaptureFormat {
    /** The format in words, such as `pcapng`. */
    readonly name: string
    /**
     * Reads the record that begins at `at`, and passes its packet on. Returns the bytes of the record, which may be more than are
     * buffered (the reader then skips the rest), or 0 when the record is not complete yet. Throws a DamagedCapture.
     */
    read(bytes: Uint8Array, at: number): number
}
