// Congestion control: the initial window (RFC 6928), slow start and congestion avoidance (RFC 5681), fast retransmit and fast
// recovery by NewReno (RFC 6582), early retransmit (RFC 5827), with SACK (RFC 2018) if the peer reports what is missing.
//
// No scoreboard is kept: the send ring holds a few segments, and the blocks of a single ACK report all of them.

import { FAST_RETRANSMIT, SACK } from "../features"
import { ParsedOptions } from "../wire/tcp"
import type { Connection, TcpContext } from "./context"
import { SendFlag, Tcb } from "./records"
import { evenSegment } from "./segment-size"
import { setDue } from "./state"

const enum Figure {
    /** RFC 6928 section 2. */
    InitialSegments = 10,
    InitialBytes = 14600,
    /** RFC 5681 section 3.2. */
    DuplicateAcks = 3,
}

/** Duplicate ACKs are counted in the upper four bits of Tcb.ScaleDups. */
const enum Dups {
    One = 0x10,
    Most = 0xf0,
    Scale = 0x0f,
}

/** Returns the initial window IW of RFC 6928: min(10 * MSS, max(2 * MSS, 14600)). */
export function initialWindow(mss: number): number {
    return Math.min(Figure.InitialSegments * mss, Math.max(2 * mss, Figure.InitialBytes))
}

/** Counts a duplicate ACK; the third begins fast recovery. `sacked`: the ACK's SACK blocks are in `t.segment`. */
export function duplicateAck(t: TcpContext, c: Connection, sacked: boolean): void {
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    const mss = c.getAt(Tcb.Mss, "u16")
    let scaleDups = c.getAt(Tcb.ScaleDups, "u8")
    if (scaleDups < Dups.Most) scaleDups += Dups.One
    c.setAt(Tcb.ScaleDups, "u8", scaleDups)
    // a segment has left the network: another may be sent (before the third duplicate by RFC 3042)
    setDue(t, c, 0)
    if (sendFlags & SendFlag.Recovery) {
        // RFC 6582 section 3.2, step 4
        c.setAt(Tcb.Cwnd, "u16", c.getAt(Tcb.Cwnd, "u16") + mss)
        if (SACK ? sacked : false) nextHole(t, c)
        return
    }
    const flight = (c.getAt(Tcb.SndMax, "i32") - c.getAt(Tcb.SndUna, "i32")) | 0
    const queued = c.getAt(Tcb.SendLength, "u16")
    let threshold: number = Figure.DuplicateAcks
    if (flight >= queued || flight >= c.getAt(Tcb.SndWnd, "u16")) {
        // early retransmit (RFC 5827 section 2.1): nothing new can be sent, so of two or three segments in flight only one or
        // two can cause a duplicate ACK
        const size = queued < t.sendSize ? mss : evenSegment(t, mss)
        if (flight > size) {
            if (flight <= 2 * size) threshold = 1
            else if (flight <= 3 * size) threshold = 2
        }
    }
    // step 2: only one fast retransmit for the data that was sent before the last loss
    if (scaleDups >> 4 !== threshold || c.getAt(Tcb.Recover, "u16") > 0) return
    // data that limited transmit has sent beyond cwnd does not count (RFC 5681 section 3.2, step 2, MUST NOT)
    const cwnd = c.getAt(Tcb.Cwnd, "u16")
    halve(c, Math.min(flight, cwnd))
    c.setAt(Tcb.Cwnd, "u16", c.getAt(Tcb.Ssthresh, "u16") + threshold * mss)
    c.setAt(Tcb.Recover, "u16", flight + 1)
    c.setAt(Tcb.RtxAt, "u16", 0)
    c.setAt(Tcb.RtxEnd, "u16", Math.min(flight, mss))
    // data that is sent again is not timed (Karn)
    c.setAt(Tcb.SendFlags, "u8", (sendFlags & ~SendFlag.Timing) | SendFlag.Recovery | SendFlag.Resend)
    if (SACK ? sacked : false) nextHole(t, c)
}

/**
 * Returns true when an ACK with the SACK blocks in `t.segment` is a duplicate ACK: a block reports data above SND.UNA (data that
 * arrived twice is reported below it, RFC 2883), and the ACK is `plain` (RFC 5681 section 2) or that data is newly reported. The
 * first such block has the data that arrived last (RFC 2018 section 4).
 */
export function reportsGap(t: TcpContext, c: Connection, acked: number, plain: boolean): boolean {
    const sndUna = c.getAt(Tcb.SndUna, "i32")
    const blocks = ParsedOptions.Sack + 8 * t.segment.getAt(ParsedOptions.SackBlocks, "u8")
    for (let b: number = ParsedOptions.Sack; b < blocks; b += 8) {
        const start = (t.segment.getAt(b, "i32") - sndUna) | 0
        if (start <= 0) continue
        // in recovery, an ACK for new data is handled by `continueRecovery`
        if (c.getAt(Tcb.SendFlags, "u8") & SendFlag.Recovery) return acked === 0
        const end = t.segment.getAt(b + 4, "i32")
        // a block has grown, or is another one, when its middle is not the one before
        const middle = (start + end - sndUna) & 0xffff
        const fresh = c.getAt(Tcb.ScaleDups, "u8") <= Dups.Scale || middle !== c.getAt(Tcb.SackMiddle, "u16")
        c.setAt(Tcb.SackMiddle, "u16", middle)
        return plain || (fresh && ((end - c.getAt(Tcb.SndMax, "i32")) | 0) <= 0)
    }
    return false
}

/**
 * Handles an ACK for `acked` sequence numbers after duplicate ACKs or a loss: RFC 6582 section 3.2, step 3. `sacked` as for
 * `duplicateAck`. Returns false outside of fast recovery, where the congestion window grows as usual.
 */
export function continueRecovery(t: TcpContext, c: Connection, acked: number, sacked: boolean): boolean {
    const mss = c.getAt(Tcb.Mss, "u16")
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    const left = Math.max(c.getAt(Tcb.Recover, "u16") - acked, 0)
    c.setAt(Tcb.Recover, "u16", left)
    c.setAt(Tcb.ScaleDups, "u8", c.getAt(Tcb.ScaleDups, "u8") & Dups.Scale)
    if (!(sendFlags & SendFlag.Recovery)) return false
    const flight = (c.getAt(Tcb.SndMax, "i32") - c.getAt(Tcb.SndUna, "i32")) | 0
    if (left <= 1) {
        // a full acknowledgment: all data that was sent before the loss has arrived
        const most = Math.max(flight, mss) + mss
        c.setAt(Tcb.Cwnd, "u16", Math.min(c.getAt(Tcb.Ssthresh, "u16"), most))
        c.setAt(Tcb.SendFlags, "u8", sendFlags & ~(SendFlag.Recovery | SendFlag.Resend))
        return true
    }
    // a partial acknowledgment: the data after it was lost, too
    let cwnd = c.getAt(Tcb.Cwnd, "u16") - acked
    if (acked >= mss) cwnd += mss
    c.setAt(Tcb.Cwnd, "u16", Math.max(cwnd, mss))
    const done = Math.max(c.getAt(Tcb.RtxAt, "u16") - acked, 0)
    if (SACK ? sacked : false) {
        // where the blocks report nothing missing, nothing is sent again
        c.setAt(Tcb.RtxAt, "u16", done)
        c.setAt(Tcb.RtxEnd, "u16", done)
        c.setAt(Tcb.SendFlags, "u8", sendFlags & ~SendFlag.Resend)
        nextHole(t, c)
        if (done > 0 || c.getAt(Tcb.SendFlags, "u8") & SendFlag.Resend) return true
    }
    c.setAt(Tcb.RtxAt, "u16", 0)
    c.setAt(Tcb.RtxEnd, "u16", Math.min(flight, mss))
    c.setAt(Tcb.SendFlags, "u8", sendFlags | SendFlag.Resend)
    return true
}

/** Handles a retransmission timeout: RFC 5681 section 3.1, RFC 6582 section 4. `first`: it is the first one of this segment. */
export function timedOut(c: Connection, first: boolean): void {
    const flight = (c.getAt(Tcb.SndMax, "i32") - c.getAt(Tcb.SndUna, "i32")) | 0
    if (first) halve(c, flight)
    c.setAt(Tcb.Cwnd, "u16", c.getAt(Tcb.Mss, "u16"))
    if (!FAST_RETRANSMIT) return
    c.setAt(Tcb.Recover, "u16", flight + 1)
    c.setAt(Tcb.ScaleDups, "u8", c.getAt(Tcb.ScaleDups, "u8") & Dups.Scale)
    // forgets what SACK reported, too: the peer may have dropped that data (RFC 2018 section 8)
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") & ~(SendFlag.Recovery | SendFlag.Resend))
}

/** Sets ssthresh to half of the bytes in flight, or two segments if that is more: RFC 5681, equation 4. */
function halve(c: Connection, flight: number): void {
    c.setAt(Tcb.Ssthresh, "u16", Math.max(flight >> 1, 2 * c.getAt(Tcb.Mss, "u16")))
}

/** Sets the congestion window to the restart window, after nothing was sent for longer than an RTO: RFC 5681 section 4.1. */
export function restartAfterIdle(c: Connection): void {
    const window = initialWindow(c.getAt(Tcb.Mss, "u16"))
    if (c.getAt(Tcb.Cwnd, "u16") > window) c.setAt(Tcb.Cwnd, "u16", window)
}

/**
 * Marks the data to send again next: what the SACK blocks in `t.segment` report as missing, from Tcb.RtxAt on and below the
 * highest byte received. Ignores blocks outside of what is in flight (RFC 2883 sends such blocks).
 */
function nextHole(t: TcpContext, c: Connection): void {
    const options = t.segment
    const sndUna = c.getAt(Tcb.SndUna, "i32")
    const flight = (c.getAt(Tcb.SndMax, "i32") - sndUna) | 0
    const blocks = ParsedOptions.Sack + 8 * options.getAt(ParsedOptions.SackBlocks, "u8")
    let at = c.getAt(Tcb.RtxAt, "u16")
    let high = 0
    // a block may begin where another ends: there are as many rounds as blocks
    for (let round: number = ParsedOptions.Sack; round < blocks; round += 8) {
        for (let b: number = ParsedOptions.Sack; b < blocks; b += 8) {
            const start = (options.getAt(b, "i32") - sndUna) | 0
            const end = (options.getAt(b + 4, "i32") - sndUna) | 0
            if (start < 0 || end <= start || end > flight) continue
            if (start <= at) {
                if (end > at) at = end
            }
            if (end > high) high = end
        }
    }
    if (at >= high) return
    let hole = high
    for (let b: number = ParsedOptions.Sack; b < blocks; b += 8) {
        const start = (options.getAt(b, "i32") - sndUna) | 0
        if (start > at) {
            if (start < hole) hole = start
        }
    }
    c.setAt(Tcb.RtxAt, "u16", at)
    c.setAt(Tcb.RtxEnd, "u16", hole)
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") | SendFlag.Resend)
}
