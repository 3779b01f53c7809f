// Nobody holds a connection for good that somebody else needs (RFC 1122 section 4.2.3.6, RFC 6429).
//
// Once a second every connection is asked how many bytes it has moved, in either direction. What that is short of the least
// rate adds up to its debt, in seconds. While there is room a debt does no harm until it is very large. When somebody found all
// records taken, the connection that came in, or that no program holds any more, with the largest debt has to go. Nothing of
// this is on the path of a segment: the sequence numbers tell what was moved.

import { KEEP_ALIVE } from "../features"
import { armTimer, findConnection, isIdle, noteTimer, type Passive, reset, type TcpContext } from "./context"
import { setHalfDue } from "./halfopen"
import { ConnFlag, ConnFlag3, Half, Pace, State, Tcb, TcpError } from "./tcb"

/** Milliseconds from one look to the next. */
const enum Look {
    Period = 1000,
}

/** True when the connection `id`, which came in, has to go where its place is wanted. */
export function isSlow(t: TcpContext, id: number): boolean {
    const { pace } = t
    const p = Math.idiv(findConnection(t, id), Tcb.Size) * Pace.Size
    if (pace.getAt(p + Pace.Id, "u16") !== id) return false
    return pace.getAt(p + Pace.Debt, "u16") * Look.Period >= t.config.servedScarce
}

/** Looks at all connections when a second is over, and ends the slowest if it has to go. */
export function runPace(t: TcpContext, now: number): void {
    const passive = t.passive as Passive
    const conns = t.conns
    if (t.connsEnd === 0) return
    const wait = (passive.paceDeadline - now) | 0
    // it may be of a time long ago, when there were connections
    if (wait > 0 && wait <= Look.Period) {
        noteTimer(t, passive.paceDeadline)
        return
    }
    let free = t.connsEnd < conns.length
    let slowest = -1
    let most = 0
    for (let c = 0; c < t.connsEnd; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Id, "u16") === 0) {
            free = true
            continue
        }
        const debt = debtOf(t, c)
        const flags3 = conns.getAt(c + Tcb.Flags3, "u8")
        // a program may hold what it opened for as long as it likes
        if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Held && flags3 & ConnFlag3.Active) continue
        if (debt > most && conns.getAt(c + Tcb.State, "u8") !== State.Closed) {
            most = debt
            slowest = c
        }
        if (KEEP_ALIVE) {
            if (debt * Look.Period <= t.config.keepAliveIdle || flags3 & ConnFlag3.KeepAlive) continue
            if (!isIdle(t, c)) continue
            // RFC 9293 section 3.8.4: is there still anybody?
            conns.setAt(c + Tcb.Flags3, "u8", flags3 | ConnFlag3.KeepAlive)
            armTimer(t, c, now, 1)
        }
    }
    if (free) passive.scarce = false
    if (most * Look.Period >= (passive.scarce ? t.config.servedScarce : t.config.servedLimit)) {
        reset(t, slowest, TcpError.TimedOut, now)
        passive.scarce = false
        // handshakes that found no record: one ends now, and another one says again that it needs a place
        for (let h = 0; h < t.halvesEnd; h += Half.Size) setHalfDue(t, h)
    }
    passive.paceDeadline = (now + Look.Period) | 0
    noteTimer(t, passive.paceDeadline)
}

/** Seconds that a connection is behind the least rate; another one is added by each call. */
function debtOf(t: TcpContext, c: number): number {
    const { conns, pace } = t
    const p = Math.idiv(c, Tcb.Size) * Pace.Size
    const id = conns.getAt(c + Tcb.Id, "u16")
    const moved = (conns.getAt(c + Tcb.SndUna, "i32") + conns.getAt(c + Tcb.RcvNxt, "i32")) & 0xffff
    let debt = 0
    // a peer that waits to be accepted waits for us
    if (pace.getAt(p + Pace.Id, "u16") === id && !(conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending)) {
        const bytes = (moved - pace.getAt(p + Pace.Moved, "u16")) & 0xffff
        debt = Math.max(0, pace.getAt(p + Pace.Debt, "u16") + 1 - Math.idiv(bytes, t.config.servedRate))
    }
    pace.setAt(p + Pace.Id, "u16", id)
    pace.setAt(p + Pace.Moved, "u16", moved)
    // a store above 65,535 is clamped to it
    pace.setAt(p + Pace.Debt, "u16", debt)
    return debt
}
