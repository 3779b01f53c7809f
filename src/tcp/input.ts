// A segment comes in: is it whole, and whose is it? (RFC 9293 section 3.10.7.1 where it is nobody's.)

import { Counter } from "../inspect/counters"
import { EventKind } from "../inspect/events"
import { onesSum } from "../wire/checksum"
import { Protocol } from "../wire/ipv4"
import { Flag, Tcp } from "../wire/tcp"
import { segmentArrives } from "./arrival"
import { closed, drop, findTuple, type TcpContext, traceSegment } from "./context"
import { synSentArrives } from "./open"
import { halfOpenArrives, halfOpenFor, listenArrives, listenerFor, reopen } from "./passive"
import { answerReset } from "./reset"
import { Seg } from "./segment"
import { ConnFlag2, State, Tcb, TcpError } from "./tcb"

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
    t.counters.setAt(Counter.SegmentsIn, "i32", (t.counters.getAt(Counter.SegmentsIn, "i32") + 1) | 0)
    const ports = rx.getAt(at, "i32")
    const control = rx.getAt(at + Tcp.Flags, "u8")
    const sequence =
        (rx.getAt(at + Tcp.Sequence, "u8") << 24) |
        (rx.getAt(at + Tcp.Sequence + 1, "u8") << 16) |
        (rx.getAt(at + Tcp.Sequence + 2, "u8") << 8) |
        rx.getAt(at + Tcp.Sequence + 3, "u8")
    const segment = t.segment
    segment.setAt(Seg.RemoteIp, "i32", remoteIp)
    segment.setAt(Seg.Ports, "i32", ports)
    segment.setAt(Seg.Sequence, "i32", sequence)
    segment.setAt(
        Seg.Acknowledgment,
        "i32",
        (rx.getAt(at + Tcp.Acknowledgment, "u8") << 24) |
            (rx.getAt(at + Tcp.Acknowledgment + 1, "u8") << 16) |
            (rx.getAt(at + Tcp.Acknowledgment + 2, "u8") << 8) |
            rx.getAt(at + Tcp.Acknowledgment + 3, "u8")
    )
    segment.setAt(
        Seg.Window,
        "u16",
        (rx.getAt(at + Tcp.Window, "u8") << 8) | rx.getAt(at + Tcp.Window + 1, "u8")
    )
    segment.setAt(Seg.At, "u16", at)
    segment.setAt(Seg.TextAt, "u16", at + header)
    segment.setAt(Seg.Length, "u16", length - header)
    segment.setAt(Seg.Control, "u8", control)

    const c = findTuple(t, remoteIp, ports)
    if (c >= 0) {
        const conns = t.conns
        const state = conns.getAt(c + Tcb.State, "u8")
        if (t.events.on) {
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
        if (state === State.SynSent) {
            synSentArrives(t, c, now)
            return
        }
        // RFC 9293 section 3.6.1 (MAY-2): a new SYN, beyond all the old connection used, ends TIME-WAIT early
        const fresh =
            state === State.TimeWait &&
            (control & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn &&
            ((sequence - conns.getAt(c + Tcb.RcvNxt, "i32")) | 0) > 0
        const listener = fresh ? listenerFor(t, ports) : -1
        if (listener < 0) {
            segmentArrives(t, c, now)
            return
        }
        const half = listenArrives(t, listener, now)
        if (half >= 0) reopen(t, c, half, now)
        return
    }
    if (t.events.on) {
        const known = halfOpenFor(t, remoteIp, ports) >= 0
        const state = known ? State.SynReceived : listenerFor(t, ports) >= 0 ? State.Listen : State.Closed
        traceSegment(t, EventKind.SegmentIn, at, length, 0, state, remoteIp, now)
    }
    const h = halfOpenFor(t, remoteIp, ports)
    if (h >= 0) {
        halfOpenArrives(t, h, now)
        return
    }
    const l = listenerFor(t, ports)
    if (l >= 0) {
        listenArrives(t, l, now)
        return
    }
    // Section 3.10.7.1: CLOSED
    drop(t, Counter.TcpNoConnection, now)
    answerReset(t, now)
}

/**
 * ICMP says that what we sent to `remoteIp` was not delivered; `at` is where the 8 bytes it quotes of our segment stand.
 * RFC 5927: only a segment in flight counts, only a SYN is given up for it, and only where nobody listens.
 */
export function tcpUnreachable(
    t: TcpContext,
    remoteIp: number,
    at: number,
    hard: boolean,
    now: number
): boolean {
    const conns = t.conns
    const quoted = t.rx.getAt(at, "i32")
    const c = findTuple(t, remoteIp, (quoted << 16) | ((quoted >> 16) & 0xffff))
    if (c < 0) return false
    const sequence =
        (t.rx.getAt(at + 4, "u8") << 24) |
        (t.rx.getAt(at + 5, "u8") << 16) |
        (t.rx.getAt(at + 6, "u8") << 8) |
        t.rx.getAt(at + 7, "u8")
    const inFlight =
        ((sequence - conns.getAt(c + Tcb.SndUna, "i32")) | 0) >= 0 &&
        ((conns.getAt(c + Tcb.SndMax, "i32") - sequence) | 0) > 0
    if (!inFlight) return false
    if (hard && conns.getAt(c + Tcb.State, "u8") === State.SynSent) {
        closed(t, c, TcpError.Refused, now)
    } else {
        softError(t, c)
    }
    return true
}

/** Remembers that the peer cannot be reached just now: told as the reason should the connection time out. */
export function softError(t: TcpContext, c: number): void {
    t.conns.setAt(c + Tcb.Flags2, "u8", t.conns.getAt(c + Tcb.Flags2, "u8") | ConnFlag2.SoftError)
}
