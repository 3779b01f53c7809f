// Resets that answer a segment for which there is no connection (RFC 9293 section 3.5.2).

import { Counter } from "../inspect/counters"
import { EventKind } from "../inspect/events"
import { writeI32 } from "../wire/bytes"
import { checksumOf, onesSum } from "../wire/checksum"
import { Protocol, pseudoSum } from "../wire/ipv4"
import { Flag, Tcp } from "../wire/tcp"
import { count, Frame, swapPorts, type TcpContext, traceSegment } from "./context"
import { State } from "./tcb"

/**
 * Puts an RST for the segment into the transmit frame, as `t.replyLength` bytes for `t.replyIp`: <SEQ=SEG.ACK><CTL=RST>
 * if it had an ACK, else <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. `length` is that of the text; a reset is not answered.
 */
export function answerReset(
    t: TcpContext,
    remoteIp: number,
    ports: number,
    sequence: number,
    acknowledgment: number,
    control: number,
    length: number,
    now: number
): void {
    if (control & Flag.Rst) return
    if (control & Flag.Ack) {
        answer(t, remoteIp, ports, acknowledgment, 0, Flag.Rst, now)
        return
    }
    if (control & Flag.Syn) length++
    if (control & Flag.Fin) length++
    answer(t, remoteIp, ports, 0, (sequence + length) | 0, Flag.Rst | Flag.Ack, now)
}

/** Puts a segment without text, options and window into the transmit frame; counted and dropped if one waits there. */
export function answer(
    t: TcpContext,
    remoteIp: number,
    ports: number,
    sequence: number,
    acknowledgment: number,
    control: number,
    now: number
): void {
    if (t.replyLength > 0) {
        count(t, Counter.ReplyBusy)
        return
    }
    const tx = t.tx
    const at = Frame.Transport
    tx.setAt(at + Tcp.SourcePort, "i32", swapPorts(ports))
    writeI32(tx, at + Tcp.Sequence, sequence)
    writeI32(tx, at + Tcp.Acknowledgment, acknowledgment)
    tx.setAt(at + Tcp.DataOffset, "u16", (5 << 4) | (control << 8))
    tx.setAt(at + Tcp.Window, "u16", 0)
    tx.setAt(at + Tcp.Checksum, "i32", 0)
    const sum = onesSum(tx, at, Tcp.Size, pseudoSum(t.ip, remoteIp, Protocol.Tcp, Tcp.Size))
    tx.setAt(at + Tcp.Checksum, "u16", checksumOf(sum))
    t.replyLength = Tcp.Size
    t.replyIp = remoteIp
    count(t, Counter.SegmentsOut)
    if (control & Flag.Rst) count(t, Counter.ResetsSent)
    if (t.events.on) {
        traceSegment(t, EventKind.SegmentOut, tx, at, Tcp.Size, 0, State.Closed, remoteIp, now)
    }
}
