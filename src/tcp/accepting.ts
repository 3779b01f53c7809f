// Turns a handshake that a client has completed into a connection that waits for the program to accept it.

import { Counter } from "../base/counters"
import { TIMESTAMPS } from "../features"
import type { TcpContext } from "./context"
import { takeAgreement } from "./established"
import { Mss } from "./options"
import { Agreed, ConnFlag, Listener, Seg, State, Tcb } from "./records"
import { drop } from "./report"
import { allocate } from "./tables"

/** Returns how many connections of the listener `id` wait to be accepted. */
export function pendingOf(t: TcpContext, id: number): number {
    const conns = t.conns
    const end = t.connsEnd
    let pending = 0
    for (let c = 0; c < end; c += Tcb.Size) {
        if (conns.getAt(c + Tcb.Listener, "u16") === id) {
            if (conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending) {
                if (conns.getAt(c + Tcb.Id, "u16") > 0) pending++
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
 * Returns a record for the connection whose handshake the segment in `t.segment` completes. Drops the segment and returns -1 when
 * no record is free, or no more connections may wait on the listener `l`. The client retransmits its data, or we retransmit the
 * SYN-ACK, and then a record may be free.
 */
export function connectionFor(t: TcpContext, l: number, now: number): number {
    if (!hasBacklog(t, l, now)) return -1
    const c = allocate(t, now)
    if (c < 0) drop(t, Counter.ConnectionsFull, now)
    return c
}

/**
 * Fills in the record `c` of a connection that waits to be accepted, from the segment in `t.segment` and the handshake before it:
 * sequence numbers, the peer's MSS, the options that both ends agreed on (bits of Agreed), TS.Recent. The caller fills in the
 * listener and the windows.
 */
export function openPassive(
    t: TcpContext,
    c: number,
    iss: number,
    irs: number,
    mss: number,
    agreement: number,
    stamp: number,
    now: number
): void {
    const conns = t.conns
    conns.setAt(c + Tcb.State, "u8", State.SynReceived)
    conns.setAt(c + Tcb.Flags, "u8", ConnFlag.Pending)
    t.arrived = true
    conns.setAt(c + Tcb.Ports, "i32", t.segment.getAt(Seg.Ports, "i32"))
    conns.setAt(c + Tcb.RemoteIp, "i32", t.segment.getAt(Seg.RemoteIp, "i32"))
    conns.setAt(c + Tcb.SndMax, "i32", (iss + 1) | 0)
    conns.setAt(c + Tcb.RcvNxt, "i32", (irs + 1) | 0)
    conns.setAt(c + Tcb.SndWl1, "i32", irs)
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) mss -= Mss.Timestamps
    conns.setAt(c + Tcb.Mss, "u16", mss)
    takeAgreement(t, c, agreement, stamp, now)
}
