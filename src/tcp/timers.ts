// The timers of all records: retransmission, probes, giving up, the end of TIME-WAIT (RFC 9293 section 3.10.8).

import { Counter } from "../base/counters"
import { DELAYED_ACKS, KEEP_ALIVE, PASSIVE_OPENS, TIME_WAIT_RECORDS, USER_TIMEOUT } from "../features"
import { timedOut } from "./congestion"
import { type Connection, ShutWindowProbe, type TcpContext } from "./context"
import { ConnFlag, ConnOption, SendFlag, State, Tcb, TcpError } from "./records"
import { count } from "./report"
import { advanceTimer, armRto, armTimer, failConnection, isIdle, noteTimer, reset, setDue } from "./state"
import { runWaitTimers } from "./time-wait"

/** R1 (RFC 9293 section 3.8.3): after this many retransmissions without an answer, ARP asks for the next hop's address again. */
const enum Suspect {
    Retries = 2,
}

/** Handles every timer that has expired, and notes which is next. */
export function runTimers(t: TcpContext, now: number): void {
    t.timerArmed = false
    for (let i = 0; i < t.connsEnd; i++) {
        const c = t.conns[i] as Connection
        const flags = c.getAt(Tcb.Flags, "u8")
        if (DELAYED_ACKS) {
            // an ACK that is due at once needs no timer; while data is kept ahead of a gap, it is due at once
            if ((flags & (ConnFlag.AckDelayed | ConnFlag.AckNow)) === ConnFlag.AckDelayed) {
                const left = (c.getAt(Tcb.AckAt, "u16") - now) & 0xffff
                if (left > 0 && left <= t.config.delayedAck) {
                    noteTimer(t, (now + left) | 0)
                } else {
                    c.setAt(Tcb.Flags, "u8", flags & ~ConnFlag.AckDelayed)
                    setDue(t, c, ConnFlag.AckNow)
                    if (c.getAt(Tcb.Bulk, "u16") > 0) bulkEnds(c)
                }
            }
        }
        if (!(flags & ConnFlag.Timer)) continue
        const deadline = c.getAt(Tcb.Deadline, "i32")
        if (((deadline - now) | 0) > 0) noteTimer(t, deadline)
        else expired(t, c, now)
    }
    if (PASSIVE_OPENS) {
        if (t.passive) {
            t.passive.runHalfTimers(t, now)
            t.passive.runPace(t, now)
        }
    }
    if (TIME_WAIT_RECORDS) runWaitTimers(t, now)
}

/**
 * Ends the run of ACKs for every second segment, because the delayed ACK of a single one is due. That ACK advertises room from a
 * quarter of the buffer on (section 3.8.6.2.2 recommends half): two segments and a part of a third fill the window, which would
 * otherwise stay smaller by that part.
 */
function bulkEnds(c: Connection): void {
    c.setAt(Tcb.Bulk, "u16", 0)
    const limit = c.getAt(Tcb.ReceiveLimit, "u16")
    const free = limit - c.getAt(Tcb.ReceiveLength, "u16")
    if (free - c.getAt(Tcb.RcvWnd, "u16") >= limit >> 2) c.setAt(Tcb.RcvWnd, "u16", free)
}

/** Handles the timer of a connection, which has expired. */
function expired(t: TcpContext, c: Connection, now: number): void {
    const state = c.getAt(Tcb.State, "u8")
    if (state === State.TimeWait || state === State.FinWait2) {
        failConnection(t, c, TcpError.None, now)
        return
    }
    if (KEEP_ALIVE ? isIdle(c) : false) {
        keepAlive(t, c, now)
        return
    }
    const unsent = c.getAt(Tcb.SndMax, "i32") === c.getAt(Tcb.SndUna, "i32")
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    const opening = state === State.SynSent || state === State.SynReceived
    const elapsed = (now - c.getAt(Tcb.Progress, "i32")) | 0
    const shut = !opening && c.getAt(Tcb.SndWnd, "u16") === 0
    const retries = c.getAt(Tcb.Retries, "u8")
    // until the connection is accepted, the field holds the listener's id
    const pending = USER_TIMEOUT ? c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending : 1
    const user = pending ? 0 : c.getAt(Tcb.UserTimeout, "u16")
    const patience = c.getAt(Tcb.Rto, "u16")
    // the last probe of a peer that answers was sent one RTO ago, whatever R2 is
    const answered = shut && elapsed < patience + (patience >> 1)
    // milliseconds without progress after which a connection fails: its user timeout, else R2 (section 3.8.3)
    const limit = user > 0 ? user * 1000 : opening ? t.config.r2Syn : t.config.r2
    if (elapsed >= limit) {
        // R2 ends no connection that has sent its segment only once; a user timeout ends none whose peer was not probed
        // (connection-settings.ts)
        if (user > 0 ? !shut || retries > 0 : !answered && (retries > 0 || (unsent && !shut))) {
            failConnection(
                t,
                c,
                sendFlags & SendFlag.SoftError ? TcpError.Unreachable : TcpError.TimedOut,
                now
            )
            return
        }
        if (user > 0) c.setAt(Tcb.Progress, "i32", now)
    }
    if (unsent) {
        if (!shut) {
            // Nothing was sent yet, so nothing was lost. Either ARP has not found the next hop's address, and asks again, or
            // silly window avoidance held a segment back, and it is sent into the small window now (section 3.8.6.2.1 (4))
            c.setAt(Tcb.SendFlags, "u8", opening ? sendFlags : sendFlags | SendFlag.Probe)
            armRto(t, c, now)
            setDue(t, c, 0)
            return
        }
    }
    // RFC 6298 (5.4) to (5.6); a segment that is sent again is not timed (Karn)
    c.setAt(Tcb.Rto, "u16", Math.min(patience * 2, t.config.rtoMax))
    c.setAt(
        Tcb.SendFlags,
        "u8",
        (sendFlags & ~SendFlag.Timing) |
            (opening ? SendFlag.SynLost : shut ? SendFlag.Probe : 0) |
            (retries === Suspect.Retries && !answered ? SendFlag.HopSuspect : 0)
    )
    if (retries < 255) c.setAt(Tcb.Retries, "u8", retries + 1)
    if (!opening) {
        if (!shut) timedOut(c, retries === 0)
    }
    c.setAt(Tcb.SndNxt, "i32", c.getAt(Tcb.SndUna, "i32"))
    armRto(t, c, now)
    if (USER_TIMEOUT ? shut && user > 0 : false) {
        armTimer(t, c, now, Math.min(c.getAt(Tcb.Rto, "u16"), user * ShutWindowProbe.Within))
        advanceTimer(t, c, 1000)
    }
    setDue(t, c, 0)
}

/** Sends a keep-alive probe (section 3.8.4), or resets the connection after the last one had no answer. */
function keepAlive(t: TcpContext, c: Connection, now: number): void {
    const probes = c.getAt(Tcb.Retries, "u8")
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    if (!(c.getAt(Tcb.Options, "u8") & ConnOption.KeepAlive)) {
        // the program has switched keep-alive off meanwhile
        c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Timer)
        return
    }
    if (probes >= t.config.keepAliveProbes) {
        reset(t, c, sendFlags & SendFlag.SoftError ? TcpError.Unreachable : TcpError.TimedOut, now)
        return
    }
    c.setAt(Tcb.Retries, "u8", probes + 1)
    c.setAt(
        Tcb.SendFlags,
        "u8",
        sendFlags | SendFlag.Probe | (probes === Suspect.Retries ? SendFlag.HopSuspect : 0)
    )
    count(t, Counter.KeepAlives)
    armTimer(t, c, now, t.config.keepAliveInterval)
    setDue(t, c, 0)
}
