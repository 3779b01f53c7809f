// The contents of a capture file: packets, each with the time and the link on which it was seen.

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
