// RFC 9293 section 3.10.7.4: a segment arrives for a connection in SYN-RECEIVED or a synchronized state.
//
// The path of every segment: it is flat on purpose, in the RFC's order, one function.

import { Counter } from "../inspect/counters"
import { Flag } from "../wire/tcp"
import { challengeAck } from "./challenge"
import { armTimer, closed, drop, reset, setDue, setState, stopTimer, type TcpContext } from "./context"
import { established } from "./open"
import { answerReset } from "./reset"
import { computeRto, roundTrip } from "./rtt"
import { Seg } from "./segment"
import { ConnFlag, ConnFlag2, State, Tcb, TcpError } from "./tcb"

/** Handles the segment in `t.segment` for the connection `c`. */
export function segmentArrives(t: TcpContext, c: number, now: number): void {
    const conns = t.conns
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const acknowledgment = segment.getAt(Seg.Acknowledgment, "i32")
    let control = segment.getAt(Seg.Control, "u8")
    let at = segment.getAt(Seg.TextAt, "u16")
    let length = segment.getAt(Seg.Length, "u16")
    let state = conns.getAt(c + Tcb.State, "u8")
    const rcvNxt = conns.getAt(c + Tcb.RcvNxt, "i32")
    let offset = (sequence - rcvNxt) | 0
    const room = (conns.getAt(c + Tcb.RcvAdv, "i32") - rcvNxt) | 0

    // Figure 7, line 6: in a simultaneous open the SYN of the peer's SYN,ACK is the one already taken
    if (
        state === State.SynReceived &&
        offset === -1 &&
        (control & (Flag.Syn | Flag.Ack | Flag.Rst)) === (Flag.Syn | Flag.Ack)
    ) {
        control &= ~Flag.Syn
        offset = 0
    }

    // First, check sequence number (table 6)
    let segmentLength = length
    if (control & Flag.Fin) segmentLength++
    if (control & Flag.Syn) segmentLength++
    if (room === 0 && (offset === 0 || (offset < 0 && offset + segmentLength > 0))) {
        // nothing is acceptable in a zero window but the ACK and the RST that came with it
        if (length > 0 || control & Flag.Fin) {
            length = 0
            control &= ~(Flag.Fin | Flag.Psh)
            setDue(t, c, ConnFlag.AckNow)
            drop(t, Counter.TcpUnacceptable, now)
        }
    } else if (
        segmentLength === 0
            ? offset !== 0 && (offset < 0 || offset >= room)
            : offset >= room || offset + segmentLength <= 0
    ) {
        if (control & Flag.Rst) {
            drop(t, Counter.TcpBadReset, now)
        } else if (control & Flag.Syn) {
            // RFC 5961 section 4.2: whatever its sequence number
            drop(t, Counter.TcpUnexpectedSyn, now)
            challengeAck(t, c, now)
        } else {
            drop(t, Counter.TcpUnacceptable, now)
            setDue(t, c, ConnFlag.AckNow)
            // TIME-WAIT: "acknowledge it, and restart the 2 MSL timeout", when it is the peer's FIN again
            if (state === State.TimeWait && control & Flag.Fin && offset + segmentLength === 0) {
                armTimer(t, c, now, t.config.timeWait)
            }
        }
        return
    }

    // Second, check the RST bit: RFC 5961 section 3.2, only the exact sequence number resets
    if (control & Flag.Rst) {
        if (offset !== 0) {
            drop(t, Counter.TcpBadReset, now)
            challengeAck(t, c, now)
        } else if (state === State.SynReceived) {
            closed(t, c, TcpError.Refused, now)
        } else if (state === State.Closing || state === State.LastAck || state === State.TimeWait) {
            closed(t, c, TcpError.None, now)
        } else {
            closed(t, c, TcpError.Reset, now)
        }
        return
    }

    // Third, security: RFC 9293 appendix A.1, not implemented by anyone
    // Fourth, check the SYN bit: RFC 5961 section 4.2
    if (control & Flag.Syn) {
        drop(t, Counter.TcpUnexpectedSyn, now)
        challengeAck(t, c, now)
        return
    }

    // Fifth, check the ACK field
    if (!(control & Flag.Ack)) {
        drop(t, Counter.TcpNoAck, now)
        return
    }
    const sndUna = conns.getAt(c + Tcb.SndUna, "i32")
    let acked = (acknowledgment - sndUna) | 0
    if (state === State.SynReceived) {
        if (acked <= 0 || ((acknowledgment - conns.getAt(c + Tcb.SndMax, "i32")) | 0) > 0) {
            drop(t, Counter.TcpBadAck, now)
            answerReset(t, now)
            return
        }
        state = established(t, c, acknowledgment, now)
        // A SYN that was taken before is below the window and to be acknowledged, by the letter: a peer that goes by the
        // letter too has no other way out of SYN-RECEIVED
        if (offset === 0 && sequence !== rcvNxt) setDue(t, c, ConnFlag.AckNow)
        // so that the window of this segment is taken below
        conns.setAt(c + Tcb.SndWl1, "i32", (sequence - 1) | 0)
        acked = 0
    } else if (
        ((acknowledgment - conns.getAt(c + Tcb.SndMax, "i32")) | 0) > 0 ||
        (acked < 0 && acked + conns.getAt(c + Tcb.MaxSndWnd, "i32") < 0)
    ) {
        // it acknowledges what was not sent yet, or is older than RFC 5961 section 5.2 allows
        drop(t, Counter.TcpBadAck, now)
        challengeAck(t, c, now)
        return
    }

    let finAcked = false
    if (acked > 0) {
        let flags = conns.getAt(c + Tcb.Flags, "u8")
        let bytes = acked
        const queued = conns.getAt(c + Tcb.SendLength, "u16")
        if (bytes > queued) {
            // what follows the data is our FIN
            finAcked = true
            bytes = queued
        }
        if (bytes > 0) {
            let head = conns.getAt(c + Tcb.SendHead, "u16") + bytes
            if (head >= t.sendSize) head -= t.sendSize
            conns.setAt(c + Tcb.SendHead, "u16", head)
            conns.setAt(c + Tcb.SendLength, "u16", queued - bytes)
            // RFC 5681 section 3.1: slow start below the threshold, else one segment a window
            const cwnd = conns.getAt(c + Tcb.Cwnd, "u16")
            const mss = conns.getAt(c + Tcb.Mss, "u16")
            let more = bytes < mss ? bytes : mss
            if (cwnd >= conns.getAt(c + Tcb.Ssthresh, "u16")) {
                more = Math.idiv(mss * mss, cwnd)
                if (more === 0) more = 1
            }
            // a store above 65,535 is clamped to it
            conns.setAt(c + Tcb.Cwnd, "u16", cwnd + more)
        }
        conns.setAt(c + Tcb.SndUna, "i32", acknowledgment)
        if (((conns.getAt(c + Tcb.SndNxt, "i32") - acknowledgment) | 0) < 0) {
            conns.setAt(c + Tcb.SndNxt, "i32", acknowledgment)
        }
        conns.setAt(c + Tcb.Retries, "u8", 0)
        conns.setAt(c + Tcb.Progress, "i32", now)
        let flags2 = conns.getAt(c + Tcb.Flags2, "u8") & ~ConnFlag2.SoftError
        if (flags2 & ConnFlag2.Timing && ((acknowledgment - conns.getAt(c + Tcb.RttSeq, "i32")) | 0) >= 0) {
            flags2 &= ~ConnFlag2.Timing
            roundTrip(t, c, (now - conns.getAt(c + Tcb.RttStart, "i32")) | 0)
        }
        conns.setAt(c + Tcb.Flags2, "u8", flags2)
        // RFC 6298 (5.2), (5.3)
        if (acknowledgment === conns.getAt(c + Tcb.SndMax, "i32")) {
            flags &= ~ConnFlag.Timer
            conns.setAt(c + Tcb.Flags, "u8", flags)
        } else {
            armTimer(t, c, now, conns.getAt(c + Tcb.Rto, "u16"))
        }
        setDue(t, c, 0)
    }
    if (acked >= 0) {
        const wl1 = (sequence - conns.getAt(c + Tcb.SndWl1, "i32")) | 0
        if (wl1 > 0 || (wl1 === 0 && ((acknowledgment - conns.getAt(c + Tcb.SndWl2, "i32")) | 0) >= 0)) {
            const before = conns.getAt(c + Tcb.SndWnd, "i32")
            const window = segment.getAt(Seg.Window, "u16") << conns.getAt(c + Tcb.SndScale, "u8")
            conns.setAt(c + Tcb.SndWnd, "i32", window)
            if (window > conns.getAt(c + Tcb.MaxSndWnd, "i32")) conns.setAt(c + Tcb.MaxSndWnd, "i32", window)
            conns.setAt(c + Tcb.SndWl1, "i32", sequence)
            conns.setAt(c + Tcb.SndWl2, "i32", acknowledgment)
            if (window > before) {
                if (before === 0 && conns.getAt(c + Tcb.Retries, "u8") > 0) {
                    // what was probed for (section 3.8.6.1): send at once, and no longer back off
                    conns.setAt(c + Tcb.Retries, "u8", 0)
                    conns.setAt(c + Tcb.SndNxt, "i32", conns.getAt(c + Tcb.SndUna, "i32"))
                    const flags2 = conns.getAt(c + Tcb.Flags2, "u8")
                    // the probe goes again: its round trip is not measured (Karn)
                    conns.setAt(c + Tcb.Flags2, "u8", flags2 & ~(ConnFlag2.Timing | ConnFlag2.Probe))
                    computeRto(t, c)
                    stopTimer(t, c)
                }
                setDue(t, c, 0)
            }
        }
        // A peer that keeps its window shut but answers is alive (section 3.8.6.1, MUST-37). Where the program has closed,
        // it would hold the record for as long as it likes: R2 ends that (RFC 6429)
        if (
            conns.getAt(c + Tcb.SndWnd, "i32") === 0 &&
            !(conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.ReadClosed)
        ) {
            conns.setAt(c + Tcb.Progress, "i32", now)
        }
    }
    if (finAcked) {
        if (state === State.FinWait1) {
            state = State.FinWait2
            setState(t, c, state, now)
            if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.ReadClosed) armTimer(t, c, now, t.config.finWait2)
        } else if (state === State.Closing) {
            state = State.TimeWait
            setState(t, c, state, now)
            armTimer(t, c, now, t.config.timeWait)
        } else if (state === State.LastAck) {
            closed(t, c, TcpError.None, now)
            return
        }
    }

    // Sixth, check the URG bit: RFC 6093, urgent data is data like any other
    // Seventh, process the segment text
    if (offset < 0) {
        at -= offset
        length += offset
        offset = 0
    }
    if (length > 0 || control & Flag.Fin) {
        if (state !== State.Established && state !== State.FinWait1 && state !== State.FinWait2) {
            // "This should not occur since a FIN has been received from the remote side"
            drop(t, Counter.TcpAfterFin, now)
            setDue(t, c, ConnFlag.AckNow)
            return
        }
        setDue(t, c, ConnFlag.AckNow)
        if (offset > 0) {
            drop(t, Counter.TcpOutOfOrder, now)
            return
        }
    }
    if (length > 0) {
        if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.ReadClosed) {
            // section 3.6.1 (SHLD-3): data for a program that is gone is answered by a reset
            reset(t, c, TcpError.None, now)
            return
        }
        if (length > room) {
            length = room
            control &= ~Flag.Fin
        }
        const queued = conns.getAt(c + Tcb.ReceiveLength, "u16")
        const size = t.receiveSize
        const ring = Math.idiv(c, Tcb.Size) * (t.sendSize + size) + t.sendSize
        let to = conns.getAt(c + Tcb.ReceiveHead, "u16") + queued
        if (to >= size) to -= size
        const part = size - to
        if (length <= part) {
            t.rings.blitAt(ring + to, t.rx, at, length)
        } else {
            t.rings.blitAt(ring + to, t.rx, at, part)
            t.rings.blitAt(ring, t.rx, at + part, length - part)
        }
        conns.setAt(c + Tcb.ReceiveLength, "u16", queued + length)
        conns.setAt(c + Tcb.RcvNxt, "i32", (rcvNxt + length) | 0)
    }

    // Eighth, check the FIN bit
    if (control & Flag.Fin) {
        const next = (rcvNxt + length + 1) | 0
        conns.setAt(c + Tcb.RcvNxt, "i32", next)
        if (((conns.getAt(c + Tcb.RcvAdv, "i32") - next) | 0) < 0) conns.setAt(c + Tcb.RcvAdv, "i32", next)
        if (state === State.Established) {
            setState(t, c, State.CloseWait, now)
        } else if (state === State.FinWait1) {
            setState(t, c, State.Closing, now)
        } else {
            setState(t, c, State.TimeWait, now)
            armTimer(t, c, now, t.config.timeWait)
        }
    }
}
