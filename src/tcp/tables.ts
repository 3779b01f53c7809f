// Finds, allocates and numbers the records of TCP's tables.
//
// Searches have an `if` in an `if`, which costs less than `&&` (docs/architecture.md).

import { swap16 } from "../base/bytes"
import { PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import type { Connection, TcpContext } from "./context"
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
 * and assigns a new id. Returns undefined if neither exists.
 */
export function allocate(t: TcpContext, now: number): Connection | undefined {
    let oldest: Connection | undefined
    let oldestHeld = 0
    const end = t.connsEnd
    for (let i = 0; i < end; i++) {
        const c = t.conns[i] as Connection
        if (c.getAt(Tcb.Id, "u16") === 0) return prepare(t, c)
        if (c.getAt(Tcb.State, "u8") !== State.TimeWait) continue
        const held = c.getAt(Tcb.Flags, "u8") & ConnFlag.Held
        if (held > 0) {
            if (c.getAt(Tcb.ReceiveLength, "u16") > 0) continue
        }
        const deadline = c.getAt(Tcb.Deadline, "i32")
        if (
            !oldest ||
            held < oldestHeld ||
            (held === oldestHeld && ((deadline - oldest.getAt(Tcb.Deadline, "i32")) | 0) < 0)
        ) {
            oldest = c
            oldestHeld = held
        }
    }
    if (end < t.conns.length) {
        t.connsEnd = end + 1
        return prepare(t, t.conns[end] as Connection)
    }
    if (!oldest) {
        if (PASSIVE_OPENS) {
            if (t.passive) {
                t.passive.scarce = true
                // the next look of slow-clients.ts may be far in the future
                noteTimer(t, (now + 1000) | 0)
            }
        }
        return undefined
    }
    setState(t, oldest, State.Closed, now)
    return prepare(t, oldest)
}

/** Clears the record of a connection and sets the fields that do not start at 0. Returns the record. */
function prepare(t: TcpContext, c: Connection): Connection {
    c.fillAt(0, Tcb.Size, 0)
    c.setAt(Tcb.Id, "u16", newId(t))
    c.setAt(Tcb.Rto, "u16", t.config.rtoInitial)
    c.setAt(Tcb.ReceiveLimit, "u16", t.receiveSize)
    if (t.config.nagle === 0) c.setAt(Tcb.Options, "u8", ConnOption.NoDelay)
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
        if (!findConnection(t, id)) {
            if (findListener(t, id) < 0) {
                if (findWaitId(t, id) < 0) break
            }
        }
    }
    t.lastId = id
    return id
}

/** Returns the record of the connection with this id, undefined if not found. */
export function findConnection(t: TcpContext, id: number): Connection | undefined {
    if (id <= 0) return undefined
    // mostly that of the segment that has just arrived
    const found = t.conns[t.found] as Connection
    if (found.getAt(Tcb.Id, "u16") === id) return found
    for (let i = 0; i < t.connsEnd; i++) {
        const c = t.conns[i] as Connection
        if (c.getAt(Tcb.Id, "u16") === id) return c
    }
    return undefined
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

/** Returns the index of the connection that has this peer and these ports and is not CLOSED, -1 if not found. */
export function findTuple(t: TcpContext, remoteIp: number, ports: number): number {
    const conns = t.conns
    const end = t.connsEnd
    for (let i = 0; i < end; i++) {
        const c = conns[i] as Connection
        if (c.getAt(Tcb.Ports, "i32") === ports) {
            if (c.getAt(Tcb.RemoteIp, "i32") === remoteIp) {
                if (c.getAt(Tcb.State, "u8") !== State.Closed) return i
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

/** Returns two ports in the form of Tcb.Ports: remote, local, in network order. */
export function joinPorts(remote: number, local: number): number {
    return swap16(remote) | (swap16(local) << 16)
}

/** Returns the ports with source and destination exchanged. */
export function swapPorts(ports: number): number {
    return (ports << 16) | (ports >>> 16)
}
