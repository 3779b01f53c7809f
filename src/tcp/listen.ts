// Passive opens: LISTEN (RFC 9293 section 3.10.7.2) and the half-open connections that come from it (SYN-RECEIVED).

import { Counter } from "../base/counters"
import { EVENTS, SYN_COOKIES, TIMESTAMPS } from "../features"
import { Flag, Options, parseOptions, Tcp } from "../wire/tcp"
import { connectionFor, hasBacklog, openPassive } from "./accepting"
import { challengeHalf } from "./challenge-ack"
import { type Passive, Reopened, type TcpContext } from "./context"
import {
    dropHalf,
    freeHalf,
    halfOpenFor,
    halfOpenOut,
    runHalfTimers,
    setHalfDue,
    takeHalf,
} from "./half-open"
import { established } from "./opened"
import { agreed, isStamped, sendMss } from "./options"
import { runPace } from "./pace"
import { Agreed, ConnFlag, Half, HalfFlag, Listener, Seg, SendFlag, State, Tcb, TcpError } from "./records"
import { answerReset } from "./reply"
import { drop, traceState } from "./report"
import { roundTrip } from "./rtt"
import { initialSequence } from "./secret-numbers"
import { isAcceptable, segmentArrives } from "./segment-arrives"
import { noteTimer, reset } from "./state"
import { cookieArrives, sendCookie, synCookie } from "./syn-cookie"
import { findListener, listenerFor } from "./tables"

/** For TcpContext.passive. */
export function passiveOpens(): Passive {
    return {
        paceTime: 0,
        pacePeriod: 0,
        scarce: false,
        closeListener,
        listenArrives,
        halfOpenArrives,
        reopen,
        // DeviceScript's compiler knows no short form for what is imported
        listenerFor: listenerFor,
        halfOpenFor: halfOpenFor,
        runHalfTimers: runHalfTimers,
        runPace: runPace,
        halfOpenOut: halfOpenOut,
    }
}

/** Frees the listener with this id; connections not yet accepted are reset. False when there is none. */
function closeListener(t: TcpContext, id: number, now: number): boolean {
    const l = findListener(t, id)
    if (l < 0) return false
    t.listeners.setAt(l + Listener.Id, "u16", 0)
    const conns = t.conns
    for (let c = 0; c < t.connsEnd; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Listener, "u16") !== id || conns.getAt(c + Tcb.Id, "u16") === 0) continue
        if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending) reset(t, c, TcpError.None, now)
    }
    // a half-open peer's ACK finds nobody and is answered by an RST
    const halves = t.halves
    for (let h = t.halvesEnd - Half.Size; h >= 0; h -= Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === id) freeHalf(t, h, now)
    }
    return true
}

/** Section 3.10.7.2: the segment in `t.segment` arrives for the listener `l`. */
function listenArrives(t: TcpContext, l: number, now: number): void {
    const control = t.segment.getAt(Seg.Control, "u8")
    // First, check for a RST
    if (control & Flag.Rst) {
        drop(t, Counter.TcpBadReset, now)
        return
    }
    // Second, check for an ACK: "arriving on a connection still in the LISTEN state", unless it brings a cookie back
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
    // Third, check for a SYN. With a FIN nobody means it: dropped, as the field does, where the RFC would have the FIN queued
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
 * Section 3.6.1 (MAY-2) and RFC 6191 section 2: whether the SYN in `t.segment` opens anew a connection in TIME-WAIT that awaited
 * `rcvNxt`, sent numbers below `used`, and last saw `tsRecent` if it was `stamped`. The initial sequence number has to be larger.
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
            const ahead = (t.options.getAt(Options.TimestampValue, "i32") - tsRecent) | 0
            // without timestamps on the old connection its segments will be told by that (RFC 7323 section 3.2)
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
            // a cookie is what it is: half of them are larger
            const cookie = synCookie(t, now)
            if (((cookie - used) | 0) > 0)
                return sendCookie(t, l, cookie, now) ? Reopened.Yes : Reopened.NotNow
        }
        drop(t, Counter.TcpUnexpectedSyn, now)
        return Reopened.NotNow
    }
    if (((t.halves.getAt(h + Half.Iss, "i32") - used) | 0) <= 0) {
        // by more than any window of ours
        t.halves.setAt(h + Half.Iss, "i32", (used + 0x10000) | 0)
    }
    return Reopened.Yes
}

/**
 * The half-open record that the SYN in `t.segment` leads to, -1 when none is free. Its options stand in `t.options` then.
 * Text and FIN of a SYN are not kept: the peer sends them again.
 */
function openHalf(t: TcpContext, l: number, now: number): number {
    const segment = t.segment
    parseOptions(t.rx, segment.getAt(Seg.At, "u16") + Tcp.Size, segment.getAt(Seg.DataAt, "u16"), t.options)
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
    halves.setAt(h + Half.TsRecent, "i32", t.options.getAt(Options.TimestampValue, "i32"))
    halves.setAt(h + Half.SndWnd, "u16", segment.getAt(Seg.Window, "u16"))
    halves.setAt(h + Half.Mss, "u16", sendMss(t))
    halves.setAt(h + Half.Listener, "u16", t.listeners.getAt(l + Listener.Id, "u16"))
    halves.setAt(h + Half.ReceiveLimit, "u16", t.listeners.getAt(l + Listener.ReceiveLimit, "u16"))
    halves.setAt(h + Half.SndScale, "u8", t.options.getAt(Options.WindowScale, "u8"))
    halves.setAt(h + Half.Retries, "u8", 0)
    halves.setAt(h + Half.Flags, "u8", HalfFlag.Due | agreed(t))
    t.dirty = true
    noteTimer(t, deadline)
    if (EVENTS ? t.events.on : false) traceState(t, 0, State.Listen, State.SynReceived, remoteIp, ports, now)
    return h
}

/** Section 3.10.7.4 for SYN-RECEIVED after a passive open: `t.segment` arrives for the half-open record `h`. */
function halfOpenArrives(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const control = segment.getAt(Seg.Control, "u8")
    const offset = (sequence - halves.getAt(h + Half.Irs, "i32") - 1) | 0
    const room = halves.getAt(h + Half.ReceiveLimit, "u16")
    const length = segment.getAt(Seg.Space, "u16")
    // The client's SYN once more, with or without text: our SYN-ACK was lost. That holds the ACK which is asked for, and
    // helps the client, who drops an ACK without SYN in SYN-SENT.
    if (offset === -1) {
        if ((control & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn) {
            drop(t, Counter.TcpUnacceptable, now)
            // what it is answered by is not timed (Karn)
            if (halves.getAt(h + Half.Retries, "u8") === 0) {
                if (t.config.synAckRetries > 0) halves.setAt(h + Half.Retries, "u8", 1)
            }
            if (TIMESTAMPS ? isStamped(t) && stampAhead(t, h) > 0 : false) {
                // section 4.3 (2): the client measures by what we echo
                halves.setAt(h + Half.TsRecent, "i32", t.options.getAt(Options.TimestampValue, "i32"))
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
    if (!isAcceptable(offset, length, room)) {
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
        // while all records were taken, an earlier SYN of this handshake may have been answered by a cookie
        if (SYN_COOKIES ? cookieArrives(t, l, h, now) : false) return
        drop(t, Counter.TcpBadAck, now)
        answerReset(t, now)
        return
    }
    const c = connectionFor(t, l, now)
    if (c >= 0) promote(t, h, c, now)
}

/** What the timestamp in `t.options` is ahead of the SYN's. */
function stampAhead(t: TcpContext, h: number): number {
    return (t.options.getAt(Options.TimestampValue, "i32") - t.halves.getAt(h + Half.TsRecent, "i32")) | 0
}

/** True, and the segment handled, when its timestamp is older than that of the SYN. One without passes, as in segment-arrives.ts. */
function isOld(t: TcpContext, h: number, now: number): boolean {
    if (!isStamped(t) || stampAhead(t, h) >= 0) return false
    drop(t, Counter.TcpPaws, now)
    challengeHalf(t, h, now)
    return true
}

/** Makes the half-open record `h` the connection `c`. */
function promote(t: TcpContext, h: number, c: number, now: number): void {
    const conns = t.conns
    const halves = t.halves
    const retries = halves.getAt(h + Half.Retries, "u8")
    const sent = (halves.getAt(h + Half.Deadline, "i32") - t.config.rtoInitial) | 0
    const window = halves.getAt(h + Half.SndWnd, "u16")
    const room = halves.getAt(h + Half.ReceiveLimit, "u16")
    conns.setAt(c + Tcb.Listener, "u16", halves.getAt(h + Half.Listener, "u16"))
    conns.setAt(c + Tcb.ReceiveLimit, "u16", room)
    conns.setAt(c + Tcb.RcvWnd, "u16", room)
    conns.setAt(c + Tcb.SndWnd, "u16", window)
    conns.setAt(c + Tcb.MaxSndWnd, "u16", window)
    // 0 unless the peer offered to scale: our SYN-ACK agreed then, with a shift of 0 for our own window
    conns.setAt(c + Tcb.ScaleDups, "u8", halves.getAt(h + Half.SndScale, "u8"))
    if (retries > 0) conns.setAt(c + Tcb.SendFlags, "u8", SendFlag.SynLost)
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
    established(t, c, conns.getAt(c + Tcb.SndMax, "i32"), now)
    // a SYN-ACK that was sent once is as good a measurement as any segment (RFC 6298 section 3)
    if (retries === 0) roundTrip(t, c, (now - sent) | 0)
    segmentArrives(t, c, now)
}
