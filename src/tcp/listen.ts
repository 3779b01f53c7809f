// Passive opens: a segment arrives for a listener (RFC 9293 section 3.10.7.2) or for a half-open connection (SYN-RECEIVED).

import { Counter } from "../base/counters"
import { EVENTS, SYN_COOKIES, TIMESTAMPS } from "../features"
import { Flag, ParsedOptions, parseOptions, Tcp } from "../wire/tcp"
import { connectionFor, hasBacklog, openPassive } from "./accepting"
import { challengeHalf } from "./challenge-ack"
import { type Connection, Frame, type Passive, Reopened, type TcpContext } from "./context"
import { enterEstablished } from "./established"
import {
    dropHalf,
    freeHalf,
    halfOpenFor,
    halfOpenOut,
    runHalfTimers,
    setHalfDue,
    takeHalf,
} from "./half-open"
import { agreedOptions, isStamped, sendMss } from "./options"
import { Agreed, ConnFlag, Half, HalfFlag, Listener, Seg, SendFlag, State, Tcb, TcpError } from "./records"
import { answerReset, spaceOf } from "./reply"
import { drop, traceState } from "./report"
import { roundTrip } from "./rtt"
import { initialSequence } from "./secret-numbers"
import { isAcceptable, segmentArrives } from "./segment-arrives"
import { runPace } from "./slow-clients"
import { noteTimer, reset } from "./state"
import { cookieArrives, sendCookie, synCookie } from "./syn-cookie"
import { findListener, listenerFor } from "./tables"

/** Returns the object that the first listener stores in TcpContext.passive. */
export function passiveOpens(): Passive {
    return {
        paceTime: 0,
        pacePeriod: 0,
        scarce: false,
        closeListener,
        listenArrives,
        halfOpenArrives,
        reopen,
        // DeviceScript's compiler does not support shorthand properties for imported names
        halfOpenFor: halfOpenFor,
        runHalfTimers: runHalfTimers,
        runPace: runPace,
        halfOpenOut: halfOpenOut,
    }
}

/** Frees the listener `id` and resets its connections that were not accepted yet. Returns false if not found. */
function closeListener(t: TcpContext, id: number, now: number): boolean {
    const l = findListener(t, id)
    if (l < 0) return false
    t.listeners.setAt(l + Listener.Id, "u16", 0)
    for (let i = 0; i < t.connsEnd; i++) {
        const c = t.conns[i] as Connection
        if (c.getAt(Tcb.Listener, "u16") !== id || c.getAt(Tcb.Id, "u16") === 0) continue
        if (c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending) reset(t, c, TcpError.None, now)
    }
    // the ACK of a half-open client will find no record, and be answered with an RST
    const halves = t.halves
    for (let h = t.halvesEnd - Half.Size; h >= 0; h -= Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === id) freeHalf(t, h, now)
    }
    return true
}

/** Handles the segment in `t.segment` for the listener `l` (section 3.10.7.2). */
function listenArrives(t: TcpContext, l: number, now: number): void {
    const control = t.segment.getAt(Seg.Control, "u8")
    // First, check for a RST
    if (control & Flag.Rst) {
        drop(t, Counter.TcpBadReset, now)
        return
    }
    // Second, check for an ACK: "any acknowledgment is bad if it arrives on a connection still in the LISTEN state", unless it
    // brings a SYN cookie back
    if (control & Flag.Ack) {
        if (SYN_COOKIES ? cookieArrives(t, l, -1, now) : false) return
        drop(t, Counter.TcpNoConnection, now)
        answerReset(t, now)
        return
    }
    // Fourth, other data or control: no SYN
    if (!(control & Flag.Syn)) {
        drop(t, Counter.TcpNoAck, now)
        return
    }
    // Third, check for a SYN. No real peer sends a FIN with it: we drop such a segment, as other stacks do; the RFC queues the FIN
    if (control & Flag.Fin) {
        drop(t, Counter.TcpMalformed, now)
        return
    }
    if (!hasBacklog(t, l, now)) return
    if (openHalf(t, l, now) < 0) {
        if (SYN_COOKIES) sendCookie(t, l, synCookie(t, now), now)
        else drop(t, Counter.BacklogFull, now)
    }
}

/**
 * Reopens a connection in TIME-WAIT if the segment in `t.segment` is a SYN that may do so (section 3.6.1, MAY-2; RFC 6191 section
 * 2). The old connection expected `rcvNxt` next, sent sequence numbers below `used`, and last accepted the timestamp `tsRecent`
 * if it was `stamped`. The new initial sequence number has to be above `used`.
 */
function reopen(
    t: TcpContext,
    rcvNxt: number,
    stamped: boolean,
    tsRecent: number,
    used: number,
    now: number
): Reopened {
    const segment = t.segment
    if ((segment.getAt(Seg.Control, "u8") & (Flag.Syn | Flag.Ack | Flag.Rst)) !== Flag.Syn) return Reopened.No
    const above = ((segment.getAt(Seg.Sequence, "i32") - rcvNxt) | 0) > 0
    let honoured = above
    if (TIMESTAMPS ? isStamped(t) : false) {
        if (t.config.timestamps) {
            const ahead = (t.segment.getAt(ParsedOptions.TimestampValue, "i32") - tsRecent) | 0
            // a segment of an old connection without timestamps is recognized by the missing timestamp (RFC 7323 section 3.2)
            honoured = !stamped || ahead > 0 || (ahead === 0 && above)
        }
    }
    const l = honoured ? listenerFor(t, segment.getAt(Seg.Ports, "i32")) : -1
    if (l < 0) return Reopened.No
    if (segment.getAt(Seg.Control, "u8") & Flag.Fin) {
        // as in LISTEN
        drop(t, Counter.TcpMalformed, now)
        return Reopened.NotNow
    }
    if (!hasBacklog(t, l, now)) return Reopened.NotNow
    const h = openHalf(t, l, now)
    if (h < 0) {
        if (SYN_COOKIES) {
            // a cookie's value cannot be chosen: it is above `used` in about half of the cases
            const cookie = synCookie(t, now)
            if (((cookie - used) | 0) > 0)
                return sendCookie(t, l, cookie, now) ? Reopened.Yes : Reopened.NotNow
        }
        drop(t, Counter.TcpUnexpectedSyn, now)
        return Reopened.NotNow
    }
    if (((t.halves.getAt(h + Half.Iss, "i32") - used) | 0) <= 0) {
        // above `used` by more than our largest window
        t.halves.setAt(h + Half.Iss, "i32", (used + 0x10000) | 0)
    }
    return Reopened.Yes
}

/**
 * Returns a half-open record for the SYN in `t.segment`, -1 if all are taken. Leaves the options of the SYN in `t.segment`. The
 * SYN's data is not kept: the peer sends it again.
 */
function openHalf(t: TcpContext, l: number, now: number): number {
    const segment = t.segment
    parseOptions(t.rx, Frame.Transport + Tcp.Size, segment.getAt(Seg.DataAt, "u16"), t.segment)
    const h = takeHalf(t)
    if (h < 0) return -1
    const halves = t.halves
    const remoteIp = segment.getAt(Seg.RemoteIp, "i32")
    const ports = segment.getAt(Seg.Ports, "i32")
    const deadline = (now + t.config.rtoInitial) | 0
    halves.setAt(h + Half.Ports, "i32", ports)
    halves.setAt(h + Half.RemoteIp, "i32", remoteIp)
    halves.setAt(h + Half.Irs, "i32", segment.getAt(Seg.Sequence, "i32"))
    halves.setAt(h + Half.Iss, "i32", initialSequence(t, remoteIp, ports, now))
    halves.setAt(h + Half.Deadline, "i32", deadline)
    halves.setAt(h + Half.TsRecent, "i32", t.segment.getAt(ParsedOptions.TimestampValue, "i32"))
    halves.setAt(h + Half.SndWnd, "u16", segment.getAt(Seg.Window, "u16"))
    halves.setAt(h + Half.Mss, "u16", sendMss(t))
    halves.setAt(h + Half.Listener, "u16", t.listeners.getAt(l + Listener.Id, "u16"))
    halves.setAt(h + Half.ReceiveLimit, "u16", t.listeners.getAt(l + Listener.ReceiveLimit, "u16"))
    halves.setAt(h + Half.SndScale, "u8", t.segment.getAt(ParsedOptions.WindowScale, "u8"))
    halves.setAt(h + Half.Retries, "u8", 0)
    halves.setAt(h + Half.Flags, "u8", HalfFlag.Due | agreedOptions(t))
    t.dirty = true
    noteTimer(t, deadline)
    if (EVENTS ? t.events.on : false) traceState(t, 0, State.Listen, State.SynReceived, remoteIp, ports, now)
    return h
}

/** Handles the segment in `t.segment` for the half-open record `h`: section 3.10.7.4 in SYN-RECEIVED after a passive open. */
function halfOpenArrives(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const control = segment.getAt(Seg.Control, "u8")
    const offset = (sequence - halves.getAt(h + Half.Irs, "i32") - 1) | 0
    const room = halves.getAt(h + Half.ReceiveLimit, "u16")
    // The client sent its SYN again, with or without data: our SYN-ACK was lost. A SYN-ACK contains the ACK that the RFC asks
    // for, and helps a client in SYN-SENT, which drops an ACK without a SYN
    if (offset === -1) {
        if ((control & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn) {
            drop(t, Counter.TcpUnacceptable, now)
            // the round trip of the SYN-ACK that answers it is not measured (Karn)
            if (halves.getAt(h + Half.Retries, "u8") === 0) {
                if (t.config.synAckRetries > 0) halves.setAt(h + Half.Retries, "u8", 1)
            }
            if (TIMESTAMPS ? isStamped(t) && stampAhead(t, h) > 0 : false) {
                // RFC 7323 section 4.3 (2): the client measures the round trip by the timestamp that we echo
                halves.setAt(h + Half.TsRecent, "i32", t.segment.getAt(ParsedOptions.TimestampValue, "i32"))
            }
            setHalfDue(t, h)
            return
        }
    }
    // First, check sequence number: RFC 7323 section 5.3 (R1), then table 6
    if (TIMESTAMPS ? halves.getAt(h + Half.Flags, "u8") & Agreed.Timestamps : 0) {
        if (!(control & Flag.Rst)) {
            if (isOld(t, h, now)) return
        }
    }
    // one at RCV.NXT is acceptable: the window has a byte or more
    if (offset !== 0 && !isAcceptable(offset, spaceOf(t), room)) {
        if (control & Flag.Rst) {
            drop(t, Counter.TcpBadReset, now)
        } else {
            drop(t, Counter.TcpUnacceptable, now)
            challengeHalf(t, h, now)
        }
        return
    }
    // Second, check the RST bit (RFC 5961 section 3.2)
    if (control & Flag.Rst) {
        if (offset === 0) {
            freeHalf(t, h, now)
            return
        }
        drop(t, Counter.TcpBadReset, now)
        challengeHalf(t, h, now)
        return
    }
    // Fourth, check the SYN bit: "return this connection to the LISTEN state"
    if (control & Flag.Syn) {
        drop(t, Counter.TcpUnexpectedSyn, now)
        freeHalf(t, h, now)
        return
    }
    // Fifth, check the ACK field
    if (!(control & Flag.Ack)) {
        drop(t, Counter.TcpNoAck, now)
        return
    }
    const l = findListener(t, halves.getAt(h + Half.Listener, "u16"))
    const iss = halves.getAt(h + Half.Iss, "i32")
    if (segment.getAt(Seg.Acknowledgment, "i32") !== ((iss + 1) | 0)) {
        // an earlier SYN of this handshake may have been answered by a cookie, while all records were taken
        if (SYN_COOKIES ? cookieArrives(t, l, h, now) : false) return
        drop(t, Counter.TcpBadAck, now)
        answerReset(t, now)
        return
    }
    const c = connectionFor(t, l, now)
    if (c) promote(t, h, c, now)
}

/** Returns by how much the timestamp in `t.segment` is ahead of the SYN's. */
function stampAhead(t: TcpContext, h: number): number {
    return (
        (t.segment.getAt(ParsedOptions.TimestampValue, "i32") - t.halves.getAt(h + Half.TsRecent, "i32")) | 0
    )
}

/**
 * Drops and answers the segment in `t.segment`, and returns true, when its timestamp is below the SYN's (PAWS). A segment without
 * a timestamp passes, as in segment-arrives.ts.
 */
function isOld(t: TcpContext, h: number, now: number): boolean {
    if (!isStamped(t) || stampAhead(t, h) >= 0) return false
    drop(t, Counter.TcpPaws, now)
    challengeHalf(t, h, now)
    return true
}

/** Moves the connection of the half-open record `h` to the record `c`, and to ESTABLISHED. */
function promote(t: TcpContext, h: number, c: Connection, now: number): void {
    const halves = t.halves
    const retries = halves.getAt(h + Half.Retries, "u8")
    // openHalf set the deadline of the first SYN-ACK when it was scheduled; used while `retries` is 0
    const sent = (halves.getAt(h + Half.Deadline, "i32") - t.config.rtoInitial) | 0
    const window = halves.getAt(h + Half.SndWnd, "u16")
    const room = halves.getAt(h + Half.ReceiveLimit, "u16")
    c.setAt(Tcb.Listener, "u16", halves.getAt(h + Half.Listener, "u16"))
    c.setAt(Tcb.ReceiveLimit, "u16", room)
    c.setAt(Tcb.RcvWnd, "u16", room)
    c.setAt(Tcb.SndWnd, "u16", window)
    c.setAt(Tcb.MaxSndWnd, "u16", window)
    // 0 unless the peer offered window scaling and our SYN-ACK accepted it, with a shift of 0 for our own window
    c.setAt(Tcb.ScaleDups, "u8", halves.getAt(h + Half.SndScale, "u8"))
    if (retries > 0) c.setAt(Tcb.SendFlags, "u8", SendFlag.SynLost)
    openPassive(
        t,
        c,
        halves.getAt(h + Half.Iss, "i32"),
        halves.getAt(h + Half.Irs, "i32"),
        halves.getAt(h + Half.Mss, "u16"),
        halves.getAt(h + Half.Flags, "u8"),
        halves.getAt(h + Half.TsRecent, "i32"),
        now
    )
    dropHalf(t, h)
    enterEstablished(t, c, c.getAt(Tcb.SndMax, "i32"), now)
    // the round trip of a SYN-ACK that was sent only once is a measurement like any other (RFC 6298 section 3)
    if (retries === 0) roundTrip(t, c, (now - sent) | 0)
    segmentArrives(t, c, now)
}
