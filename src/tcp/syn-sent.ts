// SYN-SENT: an active open proceeds to ESTABLISHED, or to SYN-RECEIVED when both ends open (RFC 9293 section 3.10.7.3).

import { Counter } from "../base/counters"
import { TIMESTAMPS } from "../features"
import { Flag, ParsedOptions, parseOptions, Tcp } from "../wire/tcp"
import { type Connection, Frame, type TcpContext } from "./context"
import { enterEstablished, takeAgreement } from "./established"
import { agreedOptions, Mss, sendMss } from "./options"
import { Agreed, ConnFlag, Seg, SendFlag, State, Tcb, TcpError } from "./records"
import { answerReset } from "./reply"
import { drop } from "./report"
import { segmentArrives } from "./segment-arrives"
import { failConnection, setDue, setState } from "./state"

/** Handles the segment in `t.segment` for the connection `c` in SYN-SENT (section 3.10.7.3). */
export function synSentArrives(t: TcpContext, c: Connection, now: number): void {
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const acknowledgment = segment.getAt(Seg.Acknowledgment, "i32")
    const control = segment.getAt(Seg.Control, "u8")
    const sndUna = c.getAt(Tcb.SndUna, "i32")
    // First, check the ACK bit. SND.UNA is ISS here
    if (control & Flag.Ack) {
        const ahead = (acknowledgment - c.getAt(Tcb.SndMax, "i32")) | 0
        if (((acknowledgment - sndUna) | 0) <= 0 || ahead > 0) {
            drop(t, Counter.TcpBadAck, now)
            answerReset(t, now)
            return
        }
    }
    // Second, check the RST bit: only an RST that acknowledges our SYN counts
    if (control & Flag.Rst) {
        if (control & Flag.Ack) failConnection(t, c, TcpError.Refused, now)
        else drop(t, Counter.TcpBadReset, now)
        return
    }
    // Fifth, if neither of the SYN or RST bits is set, drop the segment
    if (!(control & Flag.Syn)) {
        drop(t, Counter.TcpUnacceptable, now)
        return
    }
    // Fourth, check the SYN bit
    parseOptions(t.rx, Frame.Transport + Tcp.Size, segment.getAt(Seg.DataAt, "u16"), t.segment)
    const agreement = agreedOptions(t)
    const stamp = t.segment.getAt(ParsedOptions.TimestampValue, "i32")
    let mss = sendMss(t)
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) mss -= Mss.Timestamps
    c.setAt(Tcb.Mss, "u16", mss)
    const next = (sequence + 1) | 0
    c.setAt(Tcb.RcvNxt, "i32", next)
    c.setAt(Tcb.RcvWnd, "u16", c.getAt(Tcb.ReceiveLimit, "u16"))
    // the window of a SYN is never scaled (RFC 7323 section 2.2)
    const window = segment.getAt(Seg.Window, "u16")
    c.setAt(Tcb.SndWnd, "u16", window)
    c.setAt(Tcb.MaxSndWnd, "u16", window)
    c.setAt(Tcb.SndWl1, "i32", sequence)
    if (control & Flag.Ack) {
        enterEstablished(t, c, acknowledgment, now)
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
    // A SYN without an ACK: simultaneous open. Data with it is not kept: the peer sends it again
    c.setAt(Tcb.SndNxt, "i32", sndUna)
    // our SYN is sent again, with the ACK: its round trip is not measured (Karn)
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") & ~SendFlag.Timing)
    takeAgreement(t, c, agreement, stamp, now)
    setState(t, c, State.SynReceived, now)
    setDue(t, c, 0)
}
