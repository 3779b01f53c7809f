// Resets that answer a segment for which there is no connection (RFC 9293 section 3.5.2).

import { Counter } from "../inspect/counters"
import { EventKind } from "../inspect/events"
import { writeI32 } from "../wire/bytes"
import { checksumOf, onesSum } from "../wire/checksum"
import { Protocol, pseudoSum } from "../wire/ipv4"
import { Flag, Tcp } from "../wire/tcp"
import { count, Frame, swapPorts, type TcpContext, traceSegment } from "./context"
import { Seg } from "./segment"
import { State } from "./tcb"

/**
 * Puts an RST for `t.segment` into the transmit frame, as `t.replyLength` bytes for `t.replyIp`: <SEQ=SEG.ACK><CTL=RST>
 * if it had an ACK, else <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. A reset is not answered.
 */
export function answerReset(t: TcpContext, now: number): void {
    const segment = t.segment
    const control = segment.getAt(Seg.Control, "u8")
    if (control & Flag.Rst) return
    const remoteIp = segment.getAt(Seg.RemoteIp, "i32")
    const ports = segment.getAt(Seg.Ports, "i32")
    if (control & Flag.Ack) {
        answer(t, remoteIp, ports, segment.getAt(Seg.Acknowledgment, "i32"), 0, Flag.Rst, 0, now)
        return
    }
    let end = segment.getAt(Seg.Sequence, "i32") + segment.getAt(Seg.Length, "u16")
    if (control & Flag.Syn) end++
    if (control & Flag.Fin) end++
    answer(t, remoteIp, ports, 0, end | 0, Flag.Rst | Flag.Ack, 0, now)
}

/**
 * Puts a segment without text, options and window into the transmit frame; counted and dropped if one waits there. `id`
 * is that of the connection it ends, 0 for none.
 */
export function answer(
    t: TcpContext,
    remoteIp: number,
    ports: number,
    sequence: number,
    acknowledgment: number,
    control: number,
    id: number,
    now: number
): void {
    if (t.replyLength > 0 || t.frameLength > 0) {
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
        traceSegment(t, EventKind.SegmentOut, at, Tcp.Size, id, State.Closed, remoteIp, now)
    }
}
