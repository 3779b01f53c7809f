// Receives a segment: checks its checksum, reads its fields and finds the record that it belongs to. A segment that belongs to no
// record is answered as in CLOSED (RFC 9293 section 3.10.7.1).

import { Counter } from "../base/counters"
import { EventKind } from "../base/events"
import { ACTIVE_OPENS, COUNTERS, EVENTS, PASSIVE_OPENS, TIME_WAIT_RECORDS } from "../features"
import { onesSum } from "../wire/checksum"
import { Ip, Protocol } from "../wire/ipv4"
import { Flag, Tcp } from "../wire/tcp"
import { type Connection, Frame, Reopened, type TcpContext, Touched } from "./context"
import { ConnOption, Seg, State, Tcb, TcpError, TimeWaitRecord } from "./records"
import { answerReset } from "./reply"
import { drop, traceSegment } from "./report"
import { segmentArrives } from "./segment-arrives"
import { failConnection } from "./state"
import { synSentArrives } from "./syn-sent"
import { findTuple, findWait, listenerFor } from "./tables"
import { waitArrives } from "./time-wait"

/**
 * Handles the segment of `length` bytes at Frame.Transport in the receive frame, after an IP header without options: `remoteIp` sent it to
 * this host.
 */
export function tcpInput(t: TcpContext, remoteIp: number, length: number, now: number): void {
    // flat on purpose: the path of every segment
    const rx = t.rx
    // a segment that is too short for a header fails here, too
    const header = (rx.getAt(Frame.Transport + Tcp.DataOffset, "u8") & 0xf0) >> 2
    if (header < Tcp.Size || header > length) {
        drop(t, Counter.TcpMalformed, now)
        return
    }
    // the pseudo header (RFC 9293 section 3.1), whose addresses are the last eight bytes of the IP header
    const pseudo =
        rx.getAt(Frame.Ip + Ip.Source, "u32") +
        rx.getAt(Frame.Ip + Ip.Destination, "u32") +
        (Protocol.Tcp << 8) +
        (((length & 0xff) << 8) | (length >> 8))
    if (onesSum(rx, Frame.Transport, length, pseudo) !== 0xffff) {
        drop(t, Counter.TcpChecksum, now)
        return
    }
    if (COUNTERS)
        t.counters.setAt(Counter.SegmentsIn, "i32", (t.counters.getAt(Counter.SegmentsIn, "i32") + 1) | 0)
    const ports = rx.getAt(Frame.Transport, "i32")
    const control = rx.getAt(Frame.Transport + Tcp.Flags, "u8")
    // The segment belongs to a connection, a record of TIME-WAIT, a half-open record, a listener, or none of them
    let c: Connection | undefined
    if (t.connsEnd > 0) {
        let index = t.found
        c = t.conns[index] as Connection
        // mostly that of the segment before
        if (
            c.getAt(Tcb.Ports, "i32") !== ports ||
            c.getAt(Tcb.RemoteIp, "i32") !== remoteIp ||
            c.getAt(Tcb.State, "u8") === State.Closed
        ) {
            index = findTuple(t, remoteIp, ports)
            c = t.conns[index]
        }
        if (c) {
            t.found = index
            if (t.touched !== index) t.touched = t.touched === Touched.None ? index : Touched.Several
        }
    }
    const passive = t.passive
    let state: State = State.Closed
    let record = -1
    if (c) {
        state = c.getAt(Tcb.State, "u8")
    } else {
        if (TIME_WAIT_RECORDS ? t.waitsEnd > 0 : false) {
            record = findWait(t, remoteIp, ports)
            if (record >= 0) state = State.TimeWait
        }
        if (PASSIVE_OPENS) {
            if (record < 0) {
                if (passive) {
                    if (t.halvesEnd > 0) record = passive.halfOpenFor(t, remoteIp, ports)
                    if (record >= 0) {
                        state = State.SynReceived
                    } else {
                        record = listenerFor(t, ports)
                        if (record >= 0) state = State.Listen
                    }
                }
            }
        }
    }
    if (EVENTS ? t.events.on : false) {
        let id = 0
        if (c) id = c.getAt(Tcb.Id, "u16")
        else if (state === State.TimeWait) id = t.waits.getAt(record + TimeWaitRecord.Id, "u16")
        traceSegment(t, EventKind.SegmentIn, Frame.Transport, length, id, state, remoteIp, now)
    }
    const sequence = rx.getAt(Frame.Transport + Tcp.Sequence, "i32")
    const acknowledgment = rx.getAt(Frame.Transport + Tcp.Acknowledgment, "i32")
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
        (rx.getAt(Frame.Transport + Tcp.Window, "u8") << 8) | rx.getAt(Frame.Transport + Tcp.Window + 1, "u8")
    )
    segment.setAt(Seg.DataAt, "u16", Frame.Transport + header)
    segment.setAt(Seg.Length, "u16", length - header)
    segment.setAt(Seg.Control, "u8", control)
    if (c) {
        if (ACTIVE_OPENS ? state === State.SynSent : false) {
            synSentArrives(t, c, now)
            return
        }
        if (PASSIVE_OPENS ? state === State.TimeWait : false) {
            if (reopens(t, c, control, now)) return
        }
        segmentArrives(t, c, now)
        return
    }
    if (TIME_WAIT_RECORDS ? state === State.TimeWait : false) {
        waitArrives(t, record, now)
        return
    }
    if (PASSIVE_OPENS) {
        if (passive) {
            if (state === State.SynReceived) {
                passive.halfOpenArrives(t, record, now)
                return
            }
            if (state === State.Listen) {
                passive.listenArrives(t, record, now)
                return
            }
        }
    }
    // Section 3.10.7.1: CLOSED
    drop(t, Counter.TcpNoConnection, now)
    answerReset(t, now)
}

/**
 * Reopens the connection `c` in TIME-WAIT when the segment in `t.segment` is a SYN that may do so (section 3.6.1, MAY-2); the old
 * connection then ends, even if a program still holds it. Returns false when the caller still has to handle the segment.
 */
function reopens(t: TcpContext, c: Connection, control: number, now: number): boolean {
    if (!(control & Flag.Syn) || !t.passive) return false
    const reopened = t.passive.reopen(
        t,
        c.getAt(Tcb.RcvNxt, "i32"),
        (c.getAt(Tcb.Options, "u8") & ConnOption.Timestamps) !== 0,
        c.getAt(Tcb.TsRecent, "i32"),
        c.getAt(Tcb.SndMax, "i32"),
        now
    )
    if (reopened === Reopened.Yes) failConnection(t, c, TcpError.None, now)
    return reopened !== Reopened.No
}
