// RFC 9293 section 3.10.7.4, seventh and eighth step: the data and the FIN of an acceptable segment.
//
// Each function here has a single caller, as in segment-arrives.ts.

import { Counter } from "../base/counters"
import { DELAYED_ACKS, REASSEMBLY } from "../features"
import { Flag } from "../wire/tcp"
import type { Connection, TcpContext } from "./context"
import { dropAhead, fillGap, keepAhead, takeFin, upToFin } from "./reassembly"
import { Ahead, ConnFlag, isFinWait, State, Tcb, TcpError } from "./records"
import { count, drop } from "./report"
import { armTimer, reset, setDue, setState } from "./state"

/** How long an ACK waits for the program to read the data, so that it can advertise the room. */
const enum Moment {
    Ms = 2,
}

/**
 * Accepts the `length` bytes of data at `at` of the receive frame, the first of them `offset` after RCV.NXT, and the FIN in
 * `control`, as far as they fit the window of `room` bytes. The segment has data or a FIN.
 */
export function takeData(
    t: TcpContext,
    c: Connection,
    offset: number,
    at: number,
    length: number,
    control: number,
    room: number,
    now: number
): void {
    const state = c.getAt(Tcb.State, "u8")
    if (offset < 0) {
        at -= offset
        length += offset
        offset = 0
    }
    if (state !== State.Established) {
        if (!isFinWait(state)) {
            // "This should not occur since a FIN has been received from the remote side"
            drop(t, Counter.TcpAfterFin, now)
            setDue(t, c, ConnFlag.AckNow)
            return
        }
    }
    const flags = c.getAt(Tcb.Flags, "u8")
    if (length > 0) {
        if (flags & ConnFlag.ReadClosed) {
            // section 3.6.1 (SHLD-3): data for a program that has closed is answered with a reset
            reset(t, c, TcpError.None, now)
            return
        }
    }
    if (offset + length > room) {
        length = room - offset
        control &= ~Flag.Fin
    }
    if (offset > 0) {
        // RFC 5681 section 4.2: an out-of-order segment is acknowledged at once
        setDue(t, c, ConnFlag.AckNow)
        if (length === 0) {
            if (!(control & Flag.Fin)) return
        }
        if (REASSEMBLY ? keepAhead(t, c, offset, at, length, control & Flag.Fin) : false)
            count(t, Counter.Reordered)
        else drop(t, Counter.TcpOutOfOrder, now)
        return
    }
    const gap = REASSEMBLY ? c.getAt(Tcb.Ahead + Ahead.End, "u16") > 0 : false
    if (REASSEMBLY ? gap : false) {
        // a FIN in sequence has all data before it, and no data after it
        if (control & Flag.Fin) dropAhead(c)
        else length = upToFin(c, length)
    }
    if (length > 0) {
        const queued = c.getAt(Tcb.ReceiveLength, "u16")
        store(t, c, queued, at, length)
        if (REASSEMBLY ? gap : false) {
            if (!(control & Flag.Fin)) {
                length = fillGap(c, length)
                if (takeFin(c)) {
                    length--
                    control |= Flag.Fin
                }
            }
        }
        c.setAt(Tcb.ReceiveLength, "u16", queued + length)
    }
    const fin = control & Flag.Fin
    c.setAt(Tcb.RcvNxt, "i32", (c.getAt(Tcb.RcvNxt, "i32") + length + fin) | 0)
    // below 0 when a FIN follows data that fills the window: the store clamps that to 0
    const left = room - length - fin
    c.setAt(Tcb.RcvWnd, "u16", left)
    // Eighth, check the FIN bit
    if (fin) finArrives(t, c, state, now)
    else scheduleAck(t, c, flags, gap, length, left, now)
}

/** Copies `length` bytes at `at` of the receive frame into the receive ring, after the `queued` bytes that wait there. */
function store(t: TcpContext, c: Connection, queued: number, at: number, length: number): void {
    const size = t.receiveSize
    const ring = Tcb.Size + t.sendSize
    let to = c.getAt(Tcb.ReceiveHead, "u16") + queued
    if (to >= size) to -= size
    const part = size - to
    if (length <= part) {
        c.blitAt(ring + to, t.rx, at, length)
    } else {
        c.blitAt(ring + to, t.rx, at, part)
        c.blitAt(ring, t.rx, at + part, length - part)
    }
}

/**
 * Schedules the ACK for `length` bytes of data that left `left` bytes of the window (section 3.8.6.3): at once for every second
 * segment and for one that fills a gap, later for the others.
 */
function scheduleAck(
    t: TcpContext,
    c: Connection,
    flags: number,
    gap: boolean,
    length: number,
    left: number,
    now: number
): void {
    const wait = DELAYED_ACKS ? t.config.delayedAck : 0
    if (DELAYED_ACKS ? gap || flags & ConnFlag.AckDelayed || wait === 0 : true) {
        c.setAt(Tcb.Flags, "u8", flags | ConnFlag.AckNow | ConnFlag.Due)
        if (!t.next) t.next = c
        t.dirty = true
        if (DELAYED_ACKS ? !gap : false) c.setAt(Tcb.Bulk, "u16", 1)
        return
    }
    // A peer that has used half of the window may have to wait, so the program gets a moment to read, and one ACK reports the
    // data and the room. The program gets the moment, too, when a segment of a quarter of the window follows two others, because
    // it fills a window of three
    const limit = c.getAt(Tcb.ReceiveLimit, "u16")
    let deadline = (now + wait) | 0
    if (left < limit >> 1 || (c.getAt(Tcb.Bulk, "u16") && length >= limit >> 2)) {
        if (wait > Moment.Ms) deadline = (now + Moment.Ms) | 0
    }
    c.setAt(Tcb.Flags, "u8", flags | ConnFlag.AckDelayed)
    c.setAt(Tcb.AckAt, "u16", deadline & 0xffff)
    // does what noteTimer does, without a call
    if (!t.timerArmed || ((deadline - t.nextTimer) | 0) < 0) {
        t.timerArmed = true
        t.nextTimer = deadline
    }
}

/** Handles the peer's FIN, after all its data. */
function finArrives(t: TcpContext, c: Connection, state: State, now: number): void {
    setDue(t, c, ConnFlag.AckNow)
    if (state === State.Established) {
        setState(t, c, State.CloseWait, now)
    } else if (state === State.FinWait1) {
        setState(t, c, State.Closing, now)
    } else {
        setState(t, c, State.TimeWait, now)
        armTimer(t, c, now, t.config.timeWait)
    }
}
