// From a handshake that a client has completed to a connection that waits to be accepted.

import { Counter } from "../base/counters"
import { TIMESTAMPS } from "../features"
import type { TcpContext } from "./context"
import { takeAgreement } from "./opened"
import { Mss } from "./options"
import { Agreed, ConnFlag, Listener, Seg, State, Tcb } from "./records"
import { drop } from "./report"
import { allocate } from "./tables"

/** Connections of a listener that wait to be accepted. */
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

/** False, and the segment in `t.segment` dropped, while as many connections wait on the listener `l` as may. */
export function hasBacklog(t: TcpContext, l: number, now: number): boolean {
    const id = t.listeners.getAt(l + Listener.Id, "u16")
    if (pendingOf(t, id) < t.listeners.getAt(l + Listener.Backlog, "u16")) return true
    drop(t, Counter.BacklogFull, now)
    return false
}

/**
 * A record for the connection whose handshake `t.segment` completes. -1, and it is dropped, when there is none, or no more
 * may wait on the listener `l`: the client sends again what it thinks we have, or we the SYN-ACK; until then there may be.
 */
export function connectionFor(t: TcpContext, l: number, now: number): number {
    if (!hasBacklog(t, l, now)) return -1
    const c = allocate(t, now)
    if (c < 0) drop(t, Counter.ConnectionsFull, now)
    return c
}

/**
 * Fills the record `c` in with what `t.segment` and the handshake before it say: numbers, the peer's MSS, what both agreed
 * on (bits of Agreed), TS.Recent. It waits to be accepted; whose it is and its windows are the caller's.
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
    conns.setAt(c + Tcb.Ports, "i32", t.segment.getAt(Seg.Ports, "i32"))
    conns.setAt(c + Tcb.RemoteIp, "i32", t.segment.getAt(Seg.RemoteIp, "i32"))
    conns.setAt(c + Tcb.SndMax, "i32", (iss + 1) | 0)
    conns.setAt(c + Tcb.RcvNxt, "i32", (irs + 1) | 0)
    conns.setAt(c + Tcb.SndWl1, "i32", irs)
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) mss -= Mss.Timestamps
    conns.setAt(c + Tcb.Mss, "u16", mss)
    takeAgreement(t, c, agreement, stamp, now)
}
