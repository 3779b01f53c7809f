// The settings of one connection.

import { type Connection, ShutWindowProbe, type TcpContext } from "./context"
import { ConnFlag, ConnOption, isFinWait, Listener, State, Tcb, TcpError } from "./records"
import { advanceTimer, armTimer, isIdle, setDue, stopTimer } from "./state"
import { findConnection, findListener } from "./tables"

/**
 * Limits the unread bytes of a connection, or of each that a listener will accept, to `limit`, 1 to the size of the receive ring.
 * An advertised window is never taken back (section 3.8.6, SHLD-14).
 */
export function setReceiveLimit(t: TcpContext, id: number, limit: number): TcpError {
    if (limit < 1 || limit > t.receiveSize) return TcpError.Invalid
    const l = findListener(t, id)
    if (l >= 0) {
        t.listeners.setAt(l + Listener.ReceiveLimit, "u16", limit)
        return TcpError.None
    }
    const c = findConnection(t, id)
    if (!c) return TcpError.NotConnected
    c.setAt(Tcb.ReceiveLimit, "u16", limit)
    advertiseRoom(t, c)
    return TcpError.None
}

/**
 * Schedules an ACK that advertises the room in the receive ring, when the room has grown by a segment or half of the buffer
 * (section 3.8.6.2.2). While the peer has half of the window left, a delayed ACK that is due anyway advertises it.
 */
export function advertiseRoom(t: TcpContext, c: Connection): void {
    const state = c.getAt(Tcb.State, "u8")
    if (state !== State.Established && !isFinWait(state)) return
    const limit = c.getAt(Tcb.ReceiveLimit, "u16")
    const window = c.getAt(Tcb.RcvWnd, "u16")
    const more = limit - c.getAt(Tcb.ReceiveLength, "u16") - window
    if (more <= 0 || (window >= limit >> 1 && c.getAt(Tcb.Flags, "u8") & ConnFlag.AckDelayed)) return
    if (more >= limit >> 1 || more >= c.getAt(Tcb.Mss, "u16")) setDue(t, c, ConnFlag.AckNow)
}

/**
 * Switches the Nagle algorithm off (`on`) or on again: without it, small writes do not wait for an ACK (section 3.7.4,
 * MUST-17).
 */
export function setNoDelay(t: TcpContext, id: number, on: boolean): TcpError {
    const c = findConnection(t, id)
    if (!c) return TcpError.NotConnected
    setOption(c, ConnOption.NoDelay, on)
    // sends what the Nagle algorithm held back
    const state = c.getAt(Tcb.State, "u8")
    if (state === State.Established || state === State.CloseWait) setDue(t, c, 0)
    return TcpError.None
}

/** Switches keep-alive (section 3.8.4) on or off; it is off until a program switches it on (MUST-25). */
export function setKeepAlive(t: TcpContext, id: number, on: boolean, now: number): TcpError {
    const c = findConnection(t, id)
    if (!c) return TcpError.NotConnected
    setOption(c, ConnOption.KeepAlive, on)
    // while data is in flight or waits to be sent, the timer serves the retransmission timeout
    if (!isIdle(c)) return TcpError.None
    c.setAt(Tcb.Retries, "u8", 0)
    if (on) armTimer(t, c, now, t.config.keepAliveIdle)
    else stopTimer(c)
    return TcpError.None
}

/** Sets the seconds without progress after which a connection fails (RFC 5482's USER_TIMEOUT), 0 for the configuration's R2. */
export function setUserTimeout(t: TcpContext, id: number, seconds: number): TcpError {
    if (seconds < 0 || seconds > 65535) return TcpError.Invalid
    const c = findConnection(t, id)
    // until a connection is accepted, no program knows its id
    if (!c || c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending) return TcpError.NotConnected
    c.setAt(Tcb.UserTimeout, "u16", seconds)
    const state = c.getAt(Tcb.State, "u8")
    if (seconds === 0 || !(c.getAt(Tcb.Flags, "u8") & ConnFlag.Timer) || isIdle(c)) return TcpError.None
    if (state === State.FinWait2 || state === State.TimeWait) return TcpError.None
    // a timeout that has already passed ends the connection at once, but a peer that answers with a shut window is probed once
    // more first
    const shut = c.getAt(Tcb.SndWnd, "u16") === 0 && state > State.SynReceived
    if (shut) {
        const asked = (c.getAt(Tcb.Deadline, "i32") - c.getAt(Tcb.Rto, "u16")) | 0
        if (((c.getAt(Tcb.Progress, "i32") - asked) | 0) >= 0) c.setAt(Tcb.Retries, "u8", 0)
    }
    advanceTimer(t, c, shut ? ShutWindowProbe.Within : 1000)
    return TcpError.None
}

/** Sets or clears a bit of Tcb.Options. */
function setOption(c: Connection, flag: ConnOption, on: boolean): void {
    const connOptions = c.getAt(Tcb.Options, "u8")
    c.setAt(Tcb.Options, "u8", on ? connOptions | flag : connOptions & ~flag)
}
