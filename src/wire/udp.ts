// The User Datagram Protocol (RFC 768).

import type { Buffer } from "@devicescript/core"
import { readU16 } from "../base/bytes"

/** Offsets in the header, from its first byte. */
export const enum Udp {
    Source = 0,
    Destination = 2,
    Length = 4,
    Checksum = 6,
    /** Length of the header; the data starts here. */
    Size = 8,
}

/**
 * Bytes of data in the datagram at `at`, for which the packet has `length` bytes; -1 when its own length is less than a
 * header or more than there is.
 */
export function udpDataLength(b: Buffer, at: number, length: number): number {
    if (at < 0 || length < Udp.Size || at + length > b.length) return -1
    const own = readU16(b, at + Udp.Length)
    if (own < Udp.Size || own > length) return -1
    return own - Udp.Size
}
