// What a program sets on one connection.

import { Ask, type TcpContext } from "./context"
import { ConnFlag, ConnOption, isFinWait, Listener, State, Tcb, TcpError } from "./records"
import { armTimer, hasten, isIdle, setDue, stopTimer } from "./state"
import { findConnection, findListener } from "./tables"

/**
 * Lets at most `limit` bytes wait unread on a connection, or on those that a listener will accept: 1 to the size of the
 * receive ring. A window that was told already is not taken back (section 3.8.6, SHLD-14).
 */
export function setReceiveLimit(t: TcpContext, id: number, limit: number): TcpError {
    if (limit < 1 || limit > t.receiveSize) return TcpError.Invalid
    const l = findListener(t, id)
    if (l >= 0) {
        t.listeners.setAt(l + Listener.ReceiveLimit, "u16", limit)
        return TcpError.None
    }
    const c = findConnection(t, id)
    if (c < 0) return TcpError.NotConnected
    t.conns.setAt(c + Tcb.ReceiveLimit, "u16", limit)
    tellRoom(t, c)
    return TcpError.None
}

/**
 * Section 3.8.6.2.2: the peer is told of room when that has grown by a segment or half of the buffer. While it has half of
 * the window left to use, the acknowledgment of what it sends next will tell it.
 */
export function tellRoom(t: TcpContext, c: number): void {
    const conns = t.conns
    const state = conns.getAt(c + Tcb.State, "u8")
    if (state !== State.Established && !isFinWait(state)) return
    const limit = conns.getAt(c + Tcb.ReceiveLimit, "u16")
    const window = conns.getAt(c + Tcb.RcvWnd, "u16")
    const more = limit - conns.getAt(c + Tcb.ReceiveLength, "u16") - window
    if (more <= 0 || (window >= limit >> 1 && conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.AckDelayed)) return
    if (more >= limit >> 1 || more >= conns.getAt(c + Tcb.Mss, "u16")) setDue(t, c, ConnFlag.AckNow)
}

/** Switches Nagle's algorithm off (`on`) or on again: whether small writes wait for an acknowledgment (section 3.7.4, MUST-17). */
export function setNoDelay(t: TcpContext, id: number, on: boolean): TcpError {
    const c = findConnection(t, id)
    if (c < 0) return TcpError.NotConnected
    setFlag3(t, c, ConnOption.NoDelay, on)
    // what it held back
    const state = t.conns.getAt(c + Tcb.State, "u8")
    if (state === State.Established || state === State.CloseWait) setDue(t, c, 0)
    return TcpError.None
}

/** Switches keep-alive (section 3.8.4) on or off: off unless a program asks for it (MUST-25). */
export function setKeepAlive(t: TcpContext, id: number, on: boolean, now: number): TcpError {
    const c = findConnection(t, id)
    if (c < 0) return TcpError.NotConnected
    setFlag3(t, c, ConnOption.KeepAlive, on)
    // what is in flight, or waits to be sent, has the timer to itself
    if (!isIdle(t, c)) return TcpError.None
    t.conns.setAt(c + Tcb.Retries, "u8", 0)
    if (on) armTimer(t, c, now, t.config.keepAliveIdle)
    else stopTimer(t, c)
    return TcpError.None
}

/** Seconds without progress after which a connection fails, 0 for the configuration's R2: RFC 5482's USER_TIMEOUT. */
export function setUserTimeout(t: TcpContext, id: number, seconds: number): TcpError {
    if (seconds < 0 || seconds > 65535) return TcpError.Invalid
    const c = findConnection(t, id)
    // until it is accepted nobody knows its id
    if (c < 0 || t.conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending) return TcpError.NotConnected
    const conns = t.conns
    conns.setAt(c + Tcb.UserTimeout, "u16", seconds)
    const state = conns.getAt(c + Tcb.State, "u8")
    if (seconds === 0 || !(conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Timer) || isIdle(t, c))
        return TcpError.None
    if (state === State.FinWait2 || state === State.TimeWait) return TcpError.None
    // what is over by it strikes at once; a peer that keeps its window shut and answered is asked anew before
    const shut = conns.getAt(c + Tcb.SndWnd, "u16") === 0 && state > State.SynReceived
    if (shut) {
        const asked = (conns.getAt(c + Tcb.Deadline, "i32") - conns.getAt(c + Tcb.Rto, "u16")) | 0
        if (((conns.getAt(c + Tcb.Progress, "i32") - asked) | 0) >= 0) conns.setAt(c + Tcb.Retries, "u8", 0)
    }
    hasten(t, c, shut ? Ask.Within : 1000)
    return TcpError.None
}

function setFlag3(t: TcpContext, c: number, flag: ConnOption, on: boolean): void {
    const connOptions = t.conns.getAt(c + Tcb.Options, "u8")
    t.conns.setAt(c + Tcb.Options, "u8", on ? connOptions | flag : connOptions & ~flag)
}
