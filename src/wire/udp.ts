// The User Datagram Protocol's header (RFC 768).

import type { Buffer } from "@devicescript/core"
import { readU16 } from "../base/bytes"

/** Offsets in a UDP header, from its first byte. */
export const enum Udp {
    Source = 0,
    Destination = 2,
    Length = 4,
    Checksum = 6,
    /** Length of the header; the data starts here. */
    Size = 8,
}

/**
 * Returns the bytes of data in the datagram at `at`, for which the packet has `length` bytes; -1 when the header's own length is
 * shorter than a header or longer than that.
 */
export function udpDataLength(b: Buffer, at: number, length: number): number {
    if (at < 0 || length < Udp.Size || at + length > b.length) return -1
    const own = readU16(b, at + Udp.Length)
    if (own < Udp.Size || own > length) return -1
    return own - Udp.Size
}
