// Passive opens: LISTEN (RFC 9293 section 3.10.7.2) and the half-open connections that come from it (SYN-RECEIVED).
//
// A half-open connection takes a small record of its own: a connection's record is taken when the handshake is done.

import { Counter } from "../inspect/counters"
import { Flag, OptionBit, Options, parseOptions, Tcp } from "../wire/tcp"
import { segmentArrives } from "./arrival"
import { mayChallenge } from "./challenge"
import {
    allocate,
    closed,
    count,
    drop,
    findListener,
    noteTimer,
    type TcpContext,
    traceState,
} from "./context"
import { initialSequence } from "./isn"
import { established, sendMss } from "./open"
import { answerReset } from "./reset"
import { Seg } from "./segment"
import { ConnFlag, ConnFlag2, Half, HalfFlag, Listener, State, Tcb, TcpError } from "./tcb"

/** The listener for the port that a segment with these ports is sent to, -1 when there is none. */
export function listenerFor(t: TcpContext, ports: number): number {
    const listeners = t.listeners
    const port = (ports >> 16) & 0xffff
    for (let l = 0; l < listeners.length; l += Listener.Size) {
        if (
            listeners.getAt(l + Listener.Port, "u16") === port &&
            listeners.getAt(l + Listener.Id, "u16") > 0
        ) {
            return l
        }
    }
    return -1
}

/** The half-open record with this peer and these ports, -1 when there is none. */
export function halfOpenFor(t: TcpContext, remoteIp: number, ports: number): number {
    const halves = t.halves
    const end = t.halvesEnd
    for (let h = 0; h < end; h += Half.Size) {
        if (
            halves.getAt(h + Half.Ports, "i32") === ports &&
            halves.getAt(h + Half.RemoteIp, "i32") === remoteIp
        ) {
            if (halves.getAt(h + Half.Listener, "u16") > 0) return h
        }
    }
    return -1
}

/** Connections of a listener that wait to be accepted. */
export function pendingOf(t: TcpContext, id: number): number {
    const conns = t.conns
    const end = t.connsEnd
    let pending = 0
    for (let c = 0; c < end; c += Tcb.Size) {
        if (
            conns.getAt(c + Tcb.Listener, "u16") === id &&
            conns.getAt(c + Tcb.Flags, "u8") & ConnFlag.Pending
        ) {
            if (conns.getAt(c + Tcb.Id, "u16") > 0) pending++
        }
    }
    return pending
}

/**
 * Section 3.10.7.2: the segment in `t.segment` arrives for the listener `l`. Gives the half-open record that it led to,
 * -1 when to none.
 */
export function listenArrives(t: TcpContext, l: number, now: number): number {
    const segment = t.segment
    const control = segment.getAt(Seg.Control, "u8")
    // First, check for a RST
    if (control & Flag.Rst) {
        drop(t, Counter.TcpBadReset, now)
        return -1
    }
    // Second, check for an ACK
    if (control & Flag.Ack) {
        drop(t, Counter.TcpNoConnection, now)
        answerReset(t, now)
        return -1
    }
    // Fourth, other data or control: no SYN
    if (!(control & Flag.Syn)) {
        drop(t, Counter.TcpNoAck, now)
        return -1
    }
    // Third, check for a SYN. Text and FIN with it are not kept: the peer sends them again.
    const id = t.listeners.getAt(l + Listener.Id, "u16")
    if (pendingOf(t, id) >= t.listeners.getAt(l + Listener.Backlog, "u16")) {
        drop(t, Counter.BacklogFull, now)
        return -1
    }
    const h = takeHalf(t, now)
    if (h < 0) {
        drop(t, Counter.HalfOpenFull, now)
        return -1
    }
    parseOptions(t.rx, segment.getAt(Seg.At, "u16") + Tcp.Size, segment.getAt(Seg.TextAt, "u16"), t.options)
    const halves = t.halves
    const remoteIp = segment.getAt(Seg.RemoteIp, "i32")
    const ports = segment.getAt(Seg.Ports, "i32")
    halves.setAt(h + Half.Ports, "i32", ports)
    halves.setAt(h + Half.RemoteIp, "i32", remoteIp)
    halves.setAt(h + Half.Irs, "i32", segment.getAt(Seg.Sequence, "i32"))
    halves.setAt(h + Half.Iss, "i32", initialSequence(t, remoteIp, ports, now))
    halves.setAt(h + Half.SndWnd, "u16", segment.getAt(Seg.Window, "u16"))
    halves.setAt(h + Half.Mss, "u16", sendMss(t))
    halves.setAt(h + Half.Listener, "u16", id)
    halves.setAt(h + Half.SndScale, "u8", t.options.getAt(Options.WindowScale, "u8"))
    halves.setAt(h + Half.Retries, "u8", 0)
    const scaling = t.options.getAt(Options.Present, "u8") & OptionBit.WindowScale ? HalfFlag.Scaling : 0
    halves.setAt(h + Half.Flags, "u8", HalfFlag.Due | scaling)
    halves.setAt(h + Half.ReceiveLimit, "u16", t.listeners.getAt(l + Listener.ReceiveLimit, "u16"))
    const deadline = (now + t.config.rtoInitial) | 0
    halves.setAt(h + Half.Deadline, "i32", deadline)
    noteTimer(t, deadline)
    t.dirty = true
    if (t.events.on) traceState(t, 0, State.Listen, State.SynReceived, remoteIp, ports, now)
    return h
}

/**
 * Section 3.6.1 (MAY-2): a new SYN for the connection `c` in TIME-WAIT led to the half-open record `h`, which takes its
 * place. Its initial sequence number has to be larger than all that the old connection used.
 */
export function reopen(t: TcpContext, c: number, h: number, now: number): void {
    const used = t.conns.getAt(c + Tcb.SndMax, "i32")
    if (((t.halves.getAt(h + Half.Iss, "i32") - used) | 0) <= 0) {
        // by more than any window of ours
        t.halves.setAt(h + Half.Iss, "i32", (used + 0x10000) | 0)
    }
    closed(t, c, TcpError.None, now)
}

/**
 * A free half-open record. When all are taken, the one whose SYN-ACK has been without an answer longest goes, if it
 * was sent again at least once: a flood does not keep real clients out for good. -1 when there is none.
 */
function takeHalf(t: TcpContext, now: number): number {
    const halves = t.halves
    let worst = -1
    let retries = 0
    const end = t.halvesEnd
    for (let h = 0; h < end; h += Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === 0) return h
        if (halves.getAt(h + Half.Retries, "u8") > retries) {
            worst = h
            retries = halves.getAt(h + Half.Retries, "u8")
        }
    }
    if (end < halves.length) {
        t.halvesEnd = end + Half.Size
        return end
    }
    if (worst >= 0) {
        count(t, Counter.HalfOpenFull)
        traceHalf(t, worst, now)
    }
    return worst
}

/** Lets searches end before the free records at the end of the table. */
export function trimHalves(t: TcpContext): void {
    const halves = t.halves
    while (t.halvesEnd > 0 && halves.getAt(t.halvesEnd - Half.Size + Half.Listener, "u16") === 0)
        t.halvesEnd -= Half.Size
}

/** Gives a half-open record up: back to LISTEN. */
export function freeHalf(t: TcpContext, h: number, now: number): void {
    t.halves.setAt(h + Half.Listener, "u16", 0)
    traceHalf(t, h, now)
    trimHalves(t)
}

/** Tells that a half-open connection is over. */
function traceHalf(t: TcpContext, h: number, now: number): void {
    const remoteIp = t.halves.getAt(h + Half.RemoteIp, "i32")
    traceState(t, 0, State.SynReceived, State.Listen, remoteIp, t.halves.getAt(h + Half.Ports, "i32"), now)
}

/** Section 3.10.7.4 for SYN-RECEIVED after a passive open: `t.segment` arrives for the half-open record `h`. */
export function halfOpenArrives(t: TcpContext, h: number, now: number): void {
    const halves = t.halves
    const segment = t.segment
    const sequence = segment.getAt(Seg.Sequence, "i32")
    const control = segment.getAt(Seg.Control, "u8")
    const length = segment.getAt(Seg.Length, "u16")
    const offset = (sequence - halves.getAt(h + Half.Irs, "i32") - 1) | 0
    const room = halves.getAt(h + Half.ReceiveLimit, "u16")
    let segmentLength = length
    if (control & Flag.Fin) segmentLength++
    if (control & Flag.Syn) segmentLength++
    // The client's SYN once more, with or without text: our SYN-ACK was lost. That holds the ACK which is asked for, and
    // helps the client, who drops an ACK without SYN in SYN-SENT.
    if (offset === -1 && (control & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn) {
        drop(t, Counter.TcpUnacceptable, now)
        setHalfDue(t, h, HalfFlag.Due)
        return
    }
    // First, check sequence number
    if (
        segmentLength === 0
            ? offset !== 0 && (offset < 0 || offset >= room)
            : offset >= room || offset + segmentLength <= 0
    ) {
        if (control & Flag.Rst) {
            drop(t, Counter.TcpBadReset, now)
        } else {
            drop(t, Counter.TcpUnacceptable, now)
            setHalfDue(t, h, HalfFlag.Challenge)
        }
        return
    }
    // Second, check the RST bit (RFC 5961 section 3.2)
    if (control & Flag.Rst) {
        if (offset === 0) {
            freeHalf(t, h, now)
            return
        }
        drop(t, Counter.TcpBadReset, now)
        if (mayChallenge(t, now)) setHalfDue(t, h, HalfFlag.Challenge)
        return
    }
    // Fourth, check the SYN bit: "return this connection to the LISTEN state"
    if (control & Flag.Syn) {
        drop(t, Counter.TcpUnexpectedSyn, now)
        freeHalf(t, h, now)
        return
    }
    // Fifth, check the ACK field
    if (!(control & Flag.Ack)) {
        drop(t, Counter.TcpNoAck, now)
        return
    }
    const iss = halves.getAt(h + Half.Iss, "i32")
    if (segment.getAt(Seg.Acknowledgment, "i32") !== ((iss + 1) | 0)) {
        drop(t, Counter.TcpBadAck, now)
        answerReset(t, now)
        return
    }
    // No room: the client sends again what it thinks we have, or we the SYN-ACK; until then there may be
    const id = halves.getAt(h + Half.Listener, "u16")
    if (pendingOf(t, id) >= t.listeners.getAt(findListener(t, id) + Listener.Backlog, "u16")) {
        drop(t, Counter.BacklogFull, now)
        return
    }
    const c = allocate(t, now)
    if (c < 0) {
        drop(t, Counter.ConnectionsFull, now)
        return
    }
    promote(t, h, c, id, room, now)
    segmentArrives(t, c, now)
}

/** Makes the half-open record `h` the connection `c`, which waits to be accepted. */
function promote(t: TcpContext, h: number, c: number, listener: number, room: number, now: number): void {
    const conns = t.conns
    const halves = t.halves
    const iss = halves.getAt(h + Half.Iss, "i32")
    const irs = halves.getAt(h + Half.Irs, "i32")
    conns.setAt(c + Tcb.State, "u8", State.SynReceived)
    conns.setAt(c + Tcb.Ports, "i32", halves.getAt(h + Half.Ports, "i32"))
    conns.setAt(c + Tcb.RemoteIp, "i32", halves.getAt(h + Half.RemoteIp, "i32"))
    conns.setAt(c + Tcb.Listener, "u16", listener)
    conns.setAt(c + Tcb.ReceiveLimit, "u16", room)
    conns.setAt(c + Tcb.SndMax, "i32", (iss + 1) | 0)
    conns.setAt(c + Tcb.RcvNxt, "i32", (irs + 1) | 0)
    conns.setAt(c + Tcb.RcvAdv, "i32", (irs + 1 + room) | 0)
    conns.setAt(c + Tcb.SndWnd, "i32", halves.getAt(h + Half.SndWnd, "u16"))
    conns.setAt(c + Tcb.MaxSndWnd, "i32", halves.getAt(h + Half.SndWnd, "u16"))
    conns.setAt(c + Tcb.SndWl1, "i32", irs)
    conns.setAt(c + Tcb.SndWl2, "i32", iss)
    conns.setAt(c + Tcb.Mss, "u16", halves.getAt(h + Half.Mss, "u16"))
    // 0 unless the peer offered to scale: our SYN-ACK agreed then, with a shift of 0 for our own window
    conns.setAt(c + Tcb.SndScale, "u8", halves.getAt(h + Half.SndScale, "u8"))
    if (halves.getAt(h + Half.Retries, "u8") > 0) conns.setAt(c + Tcb.Flags2, "u8", ConnFlag2.SynLost)
    conns.setAt(c + Tcb.Flags, "u8", ConnFlag.Pending)
    halves.setAt(h + Half.Listener, "u16", 0)
    trimHalves(t)
    established(t, c, (iss + 1) | 0, now)
}

function setHalfDue(t: TcpContext, h: number, flag: HalfFlag): void {
    t.halves.setAt(h + Half.Flags, "u8", t.halves.getAt(h + Half.Flags, "u8") | flag)
    t.dirty = true
}
