// Header prediction: the short path of the segment that is expected next, which nearly all segments of a transfer are.

import { readI32 } from "../base/bytes"
import { FAST_RETRANSMIT, KEEP_ALIVE, TIMESTAMPS } from "../features"
import { Flag, Tcp, TimestampsOnly } from "../wire/tcp"
import { type Connection, Frame, type TcpContext } from "./context"
import { ConnFlag, ConnOption, Tcb } from "./records"
import { acknowledge } from "./segment-arrives"
import { append } from "./segment-data"
import { setDue } from "./state"

/**
 * Handles the segment of `length` bytes, `header` of them its header, for the connection `c` in ESTABLISHED, when it is the expected one:
 * it starts at RCV.NXT; it has the ACK bit, at most PSH besides, and no options but timestamps; it acknowledges data in flight, or has
 * data that leaves room in the window; the peer's window stays as it was; no loss is being repaired. Such a segment passes every check
 * of `segmentArrives`, and what is left out here changes nothing there. Returns false, and has done nothing, for any other segment.
 */
export function takeExpected(
    t: TcpContext,
    c: Connection,
    header: number,
    length: number,
    sequence: number,
    acknowledgment: number,
    control: number,
    now: number
): boolean {
    const rx = t.rx
    const bytes = length - header
    const sndMax = c.getAt(Tcb.SndMax, "i32")
    const acked = (acknowledgment - c.getAt(Tcb.SndUna, "i32")) | 0
    const room = c.getAt(Tcb.RcvWnd, "u16")
    const connOptions = c.getAt(Tcb.Options, "u8")
    const flags = c.getAt(Tcb.Flags, "u8")
    // its upper bits count duplicate ACKs
    const scale = c.getAt(Tcb.ScaleDups, "u8")
    let window =
        ((rx.getAt(Frame.Transport + Tcp.Window, "u8") << 8) |
            rx.getAt(Frame.Transport + Tcp.Window + 1, "u8")) <<
        scale
    let echo = 0
    // one test after the other: that costs less than ||
    if ((control & ~Flag.Psh) !== Flag.Ack) return false
    if (sequence !== c.getAt(Tcb.RcvNxt, "i32")) return false
    if (bytes >= room) return false
    // data for a program that has closed is answered with a reset
    if (flags & ConnFlag.ReadClosed) return false
    if (acked <= 0) {
        if (acked < 0) return false
        if (bytes === 0) return false
    }
    if (((acknowledgment - sndMax) | 0) > 0) return false
    if (scale > 15) return false
    if (FAST_RETRANSMIT ? c.getAt(Tcb.Recover, "u16") > 0 : false) return false
    if (window === 0) return false
    // limited as in segmentArrives
    if (window > 0xffff) window = 0xffff
    if (window !== c.getAt(Tcb.SndWnd, "u16")) return false
    if (KEEP_ALIVE ? connOptions & ConnOption.KeepAlive : 0) return false
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) {
        if (header !== Tcp.Size + TimestampsOnly.Size) return false
        if (rx.getAt(Frame.Transport + Tcp.Size, "i32") !== TimestampsOnly.Start) return false
        const stamp = readI32(rx, Frame.Transport + Tcp.Size + 4)
        if (((stamp - c.getAt(Tcb.TsRecent, "i32")) | 0) < 0) return false
        echo = readI32(rx, Frame.Transport + Tcp.Size + 8)
        // RFC 7323 section 4.3 (2), as in segmentArrives
        if (!(flags & (ConnFlag.AckNow | ConnFlag.AckDelayed))) {
            c.setAt(Tcb.TsRecent, "i32", stamp)
            c.setAt(Tcb.TsAge, "u16", now >>> 16)
        }
    } else if (header !== Tcp.Size) return false
    if (((sequence - c.getAt(Tcb.SndWl1, "i32")) | 0) > 0) c.setAt(Tcb.SndWl1, "i32", sequence)
    if (acked > 0) {
        acknowledge(t, c, acknowledgment, acked, sndMax, echo, false, now)
        if (c.getAt(Tcb.SendLength, "u16") > 0) setDue(t, c, 0)
    }
    if (bytes > 0) append(t, c, Frame.Transport + header, bytes, control, c.getAt(Tcb.Flags, "u8"), room, now)
    return true
}
