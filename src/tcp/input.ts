// A segment comes in: is it whole, and whose is it? (RFC 9293 section 3.10.7.1 where it is nobody's.)

import { Counter } from "../base/counters"
import { EventKind } from "../base/events"
import { ACTIVE_OPENS, COUNTERS, EVENTS, PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import { onesSum } from "../wire/checksum"
import { Protocol } from "../wire/ipv4"
import { Flag, Tcp } from "../wire/tcp"
import { Reopened, type TcpContext } from "./context"
import { ConnOption, Seg, State, Tcb, TcpError, Wait } from "./records"
import { answerReset } from "./reply"
import { drop, traceSegment } from "./report"
import { segmentArrives } from "./segment-arrives"
import { closed } from "./state"
import { synSentArrives } from "./syn-sent"
import { findTuple, findWait } from "./tables"
import { waitArrives } from "./time-wait"

/** Handles the segment of `length` bytes at `at` in the receive frame, from `remoteIp` to this host. */
export function tcpInput(t: TcpContext, remoteIp: number, at: number, length: number, now: number): void {
    // flat on purpose, the path of every segment
    const rx = t.rx
    if (length < Tcp.Size) {
        drop(t, Counter.TcpMalformed, now)
        return
    }
    const header = (rx.getAt(at + Tcp.DataOffset, "u8") >> 4) << 2
    if (header < Tcp.Size || header > length) {
        drop(t, Counter.TcpMalformed, now)
        return
    }
    const ip = t.ip
    const pseudo =
        (remoteIp & 0xffff) +
        ((remoteIp >> 16) & 0xffff) +
        (ip & 0xffff) +
        ((ip >> 16) & 0xffff) +
        (Protocol.Tcp << 8) +
        (((length & 0xff) << 8) | (length >> 8))
    if (onesSum(rx, at, length, pseudo) !== 0xffff) {
        drop(t, Counter.TcpChecksum, now)
        return
    }
    if (COUNTERS)
        t.counters.setAt(Counter.SegmentsIn, "i32", (t.counters.getAt(Counter.SegmentsIn, "i32") + 1) | 0)
    const ports = rx.getAt(at, "i32")
    const control = rx.getAt(at + Tcp.Flags, "u8")
    const sequence = rx.getAt(at + Tcp.Sequence, "i32")
    const acknowledgment = rx.getAt(at + Tcp.Acknowledgment, "i32")
    const segment = t.segment
    segment.setAt(Seg.RemoteIp, "i32", remoteIp)
    segment.setAt(Seg.Ports, "i32", ports)
    segment.setAt(
        Seg.Sequence,
        "i32",
        (sequence << 24) | ((sequence & 0xff00) << 8) | ((sequence >> 8) & 0xff00) | (sequence >>> 24)
    )
    segment.setAt(
        Seg.Acknowledgment,
        "i32",
        (acknowledgment << 24) |
            ((acknowledgment & 0xff00) << 8) |
            ((acknowledgment >> 8) & 0xff00) |
            (acknowledgment >>> 24)
    )
    segment.setAt(
        Seg.Window,
        "u16",
        (rx.getAt(at + Tcp.Window, "u8") << 8) | rx.getAt(at + Tcp.Window + 1, "u8")
    )
    segment.setAt(Seg.At, "u16", at)
    segment.setAt(Seg.DataAt, "u16", at + header)
    segment.setAt(Seg.Length, "u16", length - header)
    segment.setAt(Seg.Space, "u16", length - header + (control & Flag.Fin) + ((control & Flag.Syn) >> 1))
    segment.setAt(Seg.Control, "u8", control)

    const c = findTuple(t, remoteIp, ports)
    if (c >= 0) {
        const conns = t.conns
        const state = conns.getAt(c + Tcb.State, "u8")
        if (EVENTS ? t.events.on : false) {
            traceSegment(
                t,
                EventKind.SegmentIn,
                at,
                length,
                conns.getAt(c + Tcb.Id, "u16"),
                state,
                remoteIp,
                now
            )
        }
        if (ACTIVE_OPENS ? state === State.SynSent : false) {
            synSentArrives(t, c, now)
            return
        }
        if (PASSIVE_OPENS ? state === State.TimeWait : false) {
            if (control & Flag.Syn) {
                // section 3.6.1 (MAY-2): one that a program still holds ends early, too
                if (t.passive) {
                    const reopened = t.passive.reopen(
                        t,
                        conns.getAt(c + Tcb.RcvNxt, "i32"),
                        (conns.getAt(c + Tcb.Options, "u8") & ConnOption.Timestamps) !== 0,
                        conns.getAt(c + Tcb.TsRecent, "i32"),
                        conns.getAt(c + Tcb.SndMax, "i32"),
                        now
                    )
                    if (reopened === Reopened.Yes) closed(t, c, TcpError.None, now)
                    if (reopened !== Reopened.No) return
                }
            }
        }
        segmentArrives(t, c, now)
        return
    }
    if (TIME_WAIT_RECORDS) {
        const w = t.waitsEnd > 0 ? findWait(t, remoteIp, ports) : -1
        if (w >= 0) {
            if (EVENTS ? t.events.on : false) {
                const id = t.waits.getAt(w + Wait.Id, "u16")
                traceSegment(t, EventKind.SegmentIn, at, length, id, State.TimeWait, remoteIp, now)
            }
            waitArrives(t, w, now)
            return
        }
    }
    const passive = t.passive
    let h = -1
    let l = -1
    if (PASSIVE_OPENS) {
        if (passive) {
            if (t.halvesEnd > 0) h = passive.halfOpenFor(t, remoteIp, ports)
            if (h < 0) l = passive.listenerFor(t, ports)
        }
    }
    if (EVENTS ? t.events.on : false) {
        const state = h >= 0 ? State.SynReceived : l >= 0 ? State.Listen : State.Closed
        traceSegment(t, EventKind.SegmentIn, at, length, 0, state, remoteIp, now)
    }
    if (PASSIVE_OPENS) {
        if (passive && h >= 0) {
            passive.halfOpenArrives(t, h, now)
            return
        }
        if (passive && l >= 0) {
            passive.listenArrives(t, l, now)
            return
        }
    }
    // Section 3.10.7.1: CLOSED
    drop(t, Counter.TcpNoConnection, now)
    answerReset(t, now)
}
