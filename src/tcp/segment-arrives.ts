// RFC 9293 section 3.10.7.4: a segment arrives for a connection in SYN-RECEIVED or a synchronized state.
//
// The steps are in the RFC's order. A step in a function of its own has a single caller: the optimizer inlines it, so that it
// costs no call on the path of a segment. On that path an `if` in an `if` costs less than `&&` (docs/architecture.md).

import { readI32 } from "../base/bytes"
import { Counter } from "../base/counters"
import { FAST_RETRANSMIT, KEEP_ALIVE, SACK, TIMESTAMPS } from "../features"
import { Flag, OptionBit, ParsedOptions, parseOptions, Tcp, TimestampsOnly } from "../wire/tcp"
import { challengeAck } from "./challenge-ack"
import { continueRecovery, duplicateAck, reportsGap } from "./congestion"
import { type Connection, Frame, type TcpContext } from "./context"
import { enterEstablished } from "./established"
import { ConnFlag, ConnOption, Seg, SendFlag, State, Tcb, TcpError } from "./records"
import { answerReset, spaceOf } from "./reply"
import { count, drop } from "./report"
import { computeRto, roundTrip } from "./rtt"
import { takeData } from "./segment-data"
import { armRto, armTimer, failConnection, isIdle, setDue, setState, stopTimer } from "./state"

/** The greatest age at which TS.Recent may refuse a segment, in units of 2^16 ms: 24 days (RFC 7323 section 5.5). */
const enum Age {
    Most = 31640,
}

/** The end of a header in the receive frame, without options and with timestamps alone. */
const enum HeaderEnd {
    Plain = Frame.Transport + Tcp.Size,
    Stamped = Plain + TimestampsOnly.Size,
}

/**
 * Returns true when a part of a segment lies in the receive window: table 6 of RFC 9293 section 3.10.7.4, for a window of `room`
 * bytes, 1 or more. The segment takes `space` sequence numbers (SEG.LEN), the first of them `offset` after RCV.NXT.
 */
export function isAcceptable(offset: number, space: number, room: number): boolean {
    return offset < room && (offset >= 0 || offset + space > 0)
}

/** Handles the segment in `t.segment` for the connection `c`. */
export function segmentArrives(t: TcpContext, c: Connection, now: number): void {
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const acknowledgment = segment.getAt(Seg.Acknowledgment, "i32")
    let control = segment.getAt(Seg.Control, "u8")
    const at = segment.getAt(Seg.DataAt, "u16")
    let length = segment.getAt(Seg.Length, "u16")
    let state = c.getAt(Tcb.State, "u8")
    const connOptions = c.getAt(Tcb.Options, "u8")
    const rcvNxt = c.getAt(Tcb.RcvNxt, "i32")
    const room = c.getAt(Tcb.RcvWnd, "u16")
    let offset = (sequence - rcvNxt) | 0

    // the segment's options are read if it has any and the connection uses them
    let echo = 0
    let sacked = false
    let stamp = 0
    let stamped = false
    if (TIMESTAMPS || SACK ? at > HeaderEnd.Plain : false) {
        if (connOptions & (ConnOption.Timestamps | ConnOption.Sack)) {
            if (
                TIMESTAMPS
                    ? at === HeaderEnd.Stamped && t.rx.getAt(HeaderEnd.Plain, "i32") === TimestampsOnly.Start
                    : false
            ) {
                // the layout that RFC 7323 appendix A recommends: nearly all segments of most peers have it
                stamped = true
                stamp = readI32(t.rx, HeaderEnd.Plain + 4)
                echo = readI32(t.rx, HeaderEnd.Plain + 8)
            } else {
                parseOptions(t.rx, HeaderEnd.Plain, at, t.segment)
                const present = t.segment.getAt(ParsedOptions.Present, "u8")
                if (TIMESTAMPS) {
                    stamped = (present & OptionBit.Timestamps) !== 0
                    stamp = t.segment.getAt(ParsedOptions.TimestampValue, "i32")
                    echo = t.segment.getAt(ParsedOptions.TimestampEcho, "i32")
                }
                if (SACK) sacked = (present & OptionBit.Sack) !== 0 && (connOptions & ConnOption.Sack) !== 0
            }
        }
    }

    // Figure 7, line 6: in a simultaneous open the SYN in the peer's SYN,ACK was already accepted
    if (state === State.SynReceived) {
        if (offset === -1) {
            if ((control & (Flag.Syn | Flag.Ack | Flag.Rst)) === (Flag.Syn | Flag.Ack)) {
                control &= ~Flag.Syn
                offset = 0
            }
        }
    }

    // First, check sequence number: RFC 7323 section 5.3 (R1), then table 6. By the letter of the table a segment whose data
    // reaches beyond both ends of the window is not acceptable, nor is a FIN right after the window: we trim such segments to
    // the window and accept them, as other stacks do
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) {
        if (!stamped) {
            // RFC 7323 section 3.2 (SHOULD) wants a segment without a timestamp dropped silently. Real peers send such segments:
            // lwIP and Windows their keep-alives and probes, and every peer behind a middlebox that strips options. The checks of
            // RFC 5961 below guard it
            if (!(control & Flag.Rst)) count(t, Counter.TcpUnstamped)
        } else if (((stamp - c.getAt(Tcb.TsRecent, "i32")) | 0) < 0) {
            if (refuseOld(t, c, control, now)) return
        }
    }
    if (offset !== 0 || room === 0) {
        const space = spaceOf(t)
        if (room === 0 && (offset === 0 || (offset < 0 && offset + space > 0))) {
            // a zero window accepts no data, but the ACK and the RST of the segment (MUST-66)
            if (length > 0 || control & Flag.Fin) {
                length = 0
                control &= ~(Flag.Fin | Flag.Psh)
                setDue(t, c, ConnFlag.AckNow)
                drop(t, Counter.TcpUnacceptable, now)
            }
        } else if (!isAcceptable(offset, space, room)) {
            refuse(t, c, control, offset + space, now)
            // "drop the unacceptable segment and return". But an ACK without data at the right edge counts: the peer had filled
            // the window with data that was lost. Two peers that refuse each other's ACK there wait forever (A.2;
            // test/tcp/right-edge.test.ts)
            if (space > 0 || offset !== room || control & Flag.Rst || state === State.SynReceived) return
        }
    }
    // Second to fifth: a segment with an RST or a SYN, or without an ACK
    if ((control & (Flag.Rst | Flag.Syn | Flag.Ack)) !== Flag.Ack) {
        controlArrives(t, c, control, state, offset, now)
        return
    }

    // Fifth, check the ACK field
    const sndMax = c.getAt(Tcb.SndMax, "i32")
    let acked = (acknowledgment - c.getAt(Tcb.SndUna, "i32")) | 0
    if (
        ((acknowledgment - sndMax) | 0) > 0 ||
        (state === State.SynReceived ? acked <= 0 : acked < 0 && acked + c.getAt(Tcb.MaxSndWnd, "u16") < 0)
    ) {
        // the segment acknowledges data that was not sent yet, or is older than RFC 5961 section 5.2 allows
        drop(t, Counter.TcpBadAck, now)
        if (state === State.SynReceived) answerReset(t, now)
        else challengeAck(t, c, now)
        return
    }
    if (TIMESTAMPS ? stamped : false) {
        if (connOptions & ConnOption.Timestamps) {
            if (offset <= 0) {
                // RFC 7323 section 4.3 (2): the segment starts at or before Last.ACK.sent, which is RCV.NXT while no ACK is due.
                // This follows the ACK check: a forged timestamp from the future would make PAWS drop everything after it
                if (!(c.getAt(Tcb.Flags, "u8") & (ConnFlag.AckNow | ConnFlag.AckDelayed))) {
                    c.setAt(Tcb.TsRecent, "i32", stamp)
                    c.setAt(Tcb.TsAge, "u16", now >>> 16)
                }
            }
        }
    }
    // also after SYN-RECEIVED: the program may have written, or closed, in SYN-SENT
    let due = acked > 0
    if (state === State.SynReceived) {
        state = enterEstablished(t, c, acknowledgment, now)
        // The SYN of a SYN,ACK that was taken before lies below the window. By the letter it is acknowledged: a peer that follows
        // the letter, too, has no other way out of SYN-RECEIVED
        if (offset === 0) {
            if (sequence !== rcvNxt) setDue(t, c, ConnFlag.AckNow)
        }
        // makes updateWindow use the window of this segment
        c.setAt(Tcb.SndWl1, "i32", (sequence - 1) | 0)
        acked = 0
    }

    // the peer's window, limited to the largest possible send ring
    let window = segment.getAt(Seg.Window, "u16") << (c.getAt(Tcb.ScaleDups, "u8") & 15)
    if (window > 0xffff) window = 0xffff

    const finAcked = acked > 0 ? acknowledge(t, c, acknowledgment, acked, sndMax, echo, sacked, now) : false
    // RFC 5681 section 2: a duplicate ACK has no data and advertises no other window. A segment whose SACK blocks report
    // something new is a duplicate ACK whatever else it contains (RFC 6675 section 2)
    if (FAST_RETRANSMIT ? acknowledgment !== sndMax : false) {
        if (sacked ? acked >= 0 : acked === 0) {
            const bare = acked === 0 && length === 0 && !(control & Flag.Fin) && window > 0
            const plain = bare && window === c.getAt(Tcb.SndWnd, "u16")
            if (SACK && sacked ? reportsGap(t, c, acked, plain) : plain) duplicateAck(t, c, sacked)
        }
    }
    // "SND.UNA =< SEG.ACK =< SND.NXT": SND.WL2 =< SEG.ACK holds with it
    if (acked >= 0) {
        if (updateWindow(t, c, sequence, window, now)) due = true
    }
    // An ACK or a larger window lets the connection send what it still has: data in the ring; or the FIN, which every state but
    // ESTABLISHED and CLOSE-WAIT has sent, or has to send (again, when SND.NXT fell back to SND.UNA). In TIME-WAIT, `transmit` moves the
    // connection to a smaller record. A look for nothing would cost a fourth of a pure ACK's operations
    if (due) {
        if (state !== State.Established || c.getAt(Tcb.SendLength, "u16") > 0) setDue(t, c, 0)
    }
    if (finAcked) {
        state = finAcknowledged(t, c, state, now)
        if (state === State.Closed) return
    }
    if (KEEP_ALIVE ? connOptions & ConnOption.KeepAlive : 0) heard(t, c, now)

    // Sixth, check the URG bit: urgent data is data like any other (RFC 6093)
    // Seventh, process the segment text
    if (length === 0) {
        if (!(control & Flag.Fin)) return
    }
    takeData(t, c, offset, at, length, control, room, now)
}

/**
 * Drops and answers a segment whose timestamp is below TS.Recent (PAWS, RFC 7323 section 5.3). Returns false, and leaves the
 * segment alone, when it is an RST or TS.Recent is too old to compare with.
 */
function refuseOld(t: TcpContext, c: Connection, control: number, now: number): boolean {
    if (control & Flag.Rst) return false
    if ((((now >> 16) - c.getAt(Tcb.TsAge, "u16")) & 0xffff) >= Age.Most) return false
    drop(t, Counter.TcpPaws, now)
    answer(t, c, now)
    return true
}

/** Drops a segment that is not acceptable, and answers it unless it is an RST. It ends `end` after RCV.NXT. */
function refuse(t: TcpContext, c: Connection, control: number, end: number, now: number): void {
    if (control & Flag.Rst) {
        drop(t, Counter.TcpBadReset, now)
        return
    }
    // RFC 5961 section 4.2: a SYN is handled the same whatever its sequence number
    drop(t, control & Flag.Syn ? Counter.TcpUnexpectedSyn : Counter.TcpUnacceptable, now)
    answer(t, c, now)
    // TIME-WAIT, and the peer's FIN arrived again: "acknowledge it, and restart the 2 MSL timeout"
    if ((control & (Flag.Fin | Flag.Syn)) === Flag.Fin) {
        if (end === 0) {
            if (c.getAt(Tcb.State, "u8") === State.TimeWait) armTimer(t, c, now, t.config.timeWait)
        }
    }
}

/**
 * Answers the dropped segment in `t.segment` with an ACK. The ACK for a segment of no length is a challenge ACK, whose number is
 * limited: otherwise two peers that disagree would answer each other forever.
 */
function answer(t: TcpContext, c: Connection, now: number): void {
    const segment = t.segment
    if (spaceOf(t) === 0 || segment.getAt(Seg.Control, "u8") & Flag.Syn) challengeAck(t, c, now)
    else setDue(t, c, ConnFlag.AckNow)
}

/** Handles, second to fifth, a segment in the window that has an RST or a SYN, or no ACK. */
function controlArrives(
    t: TcpContext,
    c: Connection,
    control: number,
    state: State,
    offset: number,
    now: number
): void {
    // Second, check the RST bit: RFC 5961 section 3.2, only the exact sequence number resets
    if (control & Flag.Rst) {
        if (offset !== 0 || state === State.TimeWait) {
            drop(t, Counter.TcpBadReset, now)
            // RFC 1337: an RST that ended TIME-WAIT would let old segments into a new connection
            if (state !== State.TimeWait) challengeAck(t, c, now)
        } else {
            let error: TcpError = TcpError.Reset
            if (state === State.SynReceived) error = TcpError.Refused
            // CLOSING and LAST-ACK: both peers have sent their FIN
            if (state >= State.Closing) error = TcpError.None
            failConnection(t, c, error, now)
        }
        return
    }
    // Third, security: RFC 9293 appendix A.1, not implemented by any stack Fourth, check the SYN bit: RFC 5961 section 4.2
    if (control & Flag.Syn) {
        drop(t, Counter.TcpUnexpectedSyn, now)
        challengeAck(t, c, now)
        return
    }
    // Fifth, check the ACK field: "if the ACK bit is off, drop the segment"
    drop(t, Counter.TcpNoAck, now)
}

/**
 * Handles an ACK for `acked` sequence numbers in flight, 1 or more: frees their space in the send ring, opens the congestion
 * window, measures the round-trip time and sets the timer. Returns true when they include our FIN.
 */
function acknowledge(
    t: TcpContext,
    c: Connection,
    acknowledgment: number,
    acked: number,
    sndMax: number,
    echo: number,
    sacked: boolean,
    now: number
): boolean {
    const connOptions = c.getAt(Tcb.Options, "u8")
    let finAcked = false
    let bytes = acked
    const queued = c.getAt(Tcb.SendLength, "u16")
    if (bytes > queued) {
        // the ACK covers more than the queued data, so it acknowledges our FIN
        finAcked = true
        bytes = queued
    }
    if (bytes > 0) {
        let head = c.getAt(Tcb.SendHead, "u16") + bytes
        if (head >= t.sendSize) head -= t.sendSize
        c.setAt(Tcb.SendHead, "u16", head)
        c.setAt(Tcb.SendLength, "u16", queued - bytes)
    }
    c.setAt(Tcb.SndUna, "i32", acknowledgment)
    if (((c.getAt(Tcb.SndNxt, "i32") - acknowledgment) | 0) < 0) {
        c.setAt(Tcb.SndNxt, "i32", acknowledgment)
    }
    const troubled = FAST_RETRANSMIT
        ? c.getAt(Tcb.Recover, "u16") > 0 || c.getAt(Tcb.ScaleDups, "u8") > 15
        : false
    if (FAST_RETRANSMIT ? !troubled || !continueRecovery(t, c, acked, sacked) : true) {
        // RFC 5681 section 3.1: slow start below ssthresh, above it one segment per window
        const cwnd = c.getAt(Tcb.Cwnd, "u16")
        const mss = c.getAt(Tcb.Mss, "u16")
        let more = bytes < mss ? bytes : mss
        if (cwnd >= c.getAt(Tcb.Ssthresh, "u16")) {
            more = Math.idiv(mss * mss, cwnd)
            if (more === 0) more = 1
        }
        // a store above 65,535 is clamped to it
        c.setAt(Tcb.Cwnd, "u16", cwnd + more)
    }
    let sendFlags = c.getAt(Tcb.SendFlags, "u8") & ~(SendFlag.SoftError | SendFlag.Probe)
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) {
        // RFC 7323 section 4.1. With few segments in flight, each may be measured (appendix G)
        if (echo !== 0) roundTrip(t, c, (now + (c.getAt(Tcb.TsOffset, "u16") << 16) - echo) | 0)
        // a segment without a timestamp measures nothing, but one that was sent only once ends the backoff (Karn)
        else if (c.getAt(Tcb.Retries, "u8") === 0) computeRto(t, c)
    } else if (sendFlags & SendFlag.Timing && ((acknowledgment - c.getAt(Tcb.RttSeq, "i32")) | 0) >= 0) {
        sendFlags &= ~SendFlag.Timing
        roundTrip(t, c, (now - c.getAt(Tcb.RttStart, "u16")) & 0xffff)
    }
    c.setAt(Tcb.SendFlags, "u8", sendFlags)
    c.setAt(Tcb.Retries, "u8", 0)
    // RFC 6298 (5.2), (5.3)
    if (acknowledgment === sndMax) {
        c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Timer)
    } else {
        c.setAt(Tcb.Progress, "i32", now)
        armRto(t, c, now)
    }
    return finAcked
}

/**
 * Updates the peer's window from a segment, unless the segment is older than the one that last set it. Returns true when the window
 * is larger than before.
 */
function updateWindow(t: TcpContext, c: Connection, sequence: number, window: number, now: number): boolean {
    const before = c.getAt(Tcb.SndWnd, "u16")
    if (((sequence - c.getAt(Tcb.SndWl1, "i32")) | 0) < 0) window = before
    else {
        c.setAt(Tcb.SndWnd, "u16", window)
        if (window > c.getAt(Tcb.MaxSndWnd, "u16")) c.setAt(Tcb.MaxSndWnd, "u16", window)
        c.setAt(Tcb.SndWl1, "i32", sequence)
        if (window > before) {
            if (before === 0) {
                if (c.getAt(Tcb.Retries, "u8") > 0) endProbing(t, c)
            }
        }
    }
    // A peer that keeps its window shut but answers is alive (section 3.8.6.1, MUST-37). After the program's close such a peer
    // could hold the record forever, so R2 ends the connection (RFC 6429)
    if (window === 0) {
        if (!(c.getAt(Tcb.Flags, "u8") & ConnFlag.ReadClosed)) {
            c.setAt(Tcb.Progress, "i32", now)
        }
    }
    return window > before
}

/** Ends the probing of a window that has opened (section 3.8.6.1): the connection sends at once, and no longer backs off. */
function endProbing(t: TcpContext, c: Connection): void {
    c.setAt(Tcb.Retries, "u8", 0)
    c.setAt(Tcb.SndNxt, "i32", c.getAt(Tcb.SndUna, "i32"))
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    // the probe is sent again: its round trip is not measured (Karn)
    c.setAt(Tcb.SendFlags, "u8", sendFlags & ~(SendFlag.Timing | SendFlag.Probe))
    computeRto(t, c)
    stopTimer(c)
}

/** Moves a connection whose FIN was acknowledged to its next state, and returns that. */
function finAcknowledged(t: TcpContext, c: Connection, state: State, now: number): State {
    if (state === State.FinWait1) {
        setState(t, c, State.FinWait2, now)
        if (c.getAt(Tcb.Flags, "u8") & ConnFlag.ReadClosed) armTimer(t, c, now, t.config.finWait2)
        return State.FinWait2
    }
    if (state === State.Closing) {
        setState(t, c, State.TimeWait, now)
        armTimer(t, c, now, t.config.timeWait)
        return State.TimeWait
    }
    if (state !== State.LastAck) return state
    failConnection(t, c, TcpError.None, now)
    return State.Closed
}

/** Restarts the time to the next keep-alive probe, because the peer sent a segment, unless data is in flight. */
function heard(t: TcpContext, c: Connection, now: number): void {
    if (!isIdle(c)) return
    c.setAt(Tcb.Retries, "u8", 0)
    armTimer(t, c, now, t.config.keepAliveIdle)
}
