// Finds, allocates and numbers the records of TCP's tables.
//
// Searches have an `if` in an `if`, which costs less than `&&` (docs/architecture.md).

import { swap16 } from "../base/bytes"
import { PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import type { TcpContext } from "./context"
import { ConnFlag, ConnOption, Listener, State, Tcb, TimeWaitRecord } from "./records"
import { noteTimer, setState } from "./state"

/** Returns the record of TIME-WAIT for this peer and these ports, -1 if not found. */
export function findWait(t: TcpContext, remoteIp: number, ports: number): number {
    const waits = t.waits
    const end = t.waitsEnd
    for (let w = 0; w < end; w += TimeWaitRecord.Size) {
        if (waits.getAt(w + TimeWaitRecord.Ports, "i32") === ports) {
            if (waits.getAt(w + TimeWaitRecord.RemoteIp, "i32") === remoteIp) {
                if (waits.getAt(w + TimeWaitRecord.Id, "u16") > 0) return w
            }
        }
    }
    return -1
}

/** Returns the listener for the port that a segment with these ports is sent to, -1 if not found. */
export function listenerFor(t: TcpContext, ports: number): number {
    const listeners = t.listeners
    const port = ports >>> 16
    for (let l = 0; l < listeners.length; l += Listener.Size) {
        if (listeners.getAt(l + Listener.Port, "u16") === port) {
            if (listeners.getAt(l + Listener.Id, "u16") > 0) {
                return l
            }
        }
    }
    return -1
}

/**
 * Allocates a connection record: a free one, else the one that has been longest in TIME-WAIT and has no unread data. Clears it
 * and assigns a new id. Returns -1 if neither exists.
 */
export function allocate(t: TcpContext, now: number): number {
    const conns = t.conns
    let oldest = -1
    let oldestHeld = 0
    const end = t.connsEnd
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Id, "u16") === 0) return prepare(t, c)
        if (conns.getAt(c + Tcb.State, "u8") !== State.TimeWait) continue
        const held = conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Held
        if (held > 0) {
            if (conns.getAt(c + Tcb.ReceiveLength, "u16") > 0) continue
        }
        const deadline = conns.getAt(c + Tcb.Deadline, "i32")
        if (
            oldest < 0 ||
            held < oldestHeld ||
            (held === oldestHeld && ((deadline - conns.getAt(oldest + Tcb.Deadline, "i32")) | 0) < 0)
        ) {
            oldest = c
            oldestHeld = held
        }
    }
    if (end < conns.length) {
        t.connsEnd = end + Tcb.Size
        return prepare(t, end)
    }
    if (oldest < 0) {
        if (PASSIVE_OPENS) {
            if (t.passive) {
                t.passive.scarce = true
                // the next look of slow-clients.ts may be far in the future
                noteTimer(t, (now + 1000) | 0)
            }
        }
        return -1
    }
    setState(t, oldest, State.Closed, now)
    return prepare(t, oldest)
}

/** Clears the record of a connection and sets the fields that do not start at 0. Returns the record. */
function prepare(t: TcpContext, c: number): number {
    const conns = t.conns
    conns.fillAt(c, Tcb.Size, 0)
    conns.setAt(c + Tcb.Id, "u16", newId(t))
    conns.setAt(c + Tcb.Rto, "u16", t.config.rtoInitial)
    conns.setAt(c + Tcb.ReceiveLimit, "u16", t.receiveSize)
    if (t.config.nagle === 0) conns.setAt(c + Tcb.Options, "u8", ConnOption.NoDelay)
    return c
}

/** Returns an id that no connection, record of TIME-WAIT or listener has. */
export function newId(t: TcpContext): number {
    let id = t.lastId
    for (;;) {
        id++
        if (id > 0xffff) id = 1
        // one that was never given needs no search, which costs as much as the rest of a handshake
        if (id > t.topId) {
            t.topId = id
            break
        }
        if (findConnection(t, id) < 0) {
            if (findListener(t, id) < 0) {
                if (findWaitId(t, id) < 0) break
            }
        }
    }
    t.lastId = id
    return id
}

/** Returns the record of the connection with this id, -1 if not found. */
export function findConnection(t: TcpContext, id: number): number {
    const conns = t.conns
    if (id <= 0) return -1
    // mostly that of the segment that has just arrived
    if (conns.getAt(t.found + Tcb.Id, "u16") === id) return t.found
    const end = t.connsEnd
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Id, "u16") === id) return c
    }
    return -1
}

/** Returns the record of TIME-WAIT with this id, -1 if not found. */
export function findWaitId(t: TcpContext, id: number): number {
    if (TIME_WAIT_RECORDS) {
        const waits = t.waits
        if (id <= 0) return -1
        const end = t.waitsEnd
        for (let w = 0; w < end; w += TimeWaitRecord.Size) {
            if (waits.getAt(w + TimeWaitRecord.Id, "u16") === id) return w
        }
    }
    return -1
}

/** Returns the record of the connection that has this peer and these ports and is not CLOSED, -1 if not found. */
export function findTuple(t: TcpContext, remoteIp: number, ports: number): number {
    const conns = t.conns
    const end = t.connsEnd
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Ports, "i32") === ports) {
            if (conns.getAt(c + Tcb.RemoteIp, "i32") === remoteIp) {
                if (conns.getAt(c + Tcb.State, "u8") !== State.Closed) return c
            }
        }
    }
    return -1
}

/** Returns the record of the listener with this id, -1 if not found. */
export function findListener(t: TcpContext, id: number): number {
    const listeners = t.listeners
    if (id <= 0) return -1
    for (let l = 0; l < listeners.length; l += Listener.Size) {
        if (listeners.getAt(l + Listener.Id, "u16") === id) return l
    }
    return -1
}

/** Returns where the rings of a connection start in `t.rings`: first its send ring, `sendSize` bytes later its receive ring. */
export function ringsOf(t: TcpContext, c: number): number {
    return Math.idiv(c, Tcb.Size) * (t.sendSize + t.receiveSize)
}

/** Returns two ports in the form of Tcb.Ports: remote, local, in network order. */
export function joinPorts(remote: number, local: number): number {
    return swap16(remote) | (swap16(local) << 16)
}

/** Returns the ports with source and destination exchanged. */
export function swapPorts(ports: number): number {
    return (ports << 16) | (ports >>> 16)
}
