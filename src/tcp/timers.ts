// What happens when nothing arrives: retransmission, probes, giving up, the end of TIME-WAIT (RFC 9293 section 3.10.8).

import { armTimer, closed, noteTimer, setDue, type TcpContext } from "./context"
import { freeHalf } from "./passive"
import { ConnFlag, ConnFlag2, Half, HalfFlag, State, Tcb, TcpError } from "./tcb"

/** A hop that has left so many retransmissions of a segment without an answer is asked for its address anew. */
const enum Suspect {
    Retries = 2,
}

/** Handles every timer that has expired, and finds out which is next. */
export function runTimers(t: TcpContext, now: number): void {
    const conns = t.conns
    t.timerArmed = false
    for (let c = 0; c < t.connsEnd; c += Tcb.Size) {
        if (!(conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Timer)) continue
        const deadline = conns.getAt(c + Tcb.Deadline, "i32")
        if (((deadline - now) | 0) > 0) noteTimer(t, deadline)
        else expired(t, c, now)
    }
    const halves = t.halves
    for (let h = 0; h < t.halvesEnd; h += Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === 0) continue
        const deadline = halves.getAt(h + Half.Deadline, "i32")
        if (((deadline - now) | 0) > 0) noteTimer(t, deadline)
        else halfExpired(t, h, now)
    }
}

function expired(t: TcpContext, c: number, now: number): void {
    const conns = t.conns
    const state = conns.getAt(c + Tcb.State, "u8")
    if (state === State.TimeWait || state === State.FinWait2) {
        closed(t, c, TcpError.None, now)
        return
    }
    const flags2 = conns.getAt(c + Tcb.Flags2, "u8")
    const opening = state === State.SynSent || state === State.SynReceived
    // R2 (section 3.8.3)
    const limit = opening ? t.config.r2Syn : t.config.r2
    const elapsed = (now - conns.getAt(c + Tcb.Progress, "i32")) | 0
    const patience = conns.getAt(c + Tcb.Rto, "u16")
    const shut = !opening && conns.getAt(c + Tcb.SndWnd, "i32") === 0
    const retries = conns.getAt(c + Tcb.Retries, "u8")
    const unsent = !shut && conns.getAt(c + Tcb.SndMax, "i32") === conns.getAt(c + Tcb.SndUna, "i32")
    // a probe that was answered is one timeout ago, whatever R2 is; and nothing is given up without a second try
    const answered = shut && elapsed < patience + (patience >> 1)
    if (elapsed >= limit && !answered && (retries > 0 || unsent)) {
        closed(t, c, flags2 & ConnFlag2.SoftError ? TcpError.Unreachable : TcpError.TimedOut, now)
        return
    }
    if (unsent) {
        // nothing was sent yet, as the next hop's address is not known: it is asked for again, and nothing was lost
        armTimer(t, c, now, conns.getAt(c + Tcb.Rto, "u16"))
        setDue(t, c, 0)
        return
    }
    // RFC 6298 (5.4) to (5.6); Karn's rule: what is sent again is not timed
    const rto = patience * 2
    conns.setAt(c + Tcb.Rto, "u16", rto < t.config.rtoMax ? rto : t.config.rtoMax)
    conns.setAt(
        c + Tcb.Flags2,
        "u8",
        (flags2 & ~ConnFlag2.Timing) |
            (opening ? ConnFlag2.SynLost : shut ? ConnFlag2.Probe : 0) |
            (retries === Suspect.Retries && !answered ? ConnFlag2.HopSuspect : 0)
    )
    if (retries < 255) conns.setAt(c + Tcb.Retries, "u8", retries + 1)
    if (!opening && !shut) {
        const mss = conns.getAt(c + Tcb.Mss, "u16")
        if (retries === 0) {
            // RFC 5681, equation 4
            const half = ((conns.getAt(c + Tcb.SndMax, "i32") - conns.getAt(c + Tcb.SndUna, "i32")) | 0) >> 1
            conns.setAt(c + Tcb.Ssthresh, "u16", half > 2 * mss ? half : 2 * mss)
        }
        conns.setAt(c + Tcb.Cwnd, "u16", mss)
    }
    conns.setAt(c + Tcb.SndNxt, "i32", conns.getAt(c + Tcb.SndUna, "i32"))
    armTimer(t, c, now, conns.getAt(c + Tcb.Rto, "u16"))
    setDue(t, c, 0)
}

function halfExpired(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    const retries = halves.getAt(h + Half.Retries, "u8")
    if (retries >= t.config.synAckRetries) {
        freeHalf(t, h, now)
        return
    }
    let wait = t.config.rtoInitial
    for (let i = 0; i <= retries && wait < t.config.rtoMax; i++) wait *= 2
    const deadline = (now + (wait < t.config.rtoMax ? wait : t.config.rtoMax)) | 0
    halves.setAt(h + Half.Retries, "u8", retries + 1)
    halves.setAt(h + Half.Flags, "u8", halves.getAt(h + Half.Flags, "u8") | HalfFlag.Due)
    halves.setAt(h + Half.Deadline, "i32", deadline)
    noteTimer(t, deadline)
    t.dirty = true
}
