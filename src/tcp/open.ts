// The way of an active open to ESTABLISHED: SYN-SENT (RFC 9293 section 3.10.7.3) and what both kinds of open end with.

import { Counter } from "../inspect/counters"
import { Flag, OptionBit, Options, parseOptions, Tcp } from "../wire/tcp"
import { segmentArrives } from "./arrival"
import { closed, drop, setDue, setState, stopTimer, type TcpContext } from "./context"
import { answerReset } from "./reset"
import { roundTrip } from "./rtt"
import { Seg } from "./segment"
import { ConnFlag, ConnFlag2, State, Tcb, TcpError } from "./tcb"

/** What TCP takes for the MSS when the peer names none (RFC 9293 section 3.7.1, MUST-15), and the least it believes. */
export const enum Mss {
    Default = 536,
    /** RFC 9293 does not bound it; a peer that names 0 or 1 would make us send a frame for every byte. */
    Least = 64,
}

/** The MSS to send with, by the options parsed into `t.options`: the peer's, at most what fits our own MTU. */
export function sendMss(t: TcpContext): number {
    const options = t.options
    let mss: number = Mss.Default
    if (options.getAt(Options.Present, "u8") & OptionBit.MaximumSegmentSize) {
        mss = options.getAt(Options.MaximumSegmentSize, "u16")
    }
    if (mss < Mss.Least) mss = Mss.Least
    const own = t.config.mtu - 40
    return mss < own ? mss : own
}

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
    if (flags2 & ConnFlag2.Timing) roundTrip(t, c, (now - conns.getAt(c + Tcb.RttStart, "i32")) | 0)
    const mss = conns.getAt(c + Tcb.Mss, "u16")
    // RFC 5681 section 3.1: the initial window
    let cwnd = mss > 2190 ? 2 * mss : mss > 1095 ? 3 * mss : 4 * mss
    if (flags2 & ConnFlag2.SynLost) {
        cwnd = mss
        // RFC 6298 (5.7)
        conns.setAt(c + Tcb.Rto, "u16", t.config.rtoMax < 3000 ? t.config.rtoMax : 3000)
    }
    conns.setAt(c + Tcb.Cwnd, "u16", cwnd)
    conns.setAt(c + Tcb.Ssthresh, "u16", 0xffff)
    conns.setAt(c + Tcb.Flags2, "u8", 0)
    const state = conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.FinQueued ? State.FinWait1 : State.Established
    setState(t, c, state, now)
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
    conns.setAt(c + Tcb.Mss, "u16", sendMss(t))
    const next = (sequence + 1) | 0
    conns.setAt(c + Tcb.RcvNxt, "i32", next)
    conns.setAt(c + Tcb.RcvAdv, "i32", (next + conns.getAt(c + Tcb.ReceiveLimit, "u16")) | 0)
    // the window of a SYN is never scaled (RFC 7323 section 2.2)
    const window = segment.getAt(Seg.Window, "u16")
    conns.setAt(c + Tcb.SndWnd, "i32", window)
    conns.setAt(c + Tcb.MaxSndWnd, "i32", window)
    conns.setAt(c + Tcb.SndWl1, "i32", sequence)
    conns.setAt(c + Tcb.SndWl2, "i32", acknowledgment)
    if (control & Flag.Ack) {
        established(t, c, acknowledgment, now)
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
    setState(t, c, State.SynReceived, now)
    setDue(t, c, 0)
}
