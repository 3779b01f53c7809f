// What a connection has to send: the next segment, if one is due (RFC 9293 section 3.8, 3.10.4; RFC 6298 section 5).

import { Counter } from "../inspect/counters"
import { EventKind } from "../inspect/events"
import { writeI32 } from "../wire/bytes"
import { checksumOf, onesSum } from "../wire/checksum"
import { Protocol, pseudoSum } from "../wire/ipv4"
import { Flag, Tcp, writeMss, writeWindowScale } from "../wire/tcp"
import { armTimer, count, Frame, release, ringsOf, swapPorts, type TcpContext, traceSegment } from "./context"
import { answer } from "./reset"
import { ConnFlag, ConnFlag2, Half, HalfFlag, State, Tcb } from "./tcb"

/**
 * Puts the next segment of connection `c` into the transmit frame, at Frame.Transport, and gives its length; 0 when
 * nothing is due, and ConnFlag.Due is cleared then. Flat on purpose, the path of every segment.
 */
export function segmentOut(t: TcpContext, c: number, now: number): number {
    const conns = t.conns
    const state = conns.getAt(c + Tcb.State, "u8")
    let flags = conns.getAt(c + Tcb.Flags, "u8")
    const sndUna = conns.getAt(c + Tcb.SndUna, "i32")
    let sequence = conns.getAt(c + Tcb.SndNxt, "i32")
    const inFlight = (sequence - sndUna) | 0
    let control: number = Flag.Ack
    let length = 0
    let octets = 0
    let header: number = Tcp.Size

    if (state === State.SynSent || state === State.SynReceived) {
        if (inFlight === 0) {
            control = state === State.SynSent ? Flag.Syn : Flag.Syn | Flag.Ack
            octets = 1
            header = writeMss(t.tx, Frame.Transport + Tcp.Size, t.config.mtu - 40) - Frame.Transport
        } else if (state === State.SynSent) {
            // an ACK may not go out before the peer's SYN came in
            flags &= ~ConnFlag.AckNow
        }
    } else if (state === State.Closed) {
        return resetOut(t, c, now)
    } else if (state !== State.TimeWait) {
        const queued = conns.getAt(c + Tcb.SendLength, "u16")
        // with the FIN in flight it is one more than the data: `waiting` is -1
        const waiting = queued - inFlight
        if (waiting > 0) {
            let window = conns.getAt(c + Tcb.SndWnd, "i32")
            const cwnd = conns.getAt(c + Tcb.Cwnd, "u16")
            if (cwnd < window) window = cwnd
            window -= inFlight
            length = conns.getAt(c + Tcb.Mss, "u16")
            if (waiting < length) length = waiting
            if (window < length) length = window > 0 ? window : 0
            if (length === 0 && inFlight === 0) {
                // the peer's window is shut: one octet when the timer says so (section 3.8.6.1, MUST-36)
                if (conns.getAt(c + Tcb.Flags2, "u8") & ConnFlag2.Probe) length = 1
                else if (!(flags & ConnFlag.Timer)) {
                    conns.setAt(c + Tcb.Progress, "i32", now)
                    armTimer(t, c, now, conns.getAt(c + Tcb.Rto, "u16"))
                    flags |= ConnFlag.Timer
                }
            }
        }
        if (length > 0) {
            const from = Frame.Transport + Tcp.Size
            const size = t.sendSize
            const ring = ringsOf(t, c)
            let at = conns.getAt(c + Tcb.SendHead, "u16") + inFlight
            if (at >= size) at -= size
            const part = size - at
            if (length <= part) {
                t.tx.blitAt(from, t.rings, ring + at, length)
            } else {
                t.tx.blitAt(from, t.rings, ring + at, part)
                t.tx.blitAt(from + part, t.rings, ring, length - part)
            }
            octets = length
            if (length === waiting) control |= Flag.Psh
        }
        if (
            length === waiting &&
            (state === State.FinWait1 || state === State.LastAck || state === State.Closing)
        ) {
            control |= Flag.Fin
            octets++
        }
    }

    if (octets === 0) {
        if (!(flags & ConnFlag.AckNow)) {
            conns.setAt(c + Tcb.Flags, "u8", flags & ~ConnFlag.Due)
            return 0
        }
        // a retransmission may have set SND.NXT back: the peer has no use for an ACK with an old sequence number
        sequence = conns.getAt(c + Tcb.SndMax, "i32")
        // nor, with its window shut, for one that counts a probe or FIN it did not take: it would have to drop it (table 6)
        if (conns.getAt(c + Tcb.SndWnd, "i32") === 0 && state !== State.SynReceived) sequence = sndUna
    }

    // The window: its right edge never moves back (section 3.8.6, SHLD-14), and forward not by less than a segment or
    // half the buffer (section 3.8.6.2.2)
    const rcvNxt = conns.getAt(c + Tcb.RcvNxt, "i32")
    let edge = conns.getAt(c + Tcb.RcvAdv, "i32")
    const limit = conns.getAt(c + Tcb.ReceiveLimit, "u16")
    let window = (edge - rcvNxt) | 0
    const free = limit - conns.getAt(c + Tcb.ReceiveLength, "u16")
    if (control & Flag.Ack) {
        if (free > window && (free - window >= limit >> 1 || free - window >= t.config.mtu - 40)) {
            window = free
            edge = (rcvNxt + free) | 0
            conns.setAt(c + Tcb.RcvAdv, "i32", edge)
        }
    } else {
        window = limit
    }

    const tx = t.tx
    const total = header + length
    const ports = conns.getAt(c + Tcb.Ports, "i32")
    tx.setAt(Frame.Transport, "i32", (ports << 16) | ((ports >> 16) & 0xffff))
    tx.setAt(
        Frame.Transport + Tcp.Sequence,
        "i32",
        ((sequence & 0xff) << 24) |
            ((sequence & 0xff00) << 8) |
            ((sequence >> 8) & 0xff00) |
            ((sequence >> 24) & 0xff)
    )
    tx.setAt(
        Frame.Transport + Tcp.Acknowledgment,
        "i32",
        control & Flag.Ack
            ? ((rcvNxt & 0xff) << 24) |
                  ((rcvNxt & 0xff00) << 8) |
                  ((rcvNxt >> 8) & 0xff00) |
                  ((rcvNxt >> 24) & 0xff)
            : 0
    )
    tx.setAt(Frame.Transport + Tcp.DataOffset, "u16", (header << 2) | (control << 8))
    tx.setAt(Frame.Transport + Tcp.Window, "u16", ((window & 0xff) << 8) | (window >> 8))
    tx.setAt(Frame.Transport + Tcp.Checksum, "i32", 0)
    const ip = t.ip
    const remoteIp = conns.getAt(c + Tcb.RemoteIp, "i32")
    const pseudo =
        (remoteIp & 0xffff) +
        ((remoteIp >> 16) & 0xffff) +
        (ip & 0xffff) +
        ((ip >> 16) & 0xffff) +
        (Protocol.Tcp << 8) +
        (((total & 0xff) << 8) | (total >> 8))
    tx.setAt(Frame.Transport + Tcp.Checksum, "u16", ~onesSum(tx, Frame.Transport, total, pseudo) & 0xffff)

    // Due stays: what else there is goes with the next call
    conns.setAt(c + Tcb.Flags, "u8", flags & ~ConnFlag.AckNow)
    if (octets > 0) {
        const next = (sequence + octets) | 0
        conns.setAt(c + Tcb.SndNxt, "i32", next)
        let flags2 = conns.getAt(c + Tcb.Flags2, "u8") & ~ConnFlag2.Probe
        const sndMax = conns.getAt(c + Tcb.SndMax, "i32")
        if (((next - sndMax) | 0) > 0) {
            conns.setAt(c + Tcb.SndMax, "i32", next)
            // the first to be in flight has the timer to itself: it ran for a shut window, or for the hop's address
            if (sndMax === sndUna) flags &= ~ConnFlag.Timer
            // RFC 6298 section 3: one segment a round trip, none that was sent twice
            if (!(flags2 & ConnFlag2.Timing)) {
                flags2 |= ConnFlag2.Timing
                conns.setAt(c + Tcb.RttSeq, "i32", next)
                conns.setAt(c + Tcb.RttStart, "i32", now)
            }
        } else {
            count(t, Counter.Retransmits)
        }
        conns.setAt(c + Tcb.Flags2, "u8", flags2)
        // RFC 6298 (5.1)
        if (!(flags & ConnFlag.Timer)) {
            if (inFlight === 0 && conns.getAt(c + Tcb.Retries, "u8") === 0)
                conns.setAt(c + Tcb.Progress, "i32", now)
            armTimer(t, c, now, conns.getAt(c + Tcb.Rto, "u16"))
        }
    }
    t.counters.setAt(Counter.SegmentsOut, "i32", (t.counters.getAt(Counter.SegmentsOut, "i32") + 1) | 0)
    if (t.events.on) {
        const id = conns.getAt(c + Tcb.Id, "u16")
        traceSegment(t, EventKind.SegmentOut, Frame.Transport, total, id, state, remoteIp, now)
    }
    return total
}

/** The RST of a connection that was aborted (section 3.10.5): <SEQ=SND.NXT><CTL=RST>, with the ACK that RFC 9293 has. */
function resetOut(t: TcpContext, c: number, now: number): number {
    const conns = t.conns
    const flags2 = conns.getAt(c + Tcb.Flags2, "u8")
    conns.setAt(c + Tcb.Flags, "u8", conns.getAt(c + Tcb.Flags, "u8") & ~ConnFlag.Due)
    if (!(flags2 & ConnFlag2.ResetDue) || t.replyLength > 0) return 0
    conns.setAt(c + Tcb.Flags2, "u8", flags2 & ~ConnFlag2.ResetDue)
    answer(
        t,
        conns.getAt(c + Tcb.RemoteIp, "i32"),
        conns.getAt(c + Tcb.Ports, "i32"),
        conns.getAt(c + Tcb.SndMax, "i32"),
        conns.getAt(c + Tcb.RcvNxt, "i32"),
        Flag.Rst | Flag.Ack,
        conns.getAt(c + Tcb.Id, "u16"),
        now
    )
    const length = t.replyLength
    t.replyLength = 0
    release(t, c)
    return length
}

/** Puts the SYN-ACK, or the challenge ACK, that a half-open record owes into the transmit frame. 0: none is due. */
export function halfOpenOut(t: TcpContext, h: number, now: number): number {
    const halves = t.halves
    const flags = halves.getAt(h + Half.Flags, "u8")
    if (halves.getAt(h + Half.Listener, "u16") === 0) return 0
    if (!(flags & (HalfFlag.Due | HalfFlag.Challenge))) return 0
    const tx = t.tx
    const remoteIp = halves.getAt(h + Half.RemoteIp, "i32")
    const ports = halves.getAt(h + Half.Ports, "i32")
    const iss = halves.getAt(h + Half.Iss, "i32")
    const irs = halves.getAt(h + Half.Irs, "i32")
    const syn = (flags & HalfFlag.Due) !== 0
    halves.setAt(h + Half.Flags, "u8", flags & HalfFlag.Scaling)
    let end: number = Frame.Transport + Tcp.Size
    if (syn) {
        end = writeMss(tx, end, t.config.mtu - 40)
        if (flags & HalfFlag.Scaling) end = writeWindowScale(tx, end, 0)
    }
    const header = end - Frame.Transport
    const window = halves.getAt(h + Half.ReceiveLimit, "u16")
    tx.setAt(Frame.Transport, "i32", swapPorts(ports))
    writeI32(tx, Frame.Transport + Tcp.Sequence, syn ? iss : (iss + 1) | 0)
    writeI32(tx, Frame.Transport + Tcp.Acknowledgment, (irs + 1) | 0)
    tx.setAt(
        Frame.Transport + Tcp.DataOffset,
        "u16",
        (header << 2) | ((syn ? Flag.Syn | Flag.Ack : Flag.Ack) << 8)
    )
    tx.setAt(Frame.Transport + Tcp.Window, "u16", ((window & 0xff) << 8) | (window >> 8))
    tx.setAt(Frame.Transport + Tcp.Checksum, "i32", 0)
    const pseudo = pseudoSum(t.ip, remoteIp, Protocol.Tcp, header)
    tx.setAt(Frame.Transport + Tcp.Checksum, "u16", checksumOf(onesSum(tx, Frame.Transport, header, pseudo)))
    count(t, Counter.SegmentsOut)
    if (t.events.on) {
        traceSegment(t, EventKind.SegmentOut, Frame.Transport, header, 0, State.SynReceived, remoteIp, now)
    }
    return header
}
