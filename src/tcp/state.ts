// What all parts of TCP do to a connection: change its state, mark it as due, arm its timer, end it.

import { Event, EventKind } from "../base/events"
import { EVENTS, USER_TIMEOUT } from "../features"
import { type Connection, type TcpContext, Touched } from "./context"
import { ConnFlag, SendFlag, State, Tcb, TcpError } from "./records"
import { traceState } from "./report"

/** Moves a connection to another state, and records the event. */
export function setState(t: TcpContext, c: Connection, state: State, now: number): void {
    const before = c.getAt(Tcb.State, "u8")
    c.setAt(Tcb.State, "u8", state)
    t.touched = Touched.Several
    if (EVENTS) {
        traceState(
            t,
            c.getAt(Tcb.Id, "u16"),
            before,
            state,
            c.getAt(Tcb.RemoteIp, "i32"),
            c.getAt(Tcb.Ports, "i32"),
            now
        )
    }
}

/** Sets bits of ConnFlag, and marks the connection as due: the next `transmit` looks at it. */
export function setDue(t: TcpContext, c: Connection, flags: number): void {
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") | flags | ConnFlag.Due)
    // `transmit` begins with the connection that is due alone
    if (!t.next) t.next = c
    t.dirty = true
}

/** Arms a connection's timer to expire in `ms`. */
export function armTimer(t: TcpContext, c: Connection, now: number, ms: number): void {
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") | ConnFlag.Timer)
    c.setAt(Tcb.Deadline, "i32", (now + ms) | 0)
    noteTimer(t, (now + ms) | 0)
}

/**
 * Arms the timer of a connection for its retransmission timeout, or for its user timeout if that expires before (RFC 9293 section
 * 3.10.8).
 */
export function armRto(t: TcpContext, c: Connection, now: number): void {
    // no helper functions here on purpose: every segment with data takes this path
    const deadline = (now + c.getAt(Tcb.Rto, "u16")) | 0
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") | ConnFlag.Timer)
    c.setAt(Tcb.Deadline, "i32", deadline)
    noteTimer(t, deadline)
    if (USER_TIMEOUT) {
        if (c.getAt(Tcb.UserTimeout, "u16") > 0) advanceTimer(t, c, 1000)
    }
}

/**
 * Brings the timer forward, if it would expire later, to when `ms` milliseconds per second of the user timeout have passed
 * without progress.
 */
export function advanceTimer(t: TcpContext, c: Connection, ms: number): void {
    // until the connection is accepted, the field holds the listener's id
    if (c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending) return
    const end = (c.getAt(Tcb.Progress, "i32") + c.getAt(Tcb.UserTimeout, "u16") * ms) | 0
    if (((c.getAt(Tcb.Deadline, "i32") - end) | 0) <= 0) return
    c.setAt(Tcb.Deadline, "i32", end)
    noteTimer(t, end)
}

/** Stops a connection's timer. */
export function stopTimer(c: Connection): void {
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Timer)
}

/** Returns true when a connection has nothing in flight and nothing to send: its timer is free for keep-alive. */
export function isIdle(c: Connection): boolean {
    const state = c.getAt(Tcb.State, "u8")
    if (state !== State.Established) {
        if (state !== State.CloseWait) return false
    }
    if (c.getAt(Tcb.SendLength, "u16") > 0) return false
    return c.getAt(Tcb.SndMax, "i32") === c.getAt(Tcb.SndUna, "i32")
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
export function failConnection(t: TcpContext, c: Connection, error: TcpError, now: number): void {
    setState(t, c, State.Closed, now)
    const flags = c.getAt(Tcb.Flags, "u8")
    c.setAt(Tcb.Error, "u8", -error)
    c.setAt(Tcb.Flags, "u8", flags & ConnFlag.Held)
    c.setAt(Tcb.SendLength, "u16", 0)
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
export function freeClosed(t: TcpContext, c: Connection): void {
    if (c.getAt(Tcb.State, "u8") !== State.Closed) return
    if (c.getAt(Tcb.Flags, "u8") & ConnFlag.Held) return
    if (c.getAt(Tcb.SendFlags, "u8") & SendFlag.ResetDue) return
    c.setAt(Tcb.Id, "u16", 0)
    c.setAt(Tcb.Ports, "i32", 0)
    while (t.connsEnd > 0 && (t.conns[t.connsEnd - 1] as Connection).getAt(Tcb.Id, "u16") === 0) t.connsEnd--
    if (t.cursor >= t.connsEnd) t.cursor = 0
}

/** Ends a connection with an RST to the peer (RFC 9293 section 3.10.5). */
export function reset(t: TcpContext, c: Connection, error: TcpError, now: number): void {
    // a peer with a shut window has not accepted our probe or FIN: only an RST with the sequence number that it expects resets
    // the connection (RFC 5961 section 3)
    if (c.getAt(Tcb.SndWnd, "u16") === 0) {
        if (c.getAt(Tcb.State, "u8") !== State.SynReceived) {
            c.setAt(Tcb.SndMax, "i32", c.getAt(Tcb.SndUna, "i32"))
        }
    }
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") | SendFlag.ResetDue)
    failConnection(t, c, error, now)
    setDue(t, c, 0)
}
