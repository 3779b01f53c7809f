// Ensures that no peer permanently keeps a connection that another client needs (RFC 1122 section 4.2.3.6, RFC 6429).
//
// A look at all connections finds how many bytes each has moved, in either direction, since the last look. The seconds by which a
// connection is behind the least rate add up to its debt. While records are free, a debt does no harm until it is very large.
// When a client has found all records taken, one connection is reset: the one with the largest debt among those that a program
// serves to any client (`markServed`) and those that no program holds any more. Looks are a second apart while records are
// scarce, otherwise an eighth of the smallest debt. None of this is on the path of a segment: the sequence numbers show what was
// moved.

import { KEEP_ALIVE } from "../features"
import type { Connection, Passive, TcpContext } from "./context"
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
    const c = findConnection(t, id) as Connection
    c.setAt(Tcb.Options, "u8", c.getAt(Tcb.Options, "u8") | ConnOption.Served)
    noteTimer(t, (now + Look.Period) | 0)
}

/** Returns true when the served connection `id` is so far behind that it has to make room for another client. */
export function isSlow(t: TcpContext, id: number): boolean {
    const c = findConnection(t, id)
    if (!c) return false
    const p = c.length - Pace.Size
    if (c.getAt(p + Pace.Id, "u16") !== id) return false
    return c.getAt(p + Pace.Debt, "u16") * Look.Period >= t.config.servedScarce
}

/** Looks at all connections when a look is due, and resets the slowest when its debt is too large. */
export function runPace(t: TcpContext, now: number): void {
    const passive = t.passive as Passive
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
    let free = t.connsEnd < t.conns.length
    let slowest = t.conns[0] as Connection
    let most = 0
    let next = 0
    for (let i = 0; i < t.connsEnd; i++) {
        const c = t.conns[i] as Connection
        if (c.getAt(Tcb.Id, "u16") === 0) {
            free = true
            continue
        }
        const flags = c.getAt(Tcb.Flags, "u8")
        const connOptions = c.getAt(Tcb.Options, "u8")
        // a program may hold a connection that it does not serve for as long as it likes; one that waits to be accepted waits
        // for the program, not for the peer
        if (flags & ConnFlag.Pending || c.getAt(Tcb.State, "u8") === State.Closed) continue
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
            if (!isIdle(c)) continue
            // a probe finds out at once whether the peer still answers (RFC 9293 section 3.8.4)
            c.setAt(Tcb.Options, "u8", connOptions | ConnOption.KeepAlive)
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
function debtOf(t: TcpContext, c: Connection, seconds: number): number {
    const p = c.length - Pace.Size
    const id = c.getAt(Tcb.Id, "u16")
    const moved = (c.getAt(Tcb.SndUna, "i32") + c.getAt(Tcb.RcvNxt, "i32")) & 0xffff
    let debt = 0
    if (c.getAt(p + Pace.Id, "u16") === id) {
        const bytes = (moved - c.getAt(p + Pace.Moved, "u16")) & 0xffff
        debt = Math.max(0, c.getAt(p + Pace.Debt, "u16") + seconds - Math.idiv(bytes, t.config.servedRate))
    }
    c.setAt(p + Pace.Id, "u16", id)
    c.setAt(p + Pace.Moved, "u16", moved)
    // the store clamps a larger number to 65,535
    c.setAt(p + Pace.Debt, "u16", debt)
    return debt
}
