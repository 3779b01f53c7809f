// Finds retransmissions, losses, duplicate ACKs and the rest from sequence numbers, windows and times, as Wireshark does: its
// User's Guide lists the conditions in the chapter "TCP Analysis", and where the guide leaves a condition open, this file follows
// the program, so that both report the same about a capture.

import { type Connection, type End, other, UNKNOWN } from "./connection"
import { Mark } from "./marks"
import { after, Bit, type Segment } from "./segment"

/** The time within which a fast retransmission follows the last duplicate ACK, ns. */
const FAST_WITHIN = 20e6
/** The time within which a segment out of order follows if the round trip is not known, ns. */
const REORDERED_WITHIN = 3e6
const CONTROL = Bit.Syn | Bit.Fin | Bit.Rst

/** Analyzes the next segment of a connection, notes what it changes, and returns its marks. */
export function analyze(connection: Connection, from: 0 | 1, segment: Segment): number {
    const sender = connection.ends[from]
    const receiver = connection.ends[other(from)]
    noteFirstNumbers(sender, receiver, segment)
    let marks = windowMarks(sender, receiver, segment)
    if (segment.ack !== sender.ack) sender.duplicates = 0
    marks |= unseenMark(receiver, segment)
    if ((segment.length > 0 || segment.bits & (Bit.Syn | Bit.Fin)) && (marks & Mark.KeepAlive) === 0)
        marks |= repetitionMark(connection, sender, receiver, segment)
    advance(sender, segment, marks)
    noteRoundTrip(connection, segment)
    return marks
}

function noteFirstNumbers(sender: End, receiver: End, { seq, ack, bits }: Segment): void {
    sender.base ??= bits & Bit.Syn ? seq : (seq - 1) >>> 0
    if (bits & Bit.Ack) receiver.base ??= (ack - 1) >>> 0
}

/** Returns the marks that follow from a segment's window, length, and place at the end of what was sent. */
function windowMarks(sender: End, receiver: End, segment: Segment): number {
    const { seq, bits, length, window } = segment
    if (length === 1 && seq === sender.next && receiver.window === 0) return Mark.ZeroWindowProbe
    let marks = 0
    if (window === 0 && (bits & CONTROL) === 0) marks |= Mark.ZeroWindow
    if (sender.next !== UNKNOWN && after(seq, sender.next) > 0 && (bits & Bit.Rst) === 0)
        marks |= Mark.LostBefore
    if ((bits & CONTROL) !== 0) return marks
    if (length <= 1 && seq === (sender.next - 1) >>> 0) marks |= Mark.KeepAlive
    if (length > 0) return isFilling(receiver, segment) ? marks | Mark.WindowFull : marks
    return marks | repeatedAckMarks(sender, receiver, segment)
}

/** Returns true when a segment's data ends at the right edge of the window that its receiver has advertised. */
function isFilling(receiver: End, { seq, length }: Segment): boolean {
    const { shift, scales, ack, window } = receiver
    if (shift === undefined) return false
    const room = scales && shift > 0 ? window << shift : window
    return (seq + length) >>> 0 === (ack + room) >>> 0
}

/** Returns the marks of a segment without data that acknowledges what its sender has acknowledged before. */
function repeatedAckMarks(sender: End, receiver: End, { seq, ack, window }: Segment): number {
    if (seq !== sender.next || ack !== sender.ack) return 0
    if (window !== sender.window) return window === 0 ? 0 : Mark.WindowUpdate
    if (window === 0) return receiver.marks & Mark.ZeroWindowProbe ? Mark.ZeroWindowProbeAck : 0
    if (receiver.marks & Mark.KeepAlive) return Mark.KeepAliveAck
    sender.duplicates = sender.duplicates < 0 ? 1 : sender.duplicates + 1
    return Mark.DuplicateAck
}

/** Returns the mark of an ACK for data that was not captured, once for each gap. */
function unseenMark(receiver: End, { ack, bits }: Segment): number {
    if ((bits & Bit.Ack) === 0 || receiver.whole === UNKNOWN || after(ack, receiver.whole) <= 0) return 0
    if (after(receiver.whole, receiver.next) < 0) {
        receiver.whole = receiver.next
        return Mark.AcksUnseen
    }
    const isFirst = receiver.duplicates === 0
    receiver.duplicates = -1
    return isFirst ? Mark.AcksUnseen : 0
}

/** Returns the mark of data, a SYN or a FIN that its sender has sent before, or that other segments have overtaken. */
function repetitionMark(
    { firstRoundTrip }: Connection,
    sender: End,
    receiver: End,
    { seq, bits, length, time }: Segment
): number {
    let isOld = sender.next !== UNKNOWN && after(seq, sender.next) < 0
    // new data after a probe of one byte
    if (length > 1 && seq === (sender.next - 1) >>> 0) isOld = false
    if (length > 0 && receiver.ack !== UNKNOWN && after(seq + length, receiver.ack) <= 0)
        return Mark.Retransmission | Mark.Spurious
    if (!isOld) return 0
    const isWithin = (since: number, limit: number) => time >= since && time - since < limit
    if (receiver.duplicates >= 2 && receiver.ack === seq && isWithin(receiver.time, FAST_WITHIN))
        return Mark.Retransmission | Mark.Fast
    const end = (seq + length + (bits & (Bit.Syn | Bit.Fin) ? 1 : 0)) >>> 0
    // a round trip during which the clock was set back has no length
    const patience =
        firstRoundTrip === 0
            ? REORDERED_WITHIN
            : firstRoundTrip < 0
              ? Number.POSITIVE_INFINITY
              : firstRoundTrip
    if (isWithin(sender.nextTime, patience) && end !== sender.next) return Mark.OutOfOrder
    return Mark.Retransmission
}

function advance(sender: End, segment: Segment, marks: number): void {
    const { seq, ack, bits, length, window, time } = segment
    if ((marks & Mark.ZeroWindowProbe) === 0) {
        const end = (seq + length + (bits & (Bit.Syn | Bit.Fin) ? 1 : 0)) >>> 0
        if (sender.next === UNKNOWN || after(end, sender.next) > 0) {
            sender.next = end
            sender.nextTime = time
        }
        if (sender.whole === UNKNOWN || seq === sender.whole) sender.whole = sender.next
    }
    sender.window = window
    sender.ack = ack
    sender.time = time
    sender.marks = marks
}

/** Notes the time between the last SYN and the first ACK after it. */
function noteRoundTrip(connection: Connection, { bits, time, isTimed }: Segment): void {
    const kind = bits & (Bit.Syn | Bit.Ack)
    if (kind === Bit.Syn && isTimed) connection.synTime = time
    if (kind === Bit.Ack && connection.synTime !== undefined && connection.firstRoundTrip === 0)
        connection.firstRoundTrip = time - connection.synTime
}
