// Turns a handshake that a client has completed into a connection that waits for the program to accept it.

import { Counter } from "../base/counters"
import { TIMESTAMPS } from "../features"
import type { Connection, TcpContext } from "./context"
import { takeAgreement } from "./established"
import { Mss } from "./options"
import { Agreed, ConnFlag, Listener, Seg, State, Tcb } from "./records"
import { drop } from "./report"
import { allocate } from "./tables"

/** Returns how many connections of the listener `id` wait to be accepted. */
export function pendingOf(t: TcpContext, id: number): number {
    const end = t.connsEnd
    let pending = 0
    for (let i = 0; i < end; i++) {
        const c = t.conns[i] as Connection
        if (c.getAt(Tcb.Listener, "u16") === id) {
            if (c.getAt(Tcb.Flags, "u8") & ConnFlag.Pending) {
                if (c.getAt(Tcb.Id, "u16") > 0) pending++
            }
        }
    }
    return pending
}

/**
 * Returns true when another connection may wait on the listener `l`. Otherwise drops the segment in `t.segment` and returns
 * false.
 */
export function hasBacklog(t: TcpContext, l: number, now: number): boolean {
    const id = t.listeners.getAt(l + Listener.Id, "u16")
    if (pendingOf(t, id) < t.listeners.getAt(l + Listener.Backlog, "u16")) return true
    drop(t, Counter.BacklogFull, now)
    return false
}

/**
 * Returns a record for the connection whose handshake the segment in `t.segment` completes. Drops the segment and returns undefined when
 * no record is free, or no more connections may wait on the listener `l`. The client retransmits its data, or we retransmit the
 * SYN-ACK, and then a record may be free.
 */
export function connectionFor(t: TcpContext, l: number, now: number): Connection | undefined {
    if (!hasBacklog(t, l, now)) return undefined
    const c = allocate(t, now)
    if (!c) drop(t, Counter.ConnectionsFull, now)
    return c
}

/**
 * Fills in the record `c` of a connection that waits to be accepted, from the segment in `t.segment` and the handshake before it:
 * sequence numbers, the peer's MSS, the options that both ends agreed on (bits of Agreed), TS.Recent. The caller fills in the
 * listener and the windows.
 */
export function openPassive(
    t: TcpContext,
    c: Connection,
    iss: number,
    irs: number,
    mss: number,
    agreement: number,
    stamp: number,
    now: number
): void {
    c.setAt(Tcb.State, "u8", State.SynReceived)
    c.setAt(Tcb.Flags, "u8", ConnFlag.Pending)
    t.arrived = true
    c.setAt(Tcb.Ports, "i32", t.segment.getAt(Seg.Ports, "i32"))
    c.setAt(Tcb.RemoteIp, "i32", t.segment.getAt(Seg.RemoteIp, "i32"))
    c.setAt(Tcb.SndMax, "i32", (iss + 1) | 0)
    c.setAt(Tcb.RcvNxt, "i32", (irs + 1) | 0)
    c.setAt(Tcb.SndWl1, "i32", irs)
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) mss -= Mss.Timestamps
    c.setAt(Tcb.Mss, "u16", mss)
    takeAgreement(t, c, agreement, stamp, now)
}
