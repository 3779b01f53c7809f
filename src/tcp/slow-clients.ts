// Ensures that no peer permanently keeps a connection that another client needs (RFC 1122 section 4.2.3.6, RFC 6429).
//
// A look at all connections finds how many bytes each has moved, in either direction, since the last look. The seconds by which a
// connection is behind the least rate add up to its debt. While records are free, a debt does no harm until it is very large.
// When a client has found all records taken, one connection is reset: the one with the largest debt among those that a program
// serves to any client (`markServed`) and those that no program holds any more. Looks are a second apart while records are
// scarce, otherwise an eighth of the smallest debt. None of this is on the path of a segment: the sequence numbers show what was
// moved.

import { KEEP_ALIVE } from "../features"
import type { Passive, TcpContext } from "./context"
import { setHalfDue } from "./half-open"
import { ConnFlag, ConnOption, Half, Pace, State, Tcb, TcpError } from "./records"
import { armTimer, isIdle, noteTimer, reset } from "./state"
import { findConnection } from "./tables"

const enum Look {
    /** Milliseconds between looks while records are scarce, and the milliseconds in a second. */
    Period = 1000,
    /**
     * The longest period, in seconds: a look can distinguish at most 64 KB, and a peer that moves that much in a period is fast
     * enough by far.
     */
    Longest = 64,
}

/** Marks the accepted connection `id` as one that the program serves to any client, and that may be reset for another client. */
export function markServed(t: TcpContext, id: number, now: number): void {
    const at = findConnection(t, id) + Tcb.Options
    t.conns.setAt(at, "u8", t.conns.getAt(at, "u8") | ConnOption.Served)
    noteTimer(t, (now + Look.Period) | 0)
}

/** Returns true when the served connection `id` is so far behind that it has to make room for another client. */
export function isSlow(t: TcpContext, id: number): boolean {
    const { pace } = t
    const p = Math.idiv(findConnection(t, id), Tcb.Size) * Pace.Size
    if (pace.getAt(p + Pace.Id, "u16") !== id) return false
    return pace.getAt(p + Pace.Debt, "u16") * Look.Period >= t.config.servedScarce
}

/** Looks at all connections when a look is due, and resets the slowest when its debt is too large. */
export function runPace(t: TcpContext, now: number): void {
    const passive = t.passive as Passive
    const conns = t.conns
    if (t.connsEnd === 0) return
    const since = (now - passive.paceTime) | 0
    const period = passive.scarce ? Look.Period : passive.pacePeriod
    if (since >= 0 && since < period) {
        noteTimer(t, (passive.paceTime + period) | 0)
        return
    }
    // the last look may have been long ago, at other connections
    let seconds = Math.idiv(since, Look.Period)
    if (seconds < 1 || seconds > Look.Longest) seconds = 1
    let free = t.connsEnd < conns.length
    let slowest = -1
    let most = 0
    let next = 0
    for (let c = 0; c < t.connsEnd; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Id, "u16") === 0) {
            free = true
            continue
        }
        const flags = conns.getAt(c + Tcb.Flags, "u8")
        const connOptions = conns.getAt(c + Tcb.Options, "u8")
        // a program may hold a connection that it does not serve for as long as it likes; one that waits to be accepted waits
        // for the program, not for the peer
        if (flags & ConnFlag.Pending || conns.getAt(c + Tcb.State, "u8") === State.Closed) continue
        if (flags & ConnFlag.Held && !(connOptions & ConnOption.Served)) continue
        const debt = debtOf(t, c, seconds)
        const period = Math.min(Math.max(debt >> 3, 1), Look.Longest)
        if (next === 0 || period < next) next = period
        if (debt > most) {
            most = debt
            slowest = c
        }
        if (KEEP_ALIVE) {
            if (debt * Look.Period <= t.config.keepAliveIdle || connOptions & ConnOption.KeepAlive) continue
            if (!isIdle(t, c)) continue
            // a probe finds out at once whether the peer still answers (RFC 9293 section 3.8.4)
            conns.setAt(c + Tcb.Options, "u8", connOptions | ConnOption.KeepAlive)
            armTimer(t, c, now, 1)
        }
    }
    if (free) passive.scarce = false
    if (most * Look.Period >= (passive.scarce ? t.config.servedScarce : t.config.servedLimit)) {
        reset(t, slowest, TcpError.TimedOut, now)
        passive.scarce = false
        // the SYN-ACKs of all handshakes are sent again: one client now finds a record, and the next shows whether records are
        // still scarce
        for (let h = 0; h < t.halvesEnd; h += Half.Size) setHalfDue(t, h)
    }
    passive.paceTime = now
    passive.pacePeriod = next * Look.Period
    if (next > 0) noteTimer(t, (now + (passive.scarce ? Look.Period : passive.pacePeriod)) | 0)
}

/** Computes, stores and returns the seconds by which a connection is behind the least rate, `seconds` after the last look. */
function debtOf(t: TcpContext, c: number, seconds: number): number {
    const { conns, pace } = t
    const p = Math.idiv(c, Tcb.Size) * Pace.Size
    const id = conns.getAt(c + Tcb.Id, "u16")
    const moved = (conns.getAt(c + Tcb.SndUna, "i32") + conns.getAt(c + Tcb.RcvNxt, "i32")) & 0xffff
    let debt = 0
    if (pace.getAt(p + Pace.Id, "u16") === id) {
        const bytes = (moved - pace.getAt(p + Pace.Moved, "u16")) & 0xffff
        debt = Math.max(0, pace.getAt(p + Pace.Debt, "u16") + seconds - Math.idiv(bytes, t.config.servedRate))
    }
    pace.setAt(p + Pace.Id, "u16", id)
    pace.setAt(p + Pace.Moved, "u16", moved)
    // the store clamps a larger number to 65,535
    pace.setAt(p + Pace.Debt, "u16", debt)
    return debt
}
