// The options of a SYN: what is offered, and what is agreed on (RFC 9293 section 3.7.1, RFC 7323, RFC 2018).

import { SACK, TIMESTAMPS } from "../features"
import {
    OptionBit,
    Options,
    parseOptions,
    Tcp,
    writeMss,
    writeSackPermitted,
    writeTimestamps,
    writeWindowScale,
} from "../wire/tcp"
import type { TcpContext } from "./context"
import { Agreed, Seg } from "./records"

/** What TCP takes for the MSS when the peer names none (RFC 9293 section 3.7.1, MUST-15), and the least it believes. */
export const enum Mss {
    Default = 536,
    /** RFC 9293 does not bound it; a peer that names 0 or 1 would make us send a frame for every byte. */
    Least = 64,
    /** Bytes that timestamps take of every segment. */
    Timestamps = 12,
}

/** The peer's MSS by the options parsed into `t.options`, at most what fits our own MTU. */
export function sendMss(t: TcpContext): number {
    const options = t.options
    let mss: number = Mss.Default
    if (options.getAt(Options.Present, "u8") & OptionBit.MaximumSegmentSize) {
        mss = options.getAt(Options.MaximumSegmentSize, "u16")
    }
    if (mss < Mss.Least) mss = Mss.Least
    const own = t.config.mtu - 40
    return Math.min(mss, own)
}

/** What the options parsed into `t.options` offer and we take: bits of Agreed. */
export function agreed(t: TcpContext): number {
    const present = t.options.getAt(Options.Present, "u8")
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
 * Writes the options of a SYN or SYN-ACK at `at` of the transmit frame: our MSS, and those of `flags` (Agreed), with the
 * timestamps given. Our own window is never scaled: a shift of 0 lets the peer scale its. Gives the offset after them.
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

/** Whether the segment in `t.segment` has timestamps; `t.options` holds its options then. */
export function isStamped(t: TcpContext): boolean {
    const at = t.segment.getAt(Seg.At, "u16") + Tcp.Size
    parseOptions(t.rx, at, t.segment.getAt(Seg.DataAt, "u16"), t.options)
    return (t.options.getAt(Options.Present, "u8") & OptionBit.Timestamps) !== 0
}
