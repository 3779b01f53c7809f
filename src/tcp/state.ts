// What all parts of TCP do to a connection: change its state, mark it as due, arm its timer, end it.

import { Event, EventKind } from "../base/events"
import { EVENTS, USER_TIMEOUT } from "../features"
import { type TcpContext, Touched } from "./context"
import { ConnFlag, SendFlag, State, Tcb, TcpError } from "./records"
import { traceState } from "./report"

/** Moves a connection to another state, and records the event. */
export function setState(t: TcpContext, c: number, state: State, now: number): void {
    const conns = t.conns
    const before = conns.getAt(c + Tcb.State, "u8")
    conns.setAt(c + Tcb.State, "u8", state)
    t.touched = Touched.Several
    if (EVENTS) {
        traceState(
            t,
            conns.getAt(c + Tcb.Id, "u16"),
            before,
            state,
            conns.getAt(c + Tcb.RemoteIp, "i32"),
            conns.getAt(c + Tcb.Ports, "i32"),
            now
        )
    }
}

/** Sets bits of ConnFlag, and marks the connection as due: the next `transmit` looks at it. */
export function setDue(t: TcpContext, c: number, flags: number): void {
    t.conns.setAt(c + Tcb.Flags, "u8", t.conns.getAt(c + Tcb.Flags, "u8") | flags | ConnFlag.Due)
    // `transmit` begins with the connection that is due alone
    if (!t.dirty) t.cursor = c
    t.dirty = true
}

/** Arms a connection's timer to expire in `ms`. */
export function armTimer(t: TcpContext, c: number, now: number, ms: number): void {
    const conns = t.conns
    conns.setAt(c + Tcb.Flags, "u8", conns.getAt(c + Tcb.Flags, "u8") | ConnFlag.Timer)
    conns.setAt(c + Tcb.Deadline, "i32", (now + ms) | 0)
    noteTimer(t, (now + ms) | 0)
}

/**
 * Arms the timer of a connection for its retransmission timeout, or for its user timeout if that expires before (RFC 9293 section
 * 3.10.8).
 */
export function armRto(t: TcpContext, c: number, now: number): void {
    // no helper functions here on purpose: every segment with data takes this path
    const conns = t.conns
    const deadline = (now + conns.getAt(c + Tcb.Rto, "u16")) | 0
    conns.setAt(c + Tcb.Flags, "u8", conns.getAt(c + Tcb.Flags, "u8") | ConnFlag.Timer)
    conns.setAt(c + Tcb.Deadline, "i32", deadline)
    noteTimer(t, deadline)
    if (USER_TIMEOUT) {
        if (conns.getAt(c + Tcb.UserTimeout, "u16") > 0) advanceTimer(t, c, 1000)
    }
}

/**
 * Brings the timer forward, if it would expire later, to when `ms` milliseconds per second of the user timeout have passed
 * without progress.
 */
export function advanceTimer(t: TcpContext, c: number, ms: number): void {
    const conns = t.conns
    // until the connection is accepted, the field holds the listener's id
    if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending) return
    const end = (conns.getAt(c + Tcb.Progress, "i32") + conns.getAt(c + Tcb.UserTimeout, "u16") * ms) | 0
    if (((conns.getAt(c + Tcb.Deadline, "i32") - end) | 0) <= 0) return
    conns.setAt(c + Tcb.Deadline, "i32", end)
    noteTimer(t, end)
}

/** Stops a connection's timer. */
export function stopTimer(t: TcpContext, c: number): void {
    t.conns.setAt(c + Tcb.Flags, "u8", t.conns.getAt(c + Tcb.Flags, "u8") & ~ConnFlag.Timer)
}

/** Returns true when a connection has nothing in flight and nothing to send: its timer is free for keep-alive. */
export function isIdle(t: TcpContext, c: number): boolean {
    const conns = t.conns
    const state = conns.getAt(c + Tcb.State, "u8")
    if (state !== State.Established) {
        if (state !== State.CloseWait) return false
    }
    if (conns.getAt(c + Tcb.SendLength, "u16") > 0) return false
    return conns.getAt(c + Tcb.SndMax, "i32") === conns.getAt(c + Tcb.SndUna, "i32")
}

/** Makes `runTimers` run at `deadline` or before. */
export function noteTimer(t: TcpContext, deadline: number): void {
    if (!t.timerArmed || ((deadline - t.nextTimer) | 0) < 0) {
        t.timerArmed = true
        t.nextTimer = deadline
    }
}

/**
 * Ends a connection: moves it to CLOSED, with the error that the program gets. Frees its record unless a program still holds it
 * or an RST has to be sent. A program that holds it can still read the data that has arrived.
 */
export function failConnection(t: TcpContext, c: number, error: TcpError, now: number): void {
    const conns = t.conns
    setState(t, c, State.Closed, now)
    const flags = conns.getAt(c + Tcb.Flags, "u8")
    conns.setAt(c + Tcb.Error, "u8", -error)
    conns.setAt(c + Tcb.Flags, "u8", flags & ConnFlag.Held)
    conns.setAt(c + Tcb.SendLength, "u16", 0)
    if (EVENTS ? error !== TcpError.None : false) {
        if (t.events.on) {
            t.events.record.setAt(Event.Kind, "u8", EventKind.Failed)
            t.events.record.setAt(Event.Error, "u8", -error)
            t.events.push()
        }
    }
    freeClosed(t, c)
}

/** Frees the record of a connection in CLOSED, unless a program still holds it or an RST has to be sent. */
export function freeClosed(t: TcpContext, c: number): void {
    const conns = t.conns
    if (conns.getAt(c + Tcb.State, "u8") !== State.Closed) return
    if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Held) return
    if (conns.getAt(c + Tcb.SendFlags, "u8") & SendFlag.ResetDue) return
    conns.setAt(c + Tcb.Id, "u16", 0)
    conns.setAt(c + Tcb.Ports, "i32", 0)
    while (t.connsEnd > 0 && conns.getAt(t.connsEnd - Tcb.Size + Tcb.Id, "u16") === 0) t.connsEnd -= Tcb.Size
    if (t.cursor >= t.connsEnd) t.cursor = 0
}

/** Ends a connection with an RST to the peer (RFC 9293 section 3.10.5). */
export function reset(t: TcpContext, c: number, error: TcpError, now: number): void {
    const conns = t.conns
    // a peer with a shut window has not accepted our probe or FIN: only an RST with the sequence number that it expects resets
    // the connection (RFC 5961 section 3)
    if (conns.getAt(c + Tcb.SndWnd, "u16") === 0) {
        if (conns.getAt(c + Tcb.State, "u8") !== State.SynReceived) {
            conns.setAt(c + Tcb.SndMax, "i32", conns.getAt(c + Tcb.SndUna, "i32"))
        }
    }
    conns.setAt(c + Tcb.SendFlags, "u8", conns.getAt(c + Tcb.SendFlags, "u8") | SendFlag.ResetDue)
    failConnection(t, c, error, now)
    setDue(t, c, 0)
}
