// RFC 9293 section 3.10.7.4: a segment arrives for a connection in SYN-RECEIVED or a synchronized state.
//
// The path of every segment: it is flat on purpose, in the RFC's order, one function.

import { readI32 } from "../base/bytes"
import { Counter } from "../base/counters"
import { DELAYED_ACKS, FAST_RETRANSMIT, KEEP_ALIVE, REASSEMBLY, SACK, TIMESTAMPS } from "../features"
import { Flag, OptionBit, Options, parseOptions, Tcp, TimestampsOnly } from "../wire/tcp"
import { challengeAck } from "./challenge-ack"
import { duplicateAck, recover, tellsOfGap } from "./congestion"
import type { TcpContext } from "./context"
import { established } from "./opened"
import { dropAhead, farthestEnd, fillGap, keepAhead } from "./reassembly"
import { Ahead, ConnFlag, ConnOption, Seg, SendFlag, State, Tcb, TcpError } from "./records"
import { answerReset } from "./reply"
import { count, drop } from "./report"
import { computeRto, roundTrip } from "./rtt"
import { armRto, armTimer, closed, isIdle, reset, setDue, setState, stopTimer } from "./state"

/** How old TS.Recent may be, in units of 2^16 ms: RFC 7323 section 5.5, 24 days. */
const enum Age {
    Most = 31640,
}

/** What a program has to read what came, before its ACK goes without. */
const enum Moment {
    Ms = 2,
}

/** Handles the segment in `t.segment` for the connection `c`. */
export function segmentArrives(t: TcpContext, c: number, now: number): void {
    const conns = t.conns
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const acknowledgment = segment.getAt(Seg.Acknowledgment, "i32")
    let control = segment.getAt(Seg.Control, "u8")
    let at = segment.getAt(Seg.DataAt, "u16")
    let length = segment.getAt(Seg.Length, "u16")
    let segmentLength = segment.getAt(Seg.Space, "u16")
    let state = conns.getAt(c + Tcb.State, "u8")
    let flags = conns.getAt(c + Tcb.Flags, "u8")
    const connOptions = conns.getAt(c + Tcb.Options, "u8")
    const rcvNxt = conns.getAt(c + Tcb.RcvNxt, "i32")
    const room = conns.getAt(c + Tcb.RcvWnd, "u16")
    let offset = (sequence - rcvNxt) | 0

    // The options, if there are any and they mean something
    let echo = 0
    let sacked = false
    let stamp = 0
    let stamped = false
    const options = segment.getAt(Seg.At, "u16") + Tcp.Size
    if (TIMESTAMPS ? options < at : SACK ? options < at : false) {
        if (connOptions & (ConnOption.Timestamps | ConnOption.Sack)) {
            if (
                TIMESTAMPS
                    ? at - options === TimestampsOnly.Size &&
                      t.rx.getAt(options, "i32") === TimestampsOnly.Start
                    : false
            ) {
                // what RFC 7323 appendix A recommends, and nearly all segments of most peers have
                stamped = true
                stamp = readI32(t.rx, options + 4)
                echo = readI32(t.rx, options + 8)
            } else {
                parseOptions(t.rx, options, at, t.options)
                const present = t.options.getAt(Options.Present, "u8")
                if (TIMESTAMPS) {
                    stamped = (present & OptionBit.Timestamps) !== 0
                    stamp = t.options.getAt(Options.TimestampValue, "i32")
                    echo = t.options.getAt(Options.TimestampEcho, "i32")
                }
                if (SACK) sacked = (present & OptionBit.Sack) !== 0 && (connOptions & ConnOption.Sack) !== 0
            }
        }
    }

    // Figure 7, line 6: in a simultaneous open the SYN of the peer's SYN,ACK is the one already taken
    if (state === State.SynReceived) {
        if (offset === -1) {
            if ((control & (Flag.Syn | Flag.Ack | Flag.Rst)) === (Flag.Syn | Flag.Ack)) {
                control &= ~Flag.Syn
                segmentLength--
                offset = 0
            }
        }
    }

    // First, check sequence number: RFC 7323 section 5.3 (R1), then table 6. By its letter text that reaches beyond both ends
    // of the window is not acceptable, and a FIN right behind it neither: what can be taken of these is, as everywhere
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) {
        if (!(control & Flag.Rst)) {
            if (!stamped) {
                // Section 3.2 would have it dropped silently. The field sends such: keep-alives and probes of lwIP and Windows, and
                // all behind a middlebox that strips options. The checks of RFC 5961 below guard it
                count(t, Counter.TcpUnstamped)
            } else if (
                ((stamp - conns.getAt(c + Tcb.TsRecent, "i32")) | 0) < 0 &&
                (((now >> 16) - conns.getAt(c + Tcb.TsAge, "u16")) & 0xffff) < Age.Most
            ) {
                drop(t, Counter.TcpPaws, now)
                if (segmentLength === 0 || control & Flag.Syn) challengeAck(t, c, now)
                else setDue(t, c, ConnFlag.AckNow)
                return
            }
        }
    }
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
            // two ends that disagree would answer each other's ACKs for ever
            if (segmentLength === 0) challengeAck(t, c, now)
            else setDue(t, c, ConnFlag.AckNow)
            // TIME-WAIT: "acknowledge it, and restart the 2 MSL timeout", when it is the peer's FIN again
            if (state === State.TimeWait) {
                if (control & Flag.Fin) {
                    if (offset + segmentLength === 0) {
                        armTimer(t, c, now, t.config.timeWait)
                    }
                }
            }
        }
        // "drop the unacceptable segment and return". But a pure ACK at the right edge counts: it is from a peer whose text
        // filled the window and was lost, and two that refuse each other's so wait for ever (A.2; test/tcp/right-edge.test.ts)
        if (segmentLength > 0 || offset !== room || control & Flag.Rst || state === State.SynReceived) return
    }
    // Second, check the RST bit: RFC 5961 section 3.2, only the exact sequence number resets
    if (control & Flag.Rst) {
        if (state === State.TimeWait) {
            // RFC 1337: it would let old segments into a new connection
            drop(t, Counter.TcpBadReset, now)
        } else if (offset !== 0) {
            drop(t, Counter.TcpBadReset, now)
            challengeAck(t, c, now)
        } else if (state === State.SynReceived) {
            closed(t, c, TcpError.Refused, now)
        } else if (state === State.Closing || state === State.LastAck) {
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
    const sndMax = conns.getAt(c + Tcb.SndMax, "i32")
    let acked = (acknowledgment - sndUna) | 0
    if (state === State.SynReceived) {
        if (acked <= 0 || ((acknowledgment - sndMax) | 0) > 0) {
            drop(t, Counter.TcpBadAck, now)
            answerReset(t, now)
            return
        }
        state = established(t, c, acknowledgment, now)
        flags = conns.getAt(c + Tcb.Flags, "u8")
        // A SYN that was taken before is below the window and to be acknowledged, by the letter: a peer that goes by the
        // letter too has no other way out of SYN-RECEIVED
        if (offset === 0) {
            if (sequence !== rcvNxt) setDue(t, c, ConnFlag.AckNow)
        }
        // so that the window of this segment is taken below
        conns.setAt(c + Tcb.SndWl1, "i32", (sequence - 1) | 0)
        acked = 0
    } else if (
        ((acknowledgment - sndMax) | 0) > 0 ||
        (acked < 0 && acked + conns.getAt(c + Tcb.MaxSndWnd, "u16") < 0)
    ) {
        // it acknowledges what was not sent yet, or is older than RFC 5961 section 5.2 allows
        drop(t, Counter.TcpBadAck, now)
        challengeAck(t, c, now)
        return
    }

    if (TIMESTAMPS ? stamped : false) {
        if (connOptions & ConnOption.Timestamps) {
            if (offset <= 0) {
                // RFC 7323 section 4.3 (2): it starts at or before Last.ACK.sent, which is RCV.NXT while no acknowledgment is owed.
                // Here, as the ACK shows that it is no guess: a forged one from the future would have PAWS drop all that follows
                if (!(flags & (ConnFlag.AckNow | ConnFlag.AckDelayed))) {
                    conns.setAt(c + Tcb.TsRecent, "i32", stamp)
                    conns.setAt(c + Tcb.TsAge, "u16", (now >> 16) & 0xffff)
                }
            }
        }
    }

    // no larger than our send ring can be
    let window = segment.getAt(Seg.Window, "u16") << (conns.getAt(c + Tcb.ScaleDups, "u8") & 15)
    if (window > 0xffff) window = 0xffff

    let finAcked = false
    if (acked > 0) {
        flags = conns.getAt(c + Tcb.Flags, "u8")
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
        }
        conns.setAt(c + Tcb.SndUna, "i32", acknowledgment)
        if (((conns.getAt(c + Tcb.SndNxt, "i32") - acknowledgment) | 0) < 0) {
            conns.setAt(c + Tcb.SndNxt, "i32", acknowledgment)
        }
        const troubled = FAST_RETRANSMIT
            ? conns.getAt(c + Tcb.Recover, "u16") > 0 || conns.getAt(c + Tcb.ScaleDups, "u8") > 15
            : false
        if (FAST_RETRANSMIT ? !troubled || !recover(t, c, acked, sacked) : true) {
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
        let sendFlags = conns.getAt(c + Tcb.SendFlags, "u8") & ~(SendFlag.SoftError | SendFlag.Probe)
        if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) {
            // RFC 7323 section 4.1. With a few segments in flight every one may be measured (appendix G)
            if (echo !== 0) roundTrip(t, c, (now + (conns.getAt(c + Tcb.TsOffset, "u16") << 16) - echo) | 0)
            // without one nothing is measured: what was sent once ends the backoff (Karn)
            else if (conns.getAt(c + Tcb.Retries, "u8") === 0) computeRto(t, c)
        } else if (
            sendFlags & SendFlag.Timing &&
            ((acknowledgment - conns.getAt(c + Tcb.RttSeq, "i32")) | 0) >= 0
        ) {
            sendFlags &= ~SendFlag.Timing
            roundTrip(t, c, (now - conns.getAt(c + Tcb.RttStart, "u16")) & 0xffff)
        }
        conns.setAt(c + Tcb.SendFlags, "u8", sendFlags)
        conns.setAt(c + Tcb.Retries, "u8", 0)
        // RFC 6298 (5.2), (5.3)
        if (acknowledgment === sndMax) {
            flags &= ~ConnFlag.Timer
            conns.setAt(c + Tcb.Flags, "u8", flags)
        } else {
            conns.setAt(c + Tcb.Progress, "i32", now)
            armRto(t, c, now)
        }
        setDue(t, c, 0)
    }
    // RFC 5681 section 2: a duplicate brings nothing and tells of no other window. With SACK blocks that tell of something new it is
    // one whatever else it brings (RFC 6675 section 2)
    if (FAST_RETRANSMIT ? acknowledgment !== sndMax : false) {
        if (sacked ? acked >= 0 : acked === 0) {
            const bare = acked === 0 && length === 0 && !(control & Flag.Fin) && window > 0
            const plain = bare && window === conns.getAt(c + Tcb.SndWnd, "u16")
            if (SACK && sacked ? tellsOfGap(t, c, acked, plain) : plain) duplicateAck(t, c, sacked)
        }
    }
    if (acked >= 0) {
        // SND.WL2 =< SEG.ACK holds with this
        if (((sequence - conns.getAt(c + Tcb.SndWl1, "i32")) | 0) >= 0) {
            const before = conns.getAt(c + Tcb.SndWnd, "u16")
            conns.setAt(c + Tcb.SndWnd, "u16", window)
            if (window > conns.getAt(c + Tcb.MaxSndWnd, "u16")) conns.setAt(c + Tcb.MaxSndWnd, "u16", window)
            conns.setAt(c + Tcb.SndWl1, "i32", sequence)
            if (window > before) {
                if (before === 0) {
                    if (conns.getAt(c + Tcb.Retries, "u8") > 0) {
                        // what was probed for (section 3.8.6.1): send at once, and no longer back off
                        conns.setAt(c + Tcb.Retries, "u8", 0)
                        conns.setAt(c + Tcb.SndNxt, "i32", conns.getAt(c + Tcb.SndUna, "i32"))
                        const sendFlags = conns.getAt(c + Tcb.SendFlags, "u8")
                        // the probe goes again: its round trip is not measured (Karn)
                        conns.setAt(c + Tcb.SendFlags, "u8", sendFlags & ~(SendFlag.Timing | SendFlag.Probe))
                        computeRto(t, c)
                        stopTimer(t, c)
                    }
                }
                setDue(t, c, 0)
            }
        }
        // A peer that keeps its window shut but answers is alive (section 3.8.6.1, MUST-37). Where the program has closed,
        // it would hold the record for as long as it likes: R2 ends that (RFC 6429)
        if (conns.getAt(c + Tcb.SndWnd, "u16") === 0) {
            if (!(conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.ReadClosed)) {
                conns.setAt(c + Tcb.Progress, "i32", now)
            }
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
    if (KEEP_ALIVE ? connOptions & ConnOption.KeepAlive : 0) heard(t, c, now)

    // Sixth, check the URG bit: RFC 6093, urgent data is data like any other
    // Seventh, process the segment text
    if (length === 0) {
        if (!(control & Flag.Fin)) return
    }
    if (offset < 0) {
        at -= offset
        length += offset
        offset = 0
    }
    if (state !== State.Established) {
        if (state !== State.FinWait1) {
            if (state !== State.FinWait2) {
                // "This should not occur since a FIN has been received from the remote side"
                drop(t, Counter.TcpAfterFin, now)
                setDue(t, c, ConnFlag.AckNow)
                return
            }
        }
    }
    if (length > 0) {
        if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.ReadClosed) {
            // section 3.6.1 (SHLD-3): data for a program that is gone is answered by a reset
            reset(t, c, TcpError.None, now)
            return
        }
    }
    if (offset + length > room) {
        length = room - offset
        control &= ~Flag.Fin
    }
    if (offset > 0) {
        // RFC 5681 section 4.2: what is out of order is acknowledged at once
        setDue(t, c, ConnFlag.AckNow)
        if (length === 0) {
            if (!(control & Flag.Fin)) return
        }
        if (REASSEMBLY ? keepAhead(t, c, offset, at, length, control & Flag.Fin) : false)
            count(t, Counter.Reordered)
        else drop(t, Counter.TcpOutOfOrder, now)
        return
    }
    const gap = REASSEMBLY ? conns.getAt(c + Tcb.Ahead + Ahead.End, "u16") > 0 : false
    if (REASSEMBLY) {
        // where the FIN has come, so has all before it, and nothing follows
        if (gap && control & Flag.Fin) dropAhead(t, c)
        else if (gap && connOptions & ConnOption.FinAhead) {
            const fin = farthestEnd(t, c) - 1
            if (length > fin) length = fin
        }
    }
    if (length > 0) {
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
        if (REASSEMBLY ? gap : false) {
            if (!(control & Flag.Fin)) {
                length = fillGap(t, c, length)
                if (connOptions & ConnOption.FinAhead) {
                    if (conns.getAt(c + Tcb.Ahead + Ahead.End, "u16") === 0) {
                        conns.setAt(c + Tcb.Options, "u8", connOptions & ~ConnOption.FinAhead)
                        length--
                        control |= Flag.Fin
                    }
                }
            }
        }
        const left = room - length
        conns.setAt(c + Tcb.ReceiveLength, "u16", queued + length)
        conns.setAt(c + Tcb.RcvNxt, "i32", (rcvNxt + length) | 0)
        conns.setAt(c + Tcb.RcvWnd, "u16", left)
        // Section 3.8.6.3: every second segment. When the peer has used half of the window it may have to wait: the program has a
        // moment to read, so that one ACK tells of the text and of the room. So it has when a quarter of a window or more comes
        // behind two segments: what a window of three still holds is what the peer waits for
        flags = conns.getAt(c + Tcb.Flags, "u8")
        const wait = DELAYED_ACKS ? t.config.delayedAck : 0
        if (DELAYED_ACKS ? gap || flags & ConnFlag.AckDelayed || wait === 0 : true) {
            conns.setAt(c + Tcb.Flags, "u8", flags | ConnFlag.AckNow | ConnFlag.Due)
            t.dirty = true
            if (DELAYED_ACKS ? !gap : false) conns.setAt(c + Tcb.Bulk, "u16", 1)
        } else {
            const limit = conns.getAt(c + Tcb.ReceiveLimit, "u16")
            let deadline = (now + wait) | 0
            if (left < limit >> 1 || (conns.getAt(c + Tcb.Bulk, "u16") && length >= limit >> 2)) {
                if (wait > Moment.Ms) deadline = (now + Moment.Ms) | 0
            }
            conns.setAt(c + Tcb.Flags, "u8", flags | ConnFlag.AckDelayed)
            conns.setAt(c + Tcb.AckAt, "u16", deadline & 0xffff)
            // noteTimer, without a call
            if (!t.timerArmed || ((deadline - t.nextTimer) | 0) < 0) {
                t.timerArmed = true
                t.nextTimer = deadline
            }
        }
    }

    // Eighth, check the FIN bit
    if (control & Flag.Fin) {
        setDue(t, c, ConnFlag.AckNow)
        conns.setAt(c + Tcb.RcvNxt, "i32", (rcvNxt + length + 1) | 0)
        // a store below 0 is clamped to it
        conns.setAt(c + Tcb.RcvWnd, "u16", room - length - 1)
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

/** Keep-alive: the peer is there, and with nothing in flight the time to the next probe begins anew. */
function heard(t: TcpContext, c: number, now: number): void {
    if (!isIdle(t, c)) return
    t.conns.setAt(c + Tcb.Retries, "u8", 0)
    armTimer(t, c, now, t.config.keepAliveIdle)
}
