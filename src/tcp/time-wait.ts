// TIME-WAIT of a connection that no program holds: only a record of 24 bytes is left of it (RFC 9293 section 3.6.1).
//
// The record keeps what the state is for: the peer's FIN is acknowledged when it arrives again, old segments are recognized and
// ignored (RFC 1337), and a new connection between the same two ports starts above the old one's sequence numbers (RFC 6191).

import { Counter } from "../base/counters"
import { PASSIVE_OPENS, TIMESTAMPS } from "../features"
import { Flag, ParsedOptions, Tcp, writeTimestamps } from "../wire/tcp"
import { mayChallengeWait } from "./challenge-ack"
import { type Connection, Frame, Reopened, type TcpContext } from "./context"
import { isStamped } from "./options"
import { ConnOption, Seg, State, Tcb, TcpError, TimeWaitRecord, WaitFlag } from "./records"
import { mayReply, reply, spaceOf, writeSegment } from "./reply"
import { count, drop, traceState } from "./report"
import { timestampAt } from "./secret-numbers"
import { isAcceptable } from "./segment-arrives"
import { failConnection, freeClosed, noteTimer } from "./state"

/** Returns the milliseconds until a record's deadline; below 0 after it. */
function remaining(t: TcpContext, w: number, now: number): number {
    const deadline =
        (t.waits.getAt(w + TimeWaitRecord.Deadline, "u16") & ~WaitFlag.Challenged) << TimeWaitRecord.Shift
    // the field lacks the time's upper bits: a deadline is recognized within 262 s to either side of now, and 2 MSL is less
    const missing = 16 - TimeWaitRecord.Shift
    return ((deadline - now) << missing) >> missing
}

/** Sets the deadline of a record to `ms` from now, or up to 15 ms later. */
function setDeadline(t: TcpContext, w: number, now: number, ms: number): void {
    const deadline = (now + ms + 15) & ~15
    const flags = t.waits.getAt(w + TimeWaitRecord.Deadline, "u16") & WaitFlag.Challenged
    t.waits.setAt(w + TimeWaitRecord.Deadline, "u16", ((deadline >> TimeWaitRecord.Shift) & 0xffff) | flags)
    noteTimer(t, deadline | 0)
}

/**
 * Moves the connection `c`, which is in TIME-WAIT, has nothing to send and is held by no program, to a record of TIME-WAIT with
 * the same id and deadline, and frees the larger record. No event is recorded: the connection is still in TIME-WAIT.
 */
export function toWait(t: TcpContext, c: Connection, now: number): void {
    if (t.waits.length === 0) {
        failConnection(t, c, TcpError.None, now)
        return
    }
    const waits = t.waits
    const w = takeWait(t, now)
    waits.setAt(w + TimeWaitRecord.Ports, "i32", c.getAt(Tcb.Ports, "i32"))
    waits.setAt(w + TimeWaitRecord.RemoteIp, "i32", c.getAt(Tcb.RemoteIp, "i32"))
    waits.setAt(w + TimeWaitRecord.SndNxt, "i32", c.getAt(Tcb.SndMax, "i32"))
    waits.setAt(w + TimeWaitRecord.RcvNxt, "i32", c.getAt(Tcb.RcvNxt, "i32"))
    waits.setAt(w + TimeWaitRecord.Id, "u16", c.getAt(Tcb.Id, "u16"))
    let stamp = 0
    if (TIMESTAMPS ? c.getAt(Tcb.Options, "u8") & ConnOption.Timestamps : 0) {
        // 0 means that the connection had no timestamps. 1 in place of 0 is safe: at worst a segment is mistaken for an old one
        stamp = c.getAt(Tcb.TsRecent, "i32") || 1
    }
    waits.setAt(w + TimeWaitRecord.TsRecent, "i32", stamp)
    waits.setAt(w + TimeWaitRecord.Deadline, "u16", 0)
    setDeadline(t, w, now, (c.getAt(Tcb.Deadline, "i32") - now) | 0)
    c.setAt(Tcb.State, "u8", State.Closed)
    c.setAt(Tcb.Flags, "u8", 0)
    c.setAt(Tcb.SendFlags, "u8", 0)
    freeClosed(t, c)
}

/** Returns a free record. If all are taken, ends the connection whose deadline is next and returns its record. */
function takeWait(t: TcpContext, now: number): number {
    const waits = t.waits
    const end = t.waitsEnd
    let first = 0
    for (let w = 0; w < end; w += TimeWaitRecord.Size) {
        if (waits.getAt(w + TimeWaitRecord.Id, "u16") === 0) return w
        if (remaining(t, w, now) < remaining(t, first, now)) first = w
    }
    if (end < waits.length) {
        t.waitsEnd = end + TimeWaitRecord.Size
        return end
    }
    count(t, Counter.TimeWaitsFull)
    traceEnd(t, first, now)
    return first
}

/** Ends a connection in TIME-WAIT and frees its record. */
export function freeWait(t: TcpContext, w: number, now: number): void {
    const waits = t.waits
    traceEnd(t, w, now)
    waits.setAt(w + TimeWaitRecord.Id, "u16", 0)
    // searches end before the free records at the end of the table
    while (t.waitsEnd > 0 && waits.getAt(t.waitsEnd - TimeWaitRecord.Size + TimeWaitRecord.Id, "u16") === 0)
        t.waitsEnd -= TimeWaitRecord.Size
}

/** Records the event that the connection of a record has ended. */
function traceEnd(t: TcpContext, w: number, now: number): void {
    const waits = t.waits
    traceState(
        t,
        waits.getAt(w + TimeWaitRecord.Id, "u16"),
        State.TimeWait,
        State.Closed,
        waits.getAt(w + TimeWaitRecord.RemoteIp, "i32"),
        waits.getAt(w + TimeWaitRecord.Ports, "i32"),
        now
    )
}

/** Ends the connections whose 2 MSL are over, and notes when the next one ends. */
export function runWaitTimers(t: TcpContext, now: number): void {
    const waits = t.waits
    for (let w = 0; w < t.waitsEnd; w += TimeWaitRecord.Size) {
        if (waits.getAt(w + TimeWaitRecord.Id, "u16") === 0) continue
        const ms = remaining(t, w, now)
        if (ms > 0) noteTimer(t, (now + ms) | 0)
        else freeWait(t, w, now)
    }
}

/** Handles the segment in `t.segment` for the record `w`: section 3.10.7.4 in TIME-WAIT. */
export function waitArrives(t: TcpContext, w: number, now: number): void {
    const waits = t.waits
    const segment = t.segment
    const control = segment.getAt(Seg.Control, "u8")
    const rcvNxt = waits.getAt(w + TimeWaitRecord.RcvNxt, "i32")
    const sndNxt = waits.getAt(w + TimeWaitRecord.SndNxt, "i32")
    const tsRecent = waits.getAt(w + TimeWaitRecord.TsRecent, "i32")
    if (control & Flag.Rst) {
        // RFC 1337: an RST that ended TIME-WAIT would let old segments into a new connection
        drop(t, Counter.TcpBadReset, now)
        return
    }
    if (control & Flag.Syn) {
        if (PASSIVE_OPENS) {
            if (t.passive) {
                const reopened = t.passive.reopen(t, rcvNxt, tsRecent !== 0, tsRecent, sndNxt, now)
                if (reopened === Reopened.Yes) freeWait(t, w, now)
                if (reopened !== Reopened.No) return
            }
        }
        // RFC 5961 section 4.2: a SYN is handled the same whatever its sequence number
        drop(t, Counter.TcpUnexpectedSyn, now)
        answerWait(t, w, 0, now)
        return
    }
    const offset = (segment.getAt(Seg.Sequence, "i32") - rcvNxt) | 0
    const length = spaceOf(t)
    const stamped = TIMESTAMPS ? tsRecent !== 0 && isStamped(t) : false
    if (stamped) {
        // RFC 7323 section 5.3; a segment without a timestamp passes, as in segment-arrives.ts
        if (((t.segment.getAt(ParsedOptions.TimestampValue, "i32") - tsRecent) | 0) < 0) {
            drop(t, Counter.TcpPaws, now)
            answerWait(t, w, length, now)
            return
        }
    } else if (tsRecent !== 0) count(t, Counter.TcpUnstamped)
    // First, check sequence number: no advertised window was larger than the receive ring
    if (!isAcceptable(offset, length, t.receiveSize)) {
        drop(t, Counter.TcpUnacceptable, now)
        if (control & Flag.Fin) {
            if (offset + length === 0) {
                // the peer's FIN arrived again: "acknowledge it, and restart the 2 MSL timeout"
                setDeadline(t, w, now, t.config.timeWait)
            }
        }
        answerWait(t, w, length, now)
        return
    }
    // Fifth, check the ACK field: RFC 5961 section 5.2, with the largest window that a record keeps for MAX.SND.WND
    const acked = (segment.getAt(Seg.Acknowledgment, "i32") - sndNxt) | 0
    if (!(control & Flag.Ack)) {
        drop(t, Counter.TcpNoAck, now)
        return
    }
    if (acked > 0 || acked < -0xffff) {
        drop(t, Counter.TcpBadAck, now)
        answerWait(t, w, 0, now)
        return
    }
    if (stamped) {
        if (offset <= 0) {
            // RFC 7323 section 4.3 (2): otherwise the same segment could reopen the connection (RFC 6191)
            waits.setAt(
                w + TimeWaitRecord.TsRecent,
                "i32",
                t.segment.getAt(ParsedOptions.TimestampValue, "i32") || 1
            )
        }
    }
    if (length > 0) {
        drop(t, Counter.TcpAfterFin, now)
        answerWait(t, w, length, now)
    }
}

/**
 * Answers a segment that takes `length` sequence numbers with an ACK, for the record `w`. A segment of no length is answered once
 * per challenge ACK period: otherwise two peers that disagree would answer each other forever.
 */
function answerWait(t: TcpContext, w: number, length: number, now: number): void {
    if (length === 0) {
        if (!mayChallengeWait(t, w, now)) return
    }
    if (!mayReply(t)) return
    const waits = t.waits
    const remoteIp = waits.getAt(w + TimeWaitRecord.RemoteIp, "i32")
    const ports = waits.getAt(w + TimeWaitRecord.Ports, "i32")
    const tsRecent = waits.getAt(w + TimeWaitRecord.TsRecent, "i32")
    let end: number = Frame.Transport + Tcp.Size
    if (TIMESTAMPS ? tsRecent !== 0 : false) {
        const value = timestampAt(t, remoteIp, ports, now)
        end = writeTimestamps(t.tx, end, false, value, tsRecent)
    }
    writeSegment(
        t,
        remoteIp,
        ports,
        waits.getAt(w + TimeWaitRecord.SndNxt, "i32"),
        waits.getAt(w + TimeWaitRecord.RcvNxt, "i32"),
        Flag.Ack,
        // no smaller than the window advertised last, because a window is not taken back (section 3.8.6, SHLD-14)
        t.receiveSize,
        end - Frame.Transport
    )
    reply(t, remoteIp, end - Frame.Transport, waits.getAt(w + TimeWaitRecord.Id, "u16"), State.TimeWait, now)
}
