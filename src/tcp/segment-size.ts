// The size of the segments of a stream that keeps the send ring full.

import type { TcpContext } from "./context"

const enum Even {
    /** The size of a send ring in bytes below which an even number of segments is not aimed for. */
    Least = 256,
}

/**
 * Returns a segment size, at most `mss`, of which an even number fills the send ring, for a stream that keeps the ring full. A peer
 * acknowledges every second segment, and delays the ACK for the last of an odd number (RFC 5681 section 4.2): that stalls a ring of
 * one or three segments, but hardly one of eight.
 */
export function evenSegment(t: TcpContext, mss: number): number {
    const size = t.sendSize
    if (size < Even.Least || size >= mss << 3) return mss
    // of two segments the second is small: a peer that does not wait for the second acknowledges most of the ring
    if (mss > (size >> 1) + (size >> 3)) return Math.min(mss, size - (size >> 2))
    const segments = Math.idiv(size + 2 * mss - 1, 2 * mss) * 2
    return Math.idiv(size + segments - 1, segments)
}
