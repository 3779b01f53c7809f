// The options of a SYN: those that it offers, and those that both ends agree on (RFC 9293 section 3.7.1, RFC 7323, RFC 2018).

import { SACK, TIMESTAMPS } from "../features"
import {
    OptionBit,
    ParsedOptions,
    parseOptions,
    Tcp,
    writeMss,
    writeSackPermitted,
    writeTimestamps,
    writeWindowScale,
} from "../wire/tcp"
import { Frame, type TcpContext } from "./context"
import { Agreed, Seg } from "./records"

export const enum Mss {
    /** The MSS of a peer that sends no MSS option (RFC 9293 section 3.7.1, MUST-15). */
    Default = 536,
    /** The least MSS that is used. RFC 9293 has no limit; a peer that sends 0 or 1 would make us send a frame for every byte. */
    Least = 64,
    /** Bytes of the timestamps option in every segment. */
    Timestamps = 12,
}

/** Returns the peer's MSS from the options in `t.segment`, or what fits our own MTU if that is less. */
export function sendMss(t: TcpContext): number {
    const options = t.segment
    let mss: number = Mss.Default
    if (options.getAt(ParsedOptions.Present, "u8") & OptionBit.MaximumSegmentSize) {
        mss = options.getAt(ParsedOptions.MaximumSegmentSize, "u16")
    }
    if (mss < Mss.Least) mss = Mss.Least
    const own = t.config.mtu - 40
    return Math.min(mss, own)
}

/** Returns the options in `t.segment` that the peer offers and we accept: bits of Agreed. */
export function agreedOptions(t: TcpContext): number {
    const present = t.segment.getAt(ParsedOptions.Present, "u8")
    let flags = 0
    if (present & OptionBit.WindowScale) flags |= Agreed.Scaling
    if (SACK) {
        if (present & OptionBit.SackPermitted && t.config.sack) flags |= Agreed.Sack
    }
    if (TIMESTAMPS) {
        if (present & OptionBit.Timestamps && t.config.timestamps) flags |= Agreed.Timestamps
    }
    return flags
}

/**
 * Writes the options of a SYN or SYN-ACK at `at` of the transmit frame, and returns the offset after them: our MSS, and those
 * in `flags` (Agreed), with the timestamps `value` and `echo`. Our own window is never scaled: a shift of 0 lets the peer scale
 * its window.
 */
export function writeSynOptions(
    t: TcpContext,
    at: number,
    flags: number,
    value: number,
    echo: number
): number {
    const sack = SACK ? (flags & Agreed.Sack) !== 0 : false
    at = writeMss(t.tx, at, t.config.mtu - 40)
    if (TIMESTAMPS ? flags & Agreed.Timestamps : 0) at = writeTimestamps(t.tx, at, sack, value, echo)
    else if (SACK ? sack : false) at = writeSackPermitted(t.tx, at)
    if (flags & Agreed.Scaling) at = writeWindowScale(t.tx, at, 0)
    return at
}

/** Parses the options of the segment in `t.segment` into `t.segment`, and returns true when it has timestamps. */
export function isStamped(t: TcpContext): boolean {
    parseOptions(t.rx, Frame.Transport + Tcp.Size, t.segment.getAt(Seg.DataAt, "u16"), t.segment)
    return (t.segment.getAt(ParsedOptions.Present, "u8") & OptionBit.Timestamps) !== 0
}
