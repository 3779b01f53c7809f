// The user's calls (RFC 9293 section 3.10.1 to 3.10.6). No call waits: each returns at once with what it could do.
//
// Connections and listeners have ids. Errors are returned as the negative numbers of TcpError.

import type { Buffer } from "@devicescript/core"
import { swap16 } from "../base/bytes"
import { ACTIVE_OPENS, KEEP_ALIVE, PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import { isNotUnicast } from "../wire/ipv4"
import { advertiseRoom } from "./connection-settings"
import type { Connection, TcpContext } from "./context"
import { passiveOpens } from "./listen"
import { ConnFlag, ConnOption, isFinWait, Listener, State, Tcb, TcpError } from "./records"
import { ephemeralPort, initialSequence, mixKey } from "./secret-numbers"
import { armTimer, failConnection, freeClosed, isIdle, reset, setDue, setState, stopTimer } from "./state"
import {
    allocate,
    findConnection,
    findListener,
    findTuple,
    findWait,
    findWaitId,
    joinPorts,
    listenerFor,
    newId,
} from "./tables"
import { freeWait } from "./time-wait"

/**
 * Listens on `port` for any peer (passive OPEN) and returns the listener's id. At most `backlog` connections wait to be
 * accepted. Errors: Invalid, InUse, NoBuffers.
 */
export function listen(t: TcpContext, port: number, backlog: number): number {
    if (port < 1 || port > 65535 || backlog < 1) return TcpError.Invalid
    if (PASSIVE_OPENS) {
        if (listenerFor(t, joinPorts(0, port)) >= 0) return TcpError.InUse
        const listeners = t.listeners
        for (let l = 0; l < listeners.length; l += Listener.Size) {
            if (listeners.getAt(l + Listener.Id, "u16") !== 0) continue
            const id = newId(t)
            if (!t.passive) t.passive = passiveOpens()
            listeners.setAt(l + Listener.Id, "u16", id)
            listeners.setAt(l + Listener.Port, "u16", swap16(port))
            listeners.setAt(l + Listener.Backlog, "u16", backlog)
            listeners.setAt(l + Listener.ReceiveLimit, "u16", t.receiveSize)
            return id
        }
    }
    return TcpError.NoBuffers
}

/**
 * Accepts the connection that has waited longest on the listener `id` and returns its id, 0 when none waits. Error:
 * NotConnected.
 */
export function accept(t: TcpContext, id: number): number {
    if (findListener(t, id) < 0) return TcpError.NotConnected
    let first: Connection | undefined
    let pending = 0
    for (let i = 0; i < t.connsEnd; i++) {
        const c = t.conns[i] as Connection
        if (!(c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending)) continue
        pending++
        if (c.getAt(Tcb.Listener, "u16") !== id) continue
        // connections get ids in the order of their handshakes, and ids wrap
        const age = (c.getAt(Tcb.Id, "u16") - t.lastId - 1) & 0xffff
        if (!first || age < ((first.getAt(Tcb.Id, "u16") - t.lastId - 1) & 0xffff)) first = c
    }
    t.arrived = pending > (first ? 1 : 0)
    if (!first) return 0
    const flags = first.getAt(Tcb.Flags, "u8")
    first.setAt(Tcb.Flags, "u8", (flags & ~ConnFlag.Pending) | ConnFlag.Held)
    first.setAt(Tcb.UserTimeout, "u16", 0)
    return first.getAt(Tcb.Id, "u16")
}

/**
 * Returns false for an address that cannot be another host's: broadcast, multicast (section 3.9.2.3, MUST-46), 0.0.0.0/8,
 * loopback, and our own.
 */
export function isPeer(t: TcpContext, ip: number): boolean {
    const first = ip & 0xff
    if (ip === t.broadcast || ip === (t.broadcast & t.netmask)) return false
    return ip !== t.ip && !isNotUnicast(ip) && first !== 127 && first !== 0
}

/**
 * Connects to `port` of `ip`, an address as the wire has it (active OPEN), and returns the connection's id. `localPort` 0 chooses
 * a port by RFC 6056. Errors: Invalid, Unreachable, InUse, NoBuffers.
 */
export function connect(t: TcpContext, ip: number, port: number, localPort: number, now: number): number {
    if (port < 1 || port > 65535 || localPort < 0 || localPort > 65535) return TcpError.Invalid
    if (t.ip === 0) return TcpError.Unreachable
    if (!isPeer(t, ip)) return TcpError.Invalid
    if (ACTIVE_OPENS) {
        if (localPort === 0) {
            mixKey(t, now)
            localPort = ephemeralPort(t, ip, port)
            if (localPort === 0) return TcpError.InUse
        }
        const ports = joinPorts(port, localPort)
        if (findTuple(t, ip, ports) >= 0) return TcpError.InUse
        if (TIME_WAIT_RECORDS) {
            if (findWait(t, ip, ports) >= 0) return TcpError.InUse
        }
        if (PASSIVE_OPENS) {
            if (t.passive && t.passive.halfOpenFor(t, ip, ports) >= 0) return TcpError.InUse
        }
        const c = allocate(t, now)
        if (!c) return TcpError.NoBuffers
        const iss = initialSequence(t, ip, ports, now)
        c.setAt(Tcb.Ports, "i32", ports)
        c.setAt(Tcb.RemoteIp, "i32", ip)
        c.setAt(Tcb.SndUna, "i32", iss)
        c.setAt(Tcb.SndNxt, "i32", iss)
        c.setAt(Tcb.SndMax, "i32", iss)
        c.setAt(Tcb.Progress, "i32", now)
        c.setAt(Tcb.Flags, "u8", ConnFlag.Held)
        setState(t, c, State.SynSent, now)
        setDue(t, c, 0)
        return c.getAt(Tcb.Id, "u16")
    }
    return TcpError.NoBuffers
}

/**
 * Queues up to `length` bytes of `from`, from `at` on, to be sent (SEND), and returns how many the send ring took, 0 when it is
 * full. Errors: Pipe after `shutdown`, the reason when the connection has ended, NotConnected.
 */
export function write(t: TcpContext, id: number, from: Buffer, at: number, length: number): number {
    const c = findConnection(t, id)
    if (!c) return TcpError.NotConnected
    const state = c.getAt(Tcb.State, "u8")
    if (state === State.Closed) return errorOf(t, id) || TcpError.Pipe
    // "queue the data for transmission after entering ESTABLISHED"
    const open =
        state === State.Established ||
        state === State.CloseWait ||
        state === State.SynSent ||
        state === State.SynReceived
    if (!open || c.getAt(Tcb.Flags, "u8") & ConnFlag.FinQueued) return TcpError.Pipe
    const queued = c.getAt(Tcb.SendLength, "u16")
    const size = t.sendSize
    if (length > size - queued) length = size - queued
    if (length > from.length - at) length = from.length - at
    if (at < 0 || length <= 0) return 0
    if (KEEP_ALIVE ? queued === 0 : false) endIdle(c)
    let to = c.getAt(Tcb.SendHead, "u16") + queued
    if (to >= size) to -= size
    const part = size - to
    if (length <= part) {
        c.blitAt(Tcb.Size + to, from, at, length)
    } else {
        c.blitAt(Tcb.Size + to, from, at, part)
        c.blitAt(Tcb.Size, from, at + part, length - part)
    }
    c.setAt(Tcb.SendLength, "u16", queued + length)
    setDue(t, c, 0)
    return length
}

/** Stops the timer of an idle connection with keep-alive, before it sends: the retransmission timeout needs the timer. */
function endIdle(c: Connection): void {
    if (!(c.getAt(Tcb.Options, "u8") & ConnOption.KeepAlive) || !isIdle(c)) return
    c.setAt(Tcb.Retries, "u8", 0)
    stopTimer(c)
}

/**
 * Moves up to `length` unread bytes to `into`, at `at` (RECEIVE), and returns how many, 0 when no data has arrived yet. Errors,
 * once all data is read: Eof after the peer's FIN, the reason when the connection has ended; NotConnected.
 */
export function read(t: TcpContext, id: number, into: Buffer, at: number, length: number): number {
    const c = findConnection(t, id)
    if (!c) return TcpError.NotConnected
    const state = c.getAt(Tcb.State, "u8")
    const queued = c.getAt(Tcb.ReceiveLength, "u16")
    if (queued === 0) {
        if (state === State.Closed) return errorOf(t, id) || TcpError.Eof
        return hasFin(state) ? TcpError.Eof : 0
    }
    if (length > queued) length = queued
    if (length > into.length - at) length = into.length - at
    if (at < 0 || length <= 0) return 0
    const size = t.receiveSize
    const ring = Tcb.Size + t.sendSize
    const head = c.getAt(Tcb.ReceiveHead, "u16")
    const part = size - head
    if (length < part) {
        into.blitAt(at, c, ring + head, length)
        c.setAt(Tcb.ReceiveHead, "u16", head + length)
    } else {
        into.blitAt(at, c, ring + head, part)
        into.blitAt(at + part, c, ring, length - part)
        c.setAt(Tcb.ReceiveHead, "u16", length - part)
    }
    c.setAt(Tcb.ReceiveLength, "u16", queued - length)
    advertiseRoom(t, c)
    return length
}

/** Sends a FIN after the queued data, and continues to receive: the half of CLOSE that RFC 9293 section 3.6 describes. */
export function shutdown(t: TcpContext, id: number, now: number): TcpError {
    const c = findConnection(t, id)
    if (!c) return TcpError.NotConnected
    const state = c.getAt(Tcb.State, "u8")
    if (state === State.Closed) return errorOf(t, id) || TcpError.NotConnected
    if (ACTIVE_OPENS ? state === State.SynSent : false) {
        // "delete the TCB and return 'error: closing' to any queued SENDs"
        const queued = c.getAt(Tcb.SendLength, "u16") > 0
        failConnection(t, c, queued ? TcpError.Aborted : TcpError.None, now)
    } else if (state === State.SynReceived) {
        c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") | ConnFlag.FinQueued)
    } else if (state === State.Established) {
        if (KEEP_ALIVE) endIdle(c)
        setState(t, c, State.FinWait1, now)
        setDue(t, c, 0)
    } else if (state === State.CloseWait) {
        if (KEEP_ALIVE) endIdle(c)
        setState(t, c, State.LastAck, now)
        setDue(t, c, 0)
    }
    return TcpError.None
}

/**
 * Closes a connection in both directions (CLOSE): like `shutdown`, and the program gives up the id. Unread data, and data that
 * arrives later, is answered with a reset (section 3.6.1, SHLD-3). If `id` is a listener's, closes its port and resets its
 * connections that were not accepted.
 */
export function close(t: TcpContext, id: number, now: number): TcpError {
    if (PASSIVE_OPENS) {
        if (t.passive?.closeListener(t, id, now)) return TcpError.None
    }
    const c = findConnection(t, id)
    if (!c) return findWaitId(t, id) < 0 ? TcpError.NotConnected : TcpError.None
    const state = c.getAt(Tcb.State, "u8")
    const flags = c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Held
    c.setAt(Tcb.Flags, "u8", flags | ConnFlag.ReadClosed)
    if (state === State.Closed) {
        freeClosed(t, c)
        return TcpError.None
    }
    // the next `transmit` moves the connection to a smaller record
    if (state === State.TimeWait) setDue(t, c, 0)
    const unread = c.getAt(Tcb.ReceiveLength, "u16") > 0
    if (unread && (state === State.Established || state === State.CloseWait || isFinWait(state))) {
        reset(t, c, TcpError.None, now)
        return TcpError.None
    }
    if (state === State.FinWait2) armTimer(t, c, now, t.config.finWait2)
    shutdown(t, id, now)
    return TcpError.None
}

/**
 * Ends a connection at once (ABORT), with an RST if the peer knows of the connection, and frees its record. Closes a listener.
 */
export function abort(t: TcpContext, id: number, now: number): TcpError {
    if (PASSIVE_OPENS) {
        if (t.passive?.closeListener(t, id, now)) return TcpError.None
    }
    const c = findConnection(t, id)
    if (!c) {
        const w = findWaitId(t, id)
        if (w < 0) return TcpError.NotConnected
        if (TIME_WAIT_RECORDS) freeWait(t, w, now)
        return TcpError.None
    }
    const state = c.getAt(Tcb.State, "u8")
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Held)
    if (state === State.Closed) {
        freeClosed(t, c)
    } else if (
        state === State.SynReceived ||
        state === State.Established ||
        state === State.CloseWait ||
        isFinWait(state)
    ) {
        reset(t, c, TcpError.Aborted, now)
    } else {
        failConnection(t, c, TcpError.Aborted, now)
    }
    return TcpError.None
}

/** Returns the state of the connection or listener `id` (STATUS), CLOSED if not found. */
export function stateOf(t: TcpContext, id: number): State {
    if (PASSIVE_OPENS) {
        if (t.passive && findListener(t, id) >= 0) return State.Listen
    }
    const c = findConnection(t, id)
    if (!c) return findWaitId(t, id) >= 0 ? State.TimeWait : State.Closed
    return c.getAt(Tcb.State, "u8")
}

/** Returns the reason why the connection `id` has ended, None while it has not. */
export function errorOf(t: TcpContext, id: number): TcpError {
    const c = findConnection(t, id)
    if (!c || c.getAt(Tcb.State, "u8") !== State.Closed) return TcpError.None
    const error = c.getAt(Tcb.Error, "u8")
    // never -0, which is not an integer on the VM
    return error > 0 ? -error : TcpError.None
}

/** Returns true in the states after the peer's FIN, when all its data has arrived. */
export function hasFin(state: State): boolean {
    return (
        state === State.CloseWait ||
        state === State.Closing ||
        state === State.LastAck ||
        state === State.TimeWait
    )
}
