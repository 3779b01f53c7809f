// The next segment that a connection has to send, if one is due (RFC 9293 section 3.8, 3.10.4; RFC 6298 section 5).
//
// A function with a single caller costs no call on the path of a segment, and an `if` in an `if` costs less than `&&`: see
// docs/architecture.md.

import { writeI32 } from "../base/bytes"
import { Counter } from "../base/counters"
import { EventKind } from "../base/events"
import {
    COUNTERS,
    EVENTS,
    FAST_RETRANSMIT,
    KEEP_ALIVE,
    REASSEMBLY,
    SACK,
    TIME_WAIT_RECORDS,
    TIMESTAMPS,
    USER_TIMEOUT,
} from "../features"
import { onesSum } from "../wire/checksum"
import { Protocol } from "../wire/ipv4"
import { Flag, OptionKind, Tcp, TimestampsOnly, writeTimestamps } from "../wire/tcp"
import { restartAfterIdle } from "./congestion"
import { type Connection, Frame, ShutWindowProbe, type TcpContext } from "./context"
import { writeSynOptions } from "./options"
import { Agreed, Ahead, ConnFlag, ConnOption, SendFlag, State, Tcb } from "./records"
import { countSent, writeSegment } from "./reply"
import { count, traceSegment } from "./report"
import { timestampAt } from "./secret-numbers"
import { evenSegment } from "./segment-size"
import { advanceTimer, armRto, armTimer, freeClosed } from "./state"
import { toWait } from "./time-wait"

/** Milliseconds that a segment may be held back for a larger window: RFC 9293 section 3.8.6.2.1 (4). */
const enum Override {
    Most = 1000,
}

/**
 * Writes the next segment of the connection `c` into the transmit frame, at Frame.Transport, and returns its length. Clears
 * ConnFlag.Due and returns 0 when nothing is due.
 */
export function segmentOut(t: TcpContext, c: Connection, now: number): number {
    const state = c.getAt(Tcb.State, "u8")
    let flags = c.getAt(Tcb.Flags, "u8")
    let sendFlags = c.getAt(Tcb.SendFlags, "u8")
    const connOptions = c.getAt(Tcb.Options, "u8")
    const sndUna = c.getAt(Tcb.SndUna, "i32")
    const sndMax = c.getAt(Tcb.SndMax, "i32")
    let sequence = c.getAt(Tcb.SndNxt, "i32")
    let inFlight = (sequence - sndUna) | 0
    let control: number = Flag.Ack
    let length = 0
    let octets = 0
    let resend = false
    let header: number = Tcp.Size
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) header = Tcp.Size + TimestampsOnly.Size

    if (state === State.SynSent || state === State.SynReceived) {
        if (inFlight === 0) {
            control = state === State.SynSent ? Flag.Syn : Flag.Syn | Flag.Ack
            octets = 1
            header = synOptions(t, c, state, connOptions, now)
        } else if (state === State.SynSent) {
            // nothing is acknowledged before the peer's SYN has arrived
            flags &= ~(ConnFlag.AckNow | ConnFlag.AckDelayed)
        }
    } else if (state === State.Closed) {
        return resetOut(t, c, now)
    } else if (state !== State.TimeWait) {
        const queued = c.getAt(Tcb.SendLength, "u16")
        // FIN-WAIT-1, CLOSING, LAST-ACK: our FIN follows the data
        const closing =
            state === State.Established ? false : state === State.FinWait1 || state >= State.Closing
        // Data that arrived ahead of a gap is reported at once by a segment without data: only that is a duplicate ACK to the
        // peer (RFC 5681 section 2), and it has room for SACK blocks
        const gap = REASSEMBLY
            ? (flags & ConnFlag.AckNow) !== 0 && c.getAt(Tcb.Ahead + Ahead.End, "u16") > 0
            : false
        if (FAST_RETRANSMIT) resend = (sendFlags & SendFlag.Resend) !== 0 && !gap
        // -1 with our FIN in flight, because the FIN counts as a byte in flight
        let waiting = queued - inFlight
        if (FAST_RETRANSMIT ? resend : false) {
            inFlight = c.getAt(Tcb.RtxAt, "u16")
            sequence = (sndUna + inFlight) | 0
            waiting = queued - inFlight
            const hole = c.getAt(Tcb.RtxEnd, "u16") - inFlight
            length = Math.max(0, Math.min(waiting, Math.min(hole, c.getAt(Tcb.Mss, "u16"))))
        } else if (waiting > 0 && !gap) {
            if (sndMax === sndUna) {
                if (((now - c.getAt(Tcb.Progress, "i32")) | 0) > c.getAt(Tcb.Rto, "u16")) restartAfterIdle(c)
            }
            length = newLength(t, c, queued, inFlight, sequence, sndMax, sendFlags, closing)
            if (length === 0) {
                if (inFlight === 0) {
                    // the peer's window is shut, or nearly: when the timer expires, a segment sends as much as fits, at least one
                    // byte (section 3.8.6.1, MUST-36, and 3.8.6.2.1 (4))
                    if (sendFlags & SendFlag.Probe) length = 1
                    else if (!(flags & ConnFlag.Timer)) {
                        awaitWindow(t, c, now)
                        flags |= ConnFlag.Timer
                    }
                }
            }
        } else if (KEEP_ALIVE ? sendFlags & SendFlag.Probe && sndMax === sndUna && !closing && !gap : false) {
            // keep-alive (section 3.8.4): a segment with the sequence number before SND.NXT makes the peer answer
            sendFlags &= ~SendFlag.Probe
            c.setAt(Tcb.SendFlags, "u8", sendFlags)
            flags |= ConnFlag.AckNow
            sequence = (sequence - 1) | 0
            resend = true
        }
        if (length > 0) {
            copyData(t, c, inFlight, length, Frame.Transport + header)
            octets = length
            if (length === waiting) control |= Flag.Psh
        }
        if (length === waiting && closing && !gap) {
            control |= Flag.Fin
            octets++
        }
    }

    if (octets === 0) {
        if (!(flags & ConnFlag.AckNow)) {
            c.setAt(Tcb.Flags, "u8", flags & ~ConnFlag.Due)
            // a connection that no program holds and that has nothing to send needs only a record of 24 bytes
            if (state === State.TimeWait) {
                if (TIME_WAIT_RECORDS ? !(flags & ConnFlag.Held) : false) toWait(t, c, now)
            }
            return 0
        }
        if (KEEP_ALIVE ? !resend : true) {
            // an expired timer may have set SND.NXT back: the peer ignores an ACK with an old sequence number
            sequence = sndMax
            // a peer with a shut window has not accepted our probe or FIN, and drops an ACK with a sequence number after it
            if (c.getAt(Tcb.SndWnd, "u16") === 0) {
                if (state !== State.SynReceived) sequence = sndUna
            }
        }
    }

    const rcvNxt = c.getAt(Tcb.RcvNxt, "i32")
    const window = windowOut(c, control)

    if (!(control & Flag.Syn)) header = segmentOptions(t, c, connOptions, header, length, rcvNxt, now)
    const tx = t.tx
    // writes the header as writeSegment in reply.ts does, without a call: a change here belongs there, too
    const total = header + length
    const ports = c.getAt(Tcb.Ports, "i32")
    tx.setAt(Frame.Transport, "i32", (ports << 16) | (ports >>> 16))
    tx.setAt(
        Frame.Transport + Tcp.Sequence,
        "i32",
        (sequence << 24) | ((sequence & 0xff00) << 8) | ((sequence >> 8) & 0xff00) | (sequence >>> 24)
    )
    tx.setAt(
        Frame.Transport + Tcp.Acknowledgment,
        "i32",
        control & Flag.Ack
            ? (rcvNxt << 24) | ((rcvNxt & 0xff00) << 8) | ((rcvNxt >> 8) & 0xff00) | (rcvNxt >>> 24)
            : 0
    )
    tx.setAt(Frame.Transport + Tcp.DataOffset, "u16", (header << 2) | (control << 8))
    tx.setAt(Frame.Transport + Tcp.Window, "u16", ((window & 0xff) << 8) | (window >> 8))
    tx.setAt(Frame.Transport + Tcp.Checksum, "i32", 0)
    const ip = t.ip
    const remoteIp = c.getAt(Tcb.RemoteIp, "i32")
    const pseudo =
        (remoteIp >>> 0) + (ip >>> 0) + (Protocol.Tcp << 8) + (((total & 0xff) << 8) | (total >> 8))
    tx.setAt(Frame.Transport + Tcp.Checksum, "u16", ~onesSum(tx, Frame.Transport, total, pseudo) & 0xffff)

    // Due stays set: the next call sends whatever else is due
    flags &= ~(ConnFlag.AckNow | ConnFlag.AckDelayed)
    c.setAt(Tcb.Flags, "u8", flags)
    if (octets > 0) {
        const next = (sequence + octets) | 0
        sendFlags &= ~SendFlag.Probe
        if (FAST_RETRANSMIT ? resend : false) {
            sendFlags &= ~SendFlag.Resend
            c.setAt(Tcb.RtxAt, "u16", inFlight + octets)
            count(t, Counter.Retransmits)
            count(t, Counter.FastRetransmits)
        } else {
            c.setAt(Tcb.SndNxt, "i32", next)
            if (((next - sndMax) | 0) > 0) {
                c.setAt(Tcb.SndMax, "i32", next)
                // the first segment in flight restarts the timer, which ran for a shut window or for the next hop's address
                if (sndMax === sndUna) flags &= ~ConnFlag.Timer
                // RFC 6298 section 3: one segment per round trip is timed, and never one that was sent twice
                if (!(sendFlags & SendFlag.Timing)) {
                    if (TIMESTAMPS ? !(connOptions & ConnOption.Timestamps) : true) {
                        sendFlags |= SendFlag.Timing
                        c.setAt(Tcb.RttSeq, "i32", next)
                        c.setAt(Tcb.RttStart, "u16", now & 0xffff)
                    }
                }
            } else {
                count(t, Counter.Retransmits)
            }
        }
        c.setAt(Tcb.SendFlags, "u8", sendFlags)
        // RFC 6298 (5.1)
        if (!(flags & ConnFlag.Timer)) {
            if (inFlight === 0) {
                if (c.getAt(Tcb.Retries, "u8") === 0) c.setAt(Tcb.Progress, "i32", now)
            }
            armRto(t, c, now)
        }
    }
    if (COUNTERS)
        t.counters.setAt(Counter.SegmentsOut, "i32", (t.counters.getAt(Counter.SegmentsOut, "i32") + 1) | 0)
    if (EVENTS ? t.events.on : false) {
        const id = c.getAt(Tcb.Id, "u16")
        traceSegment(t, EventKind.SegmentOut, Frame.Transport, total, id, state, remoteIp, now)
    }
    return total
}

/**
 * Arms the timer after which a segment is sent into a window that is shut, or too small for a segment that avoids the silly
 * window syndrome.
 */
function awaitWindow(t: TcpContext, c: Connection, now: number): void {
    const rto = c.getAt(Tcb.Rto, "u16")
    const open = c.getAt(Tcb.SndWnd, "u16") > 0
    c.setAt(Tcb.Progress, "i32", now)
    armTimer(t, c, now, open && rto > Override.Most ? Override.Most : rto)
    if (USER_TIMEOUT) {
        if (c.getAt(Tcb.UserTimeout, "u16") > 0) advanceTimer(t, c, ShutWindowProbe.Within)
    }
}

/** Copies `length` bytes of the send ring, the first of them `inFlight` after SND.UNA, to the offset `to` of the transmit frame. */
function copyData(t: TcpContext, c: Connection, inFlight: number, length: number, to: number): void {
    const size = t.sendSize
    let at = c.getAt(Tcb.SendHead, "u16") + inFlight
    if (at >= size) at -= size
    const part = size - at
    if (length <= part) {
        t.tx.blitAt(to, c, Tcb.Size + at, length)
    } else {
        t.tx.blitAt(to, c, Tcb.Size + at, part)
        t.tx.blitAt(to + part, c, Tcb.Size, length - part)
    }
}

/**
 * Returns the window to advertise. Its right edge never moves back (section 3.8.6, SHLD-14), and moves forward by at least a
 * segment or half of the buffer (section 3.8.6.2.2).
 */
function windowOut(c: Connection, control: number): number {
    const limit = c.getAt(Tcb.ReceiveLimit, "u16")
    if (!(control & Flag.Ack)) return limit
    const window = c.getAt(Tcb.RcvWnd, "u16")
    const free = limit - c.getAt(Tcb.ReceiveLength, "u16")
    const more = free - window
    if (more > 0) {
        if (more >= limit >> 1 || more >= c.getAt(Tcb.Mss, "u16")) {
            c.setAt(Tcb.RcvWnd, "u16", free)
            return free
        }
    }
    return window
}

/**
 * Returns how many bytes of data the next segment may have: as many as the peer's window, the congestion window and a segment
 * have room for, 0 while the data has to wait. The segment starts at `sequence`, `inFlight` after SND.UNA; the send ring holds
 * `queued` bytes.
 */
function newLength(
    t: TcpContext,
    c: Connection,
    queued: number,
    inFlight: number,
    sequence: number,
    sndMax: number,
    sendFlags: number,
    closing: boolean
): number {
    const waiting = queued - inFlight
    let window = c.getAt(Tcb.SndWnd, "u16")
    let cwnd = c.getAt(Tcb.Cwnd, "u16")
    let mss = c.getAt(Tcb.Mss, "u16")
    const duplicates = c.getAt(Tcb.ScaleDups, "u8") >> 4
    // RFC 3042: a new segment for each of the first two duplicate acknowledgments
    if (FAST_RETRANSMIT ? duplicates > 0 : false) {
        if (duplicates < 3) {
            if (sequence === sndMax) {
                if (!(sendFlags & SendFlag.Recovery)) cwnd += duplicates * mss
            }
        }
    }
    if (queued === t.sendSize) mss = evenSegment(t, mss)
    if (cwnd < window) window = cwnd
    window -= inFlight
    let length = mss
    if (waiting < length) length = waiting
    if (window < length) length = Math.max(window, 0)
    if (length < mss) {
        if (((sequence - sndMax) | 0) >= 0) {
            if (!(sendFlags & SendFlag.Probe)) {
                length = smallLength(t, c, length, mss, queued, inFlight, sequence, closing)
            }
        }
    }
    return length
}

/**
 * Returns `length`, the bytes of a new segment that is smaller than `mss`, or 0 while they have to wait. If the window has no
 * room for more, they wait for a larger window: the sender's silly window avoidance (section 3.8.6.2.1). Otherwise they wait for
 * more data: the Nagle algorithm (section 3.7.4) with Minshall's change, by which only another small segment in flight holds them
 * back. The last data before a FIN does not wait, nor does a segment that is small because the send ring holds no more.
 */
function smallLength(
    t: TcpContext,
    c: Connection,
    length: number,
    mss: number,
    queued: number,
    inFlight: number,
    sequence: number,
    closing: boolean
): number {
    if (length < queued - inFlight) {
        if (inFlight > 0 || length < c.getAt(Tcb.MaxSndWnd, "u16") >> 1) return 0
    } else if (queued < t.sendSize || length << 2 < mss) {
        const small = (c.getAt(Tcb.SmallEnd, "u16") - sequence + inFlight) & 0xffff
        if (small > 0 && small <= inFlight && !closing) {
            if (!(c.getAt(Tcb.Options, "u8") & ConnOption.NoDelay)) return 0
        }
        if (!(c.getAt(Tcb.SendFlags, "u8") & SendFlag.Recovery)) {
            c.setAt(Tcb.SmallEnd, "u16", (sequence + length) & 0xffff)
        }
    }
    return length
}

/** Writes the options of our SYN, or of the SYN-ACK of a simultaneous open, and returns the length of the header. */
function synOptions(t: TcpContext, c: Connection, state: State, connOptions: number, now: number): number {
    let flags = 0
    // a SYN offers what is configured, a SYN-ACK what both ends agreed on. No window scale: our rings are below 64 KB (RFC 7323
    // section 2.2)
    if (SACK) {
        if (state === State.SynSent ? t.config.sack : connOptions & ConnOption.Sack) flags |= Agreed.Sack
    }
    if (TIMESTAMPS) {
        if (state === State.SynSent ? t.config.timestamps : connOptions & ConnOption.Timestamps)
            flags |= Agreed.Timestamps
    }
    let value = now
    let echo = 0
    if (TIMESTAMPS ? flags & Agreed.Timestamps : 0) {
        const ports = c.getAt(Tcb.Ports, "i32")
        value = timestampAt(t, c.getAt(Tcb.RemoteIp, "i32"), ports, now)
        if (state !== State.SynSent) echo = c.getAt(Tcb.TsRecent, "i32")
    }
    return writeSynOptions(t, Frame.Transport + Tcp.Size, flags, value, echo) - Frame.Transport
}

/**
 * Writes the options of a segment without a SYN: timestamps, and SACK blocks (RFC 2018) if they take no room from data. Returns
 * the length of the header.
 */
function segmentOptions(
    t: TcpContext,
    c: Connection,
    connOptions: number,
    header: number,
    length: number,
    rcvNxt: number,
    now: number
): number {
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) {
        const tx = t.tx
        tx.setAt(Frame.Transport + Tcp.Size, "i32", TimestampsOnly.Start)
        writeI32(tx, Frame.Transport + Tcp.Size + 4, (now + (c.getAt(Tcb.TsOffset, "u16") << 16)) | 0)
        writeI32(tx, Frame.Transport + Tcp.Size + 8, c.getAt(Tcb.TsRecent, "i32"))
    }
    if (REASSEMBLY ? c.getAt(Tcb.Ahead + Ahead.End, "u16") > 0 : false) {
        if (SACK ? connOptions & ConnOption.Sack : 0) {
            if (length === 0) return sackOption(t, c, header, rcvNxt)
        }
    }
    return header
}

/** Writes a SACK option (RFC 2018 section 3) after a header of `header` bytes, and returns the header's new length. */
function sackOption(t: TcpContext, c: Connection, header: number, rcvNxt: number): number {
    const tx = t.tx
    let at: number = Frame.Transport + header + 4
    for (let b = 0; b < Ahead.All; b += Ahead.Size) {
        const end = c.getAt(Tcb.Ahead + b + Ahead.End, "u16")
        if (end === 0) break
        writeI32(tx, at, (rcvNxt + c.getAt(Tcb.Ahead + b + Ahead.Start, "u16")) | 0)
        writeI32(tx, at + 4, (rcvNxt + end) | 0)
        at += 8
    }
    const length = at - Frame.Transport - header
    tx.setAt(
        Frame.Transport + header,
        "i32",
        OptionKind.NoOperation |
            (OptionKind.NoOperation << 8) |
            (OptionKind.Sack << 16) |
            ((length - 2) << 24)
    )
    return header + length
}

/**
 * Writes the RST of a connection that was aborted (section 3.10.5), <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>, frees its record and
 * returns the length of the segment; 0 if no RST is due.
 */
function resetOut(t: TcpContext, c: Connection, now: number): number {
    const sendFlags = c.getAt(Tcb.SendFlags, "u8")
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Due)
    if (!(sendFlags & SendFlag.ResetDue)) return 0
    c.setAt(Tcb.SendFlags, "u8", sendFlags & ~SendFlag.ResetDue)
    const remoteIp = c.getAt(Tcb.RemoteIp, "i32")
    let end: number = Frame.Transport + Tcp.Size
    if (TIMESTAMPS ? c.getAt(Tcb.Options, "u8") & ConnOption.Timestamps : 0) {
        // RFC 7323 section 3.2 (SHOULD)
        const value = (now + (c.getAt(Tcb.TsOffset, "u16") << 16)) | 0
        end = writeTimestamps(t.tx, end, false, value, c.getAt(Tcb.TsRecent, "i32"))
    }
    const length = end - Frame.Transport
    writeSegment(
        t,
        remoteIp,
        c.getAt(Tcb.Ports, "i32"),
        c.getAt(Tcb.SndMax, "i32"),
        c.getAt(Tcb.RcvNxt, "i32"),
        Flag.Rst | Flag.Ack,
        0,
        length
    )
    count(t, Counter.ResetsSent)
    countSent(t, remoteIp, length, c.getAt(Tcb.Id, "u16"), State.Closed, now)
    freeClosed(t, c)
    return length
}
