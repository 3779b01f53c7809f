// The way of an active open to ESTABLISHED: SYN-SENT (RFC 9293 section 3.10.7.3) and what both kinds of open end with.

import { Counter } from "../base/counters"
import { KEEP_ALIVE, SACK, TIMESTAMPS } from "../features"
import { Flag, Options, parseOptions, Tcp } from "../wire/tcp"
import { initialWindow } from "./congestion"
import { armTimer, closed, drop, setDue, setState, stopTimer, type TcpContext } from "./context"
import { agreed, Mss, sendMss } from "./options"
import { ConnFlag, ConnFlag2, ConnFlag3, HalfFlag, State, Tcb, TcpError } from "./records"
import { answerReset } from "./reply"
import { roundTrip } from "./rtt"
import { timestampOffset } from "./secret-numbers"
import { Seg } from "./segment"
import { segmentArrives } from "./segment-arrives"

/** Our SYN was acknowledged: ESTABLISHED, or FIN-WAIT-1 if the program has closed meanwhile. Gives the new state. */
export function established(t: TcpContext, c: number, acknowledgment: number, now: number): State {
    const conns = t.conns
    const flags2 = conns.getAt(c + Tcb.Flags2, "u8")
    conns.setAt(c + Tcb.SndUna, "i32", acknowledgment)
    conns.setAt(c + Tcb.SndNxt, "i32", acknowledgment)
    conns.setAt(c + Tcb.SndMax, "i32", acknowledgment)
    conns.setAt(c + Tcb.Retries, "u8", 0)
    conns.setAt(c + Tcb.Progress, "i32", now)
    stopTimer(t, c)
    if (flags2 & ConnFlag2.Timing) roundTrip(t, c, (now - conns.getAt(c + Tcb.RttStart, "u16")) & 0xffff)
    const mss = conns.getAt(c + Tcb.Mss, "u16")
    let cwnd = initialWindow(mss)
    if (flags2 & ConnFlag2.SynLost) {
        // RFC 5681 section 3.1
        cwnd = mss
        // RFC 6298 (5.7)
        conns.setAt(c + Tcb.Rto, "u16", Math.min(t.config.rtoMax, 3000))
    }
    conns.setAt(c + Tcb.Cwnd, "u16", cwnd)
    conns.setAt(c + Tcb.Ssthresh, "u16", 0xffff)
    conns.setAt(c + Tcb.SmallEnd, "u16", acknowledgment & 0xffff)
    conns.setAt(c + Tcb.Flags2, "u8", 0)
    const state = conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.FinQueued ? State.FinWait1 : State.Established
    setState(t, c, state, now)
    if (KEEP_ALIVE ? conns.getAt(c + Tcb.Flags3, "u8") & ConnFlag3.KeepAlive : 0)
        armTimer(t, c, now, t.config.keepAliveIdle)
    setDue(t, c, 0)
    return state
}

/** Section 3.10.7.3: the segment in `t.segment` arrives in SYN-SENT. */
export function synSentArrives(t: TcpContext, c: number, now: number): void {
    const conns = t.conns
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const acknowledgment = segment.getAt(Seg.Acknowledgment, "i32")
    const control = segment.getAt(Seg.Control, "u8")
    const sndUna = conns.getAt(c + Tcb.SndUna, "i32")
    // First, check the ACK bit. SND.UNA is ISS here
    if (control & Flag.Ack) {
        const ahead = (acknowledgment - conns.getAt(c + Tcb.SndMax, "i32")) | 0
        if (((acknowledgment - sndUna) | 0) <= 0 || ahead > 0) {
            drop(t, Counter.TcpBadAck, now)
            answerReset(t, now)
            return
        }
    }
    // Second, check the RST bit: only one that acknowledges our SYN counts
    if (control & Flag.Rst) {
        if (control & Flag.Ack) closed(t, c, TcpError.Refused, now)
        else drop(t, Counter.TcpBadReset, now)
        return
    }
    // Fifth, if neither of the SYN or RST bits is set, drop the segment
    if (!(control & Flag.Syn)) {
        drop(t, Counter.TcpUnacceptable, now)
        return
    }
    // Fourth, check the SYN bit
    parseOptions(t.rx, segment.getAt(Seg.At, "u16") + Tcp.Size, segment.getAt(Seg.TextAt, "u16"), t.options)
    const agreement = agreed(t)
    const stamp = t.options.getAt(Options.TimestampValue, "i32")
    let mss = sendMss(t)
    if (TIMESTAMPS ? agreement & HalfFlag.Timestamps : 0) mss -= Mss.Timestamps
    conns.setAt(c + Tcb.Mss, "u16", mss)
    const next = (sequence + 1) | 0
    conns.setAt(c + Tcb.RcvNxt, "i32", next)
    conns.setAt(c + Tcb.RcvWnd, "u16", conns.getAt(c + Tcb.ReceiveLimit, "u16"))
    // the window of a SYN is never scaled (RFC 7323 section 2.2)
    const window = segment.getAt(Seg.Window, "u16")
    conns.setAt(c + Tcb.SndWnd, "u16", window)
    conns.setAt(c + Tcb.MaxSndWnd, "u16", window)
    conns.setAt(c + Tcb.SndWl1, "i32", sequence)
    if (control & Flag.Ack) {
        established(t, c, acknowledgment, now)
        takeAgreement(t, c, agreement, stamp, now)
        setDue(t, c, ConnFlag.AckNow)
        // "if there are other controls or text in the segment, then continue processing at the sixth step"
        if (segment.getAt(Seg.Length, "u16") > 0 || control & Flag.Fin) {
            segment.setAt(Seg.Sequence, "i32", next)
            segment.setAt(Seg.Control, "u8", control & ~Flag.Syn)
            segmentArrives(t, c, now)
        }
        return
    }
    // A SYN for our SYN: simultaneous open. Text with it is not kept: the peer sends it again.
    conns.setAt(c + Tcb.SndNxt, "i32", sndUna)
    // our SYN goes again with the ACK: its round trip is not measured (Karn)
    conns.setAt(c + Tcb.Flags2, "u8", conns.getAt(c + Tcb.Flags2, "u8") & ~ConnFlag2.Timing)
    takeAgreement(t, c, agreement, stamp, now)
    setState(t, c, State.SynReceived, now)
    setDue(t, c, 0)
}

/**
 * Takes over what both sides offered (bits of HalfFlag), and the peer's timestamp `stamp`; what measured our SYN's round trip makes
 * room for the timestamps.
 */
export function takeAgreement(t: TcpContext, c: number, agreement: number, stamp: number, now: number): void {
    const conns = t.conns
    let flags3 = conns.getAt(c + Tcb.Flags3, "u8")
    if (SACK ? agreement & HalfFlag.Sack : 0) flags3 |= ConnFlag3.Sack
    if (TIMESTAMPS ? agreement & HalfFlag.Timestamps : 0) {
        flags3 |= ConnFlag3.Timestamps
        const offset = timestampOffset(
            t,
            conns.getAt(c + Tcb.RemoteIp, "i32"),
            conns.getAt(c + Tcb.Ports, "i32")
        )
        conns.setAt(c + Tcb.TsRecent, "i32", stamp)
        conns.setAt(c + Tcb.TsOffset, "u16", offset)
        conns.setAt(c + Tcb.TsAge, "u16", (now >> 16) & 0xffff)
    }
    conns.setAt(c + Tcb.Flags3, "u8", flags3)
}
