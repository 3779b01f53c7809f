// Segments that answer another segment at once, without a connection's record: mostly resets (RFC 9293 section 3.5.2).

import { Counter } from "../base/counters"
import { EventKind } from "../base/events"
import { EVENTS } from "../features"
import { checksumOf, onesSum } from "../wire/checksum"
import { Protocol, pseudoSum } from "../wire/ipv4"
import { Flag, Tcp } from "../wire/tcp"
import { Frame, type TcpContext } from "./context"
import { Seg, State } from "./records"
import { count, traceSegment } from "./report"

/**
 * Answers the segment in `t.segment` with an RST: <SEQ=SEG.ACK><CTL=RST> if the segment has an ACK, else
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. An RST is not answered.
 */
export function answerReset(t: TcpContext, now: number): void {
    const segment = t.segment
    const control = segment.getAt(Seg.Control, "u8")
    if (control & Flag.Rst) return
    if (!mayReply(t)) return
    let sequence = 0
    let acknowledgment = 0
    let flags: number = Flag.Rst
    if (control & Flag.Ack) {
        sequence = segment.getAt(Seg.Acknowledgment, "i32")
    } else {
        acknowledgment = (segment.getAt(Seg.Sequence, "i32") + spaceOf(t)) | 0
        flags = Flag.Rst | Flag.Ack
    }
    const remoteIp = segment.getAt(Seg.RemoteIp, "i32")
    const ports = segment.getAt(Seg.Ports, "i32")
    writeSegment(t, remoteIp, ports, sequence, acknowledgment, flags, 0, Tcp.Size)
    count(t, Counter.ResetsSent)
    reply(t, remoteIp, Tcp.Size, 0, State.Closed, now)
}

/** Returns SEG.LEN of the segment in `t.segment`, the sequence numbers that it takes: one for each byte of data, its SYN and its FIN. */
export function spaceOf(t: TcpContext): number {
    const control = t.segment.getAt(Seg.Control, "u8")
    return t.segment.getAt(Seg.Length, "u16") + (control & Flag.Fin) + ((control & Flag.Syn) >> 1)
}

/**
 * Returns true when an answer may be written into the transmit frame. Otherwise another answer still waits there: counts this one
 * as lost and returns false.
 */
export function mayReply(t: TcpContext): boolean {
    if (t.replyLength === 0 && t.frameLength === 0) return true
    count(t, Counter.ReplyBusy)
    return false
}

/**
 * Writes the header of a segment without data, with its checksum, before the options that are already in the transmit frame;
 * `length` includes them. `window` is the header's field, not scaled. segmentOut in output.ts writes the same header without a
 * call: a change here belongs there, too.
 */
export function writeSegment(
    t: TcpContext,
    remoteIp: number,
    ports: number,
    sequence: number,
    acknowledgment: number,
    control: number,
    window: number,
    length: number
): void {
    // no helper functions here on purpose: a flood of segments is answered here
    const tx = t.tx
    const at = Frame.Transport
    tx.setAt(at + Tcp.SourcePort, "i32", (ports << 16) | (ports >>> 16))
    tx.setAt(
        at + Tcp.Sequence,
        "i32",
        (sequence << 24) | ((sequence & 0xff00) << 8) | ((sequence >> 8) & 0xff00) | (sequence >>> 24)
    )
    tx.setAt(
        at + Tcp.Acknowledgment,
        "i32",
        (acknowledgment << 24) |
            ((acknowledgment & 0xff00) << 8) |
            ((acknowledgment >> 8) & 0xff00) |
            (acknowledgment >>> 24)
    )
    tx.setAt(at + Tcp.DataOffset, "u16", (length << 2) | (control << 8))
    tx.setAt(at + Tcp.Window, "u16", ((window & 0xff) << 8) | (window >> 8))
    tx.setAt(at + Tcp.Checksum, "i32", 0)
    const sum = onesSum(tx, at, length, pseudoSum(t.ip, remoteIp, Protocol.Tcp, length))
    tx.setAt(at + Tcp.Checksum, "u16", checksumOf(sum))
}

/**
 * Schedules the segment of `length` bytes in the transmit frame as the next to be sent, to `remoteIp`; `id` and `state` as for
 * `sent`.
 */
export function reply(
    t: TcpContext,
    remoteIp: number,
    length: number,
    id: number,
    state: State,
    now: number
): void {
    t.replyLength = length
    t.replyIp = remoteIp
    countSent(t, remoteIp, length, id, state, now)
}

/**
 * Counts the segment of `length` bytes in the transmit frame as sent, and records that event for the connection `id` in `state`.
 */
export function countSent(
    t: TcpContext,
    remoteIp: number,
    length: number,
    id: number,
    state: State,
    now: number
): void {
    count(t, Counter.SegmentsOut)
    if (EVENTS ? t.events.on : false) {
        traceSegment(t, EventKind.SegmentOut, Frame.Transport, length, id, state, remoteIp, now)
    }
}
