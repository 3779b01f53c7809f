// Explains a reset in one sentence: which of the reasons of RFC 9293 section 3.5.2 it had, as far as that shows from outside.

import type { Cause } from "../diagnosis/diagnosis"
import { type Connection, type End, endName, other, UNKNOWN } from "./connection"
import { Mark } from "./marks"
import { after, Bit, type Segment } from "./segment"

/** The number of retransmissions without an ACK after which a sender is assumed to have given up. */
const GIVING_UP = 3

/** The meaning of a reset. */
export interface Reset {
    readonly cause: Cause
    readonly explanation: string
    /** True when the receiver accepts the reset. */
    readonly isTaken: boolean
}

/** Returns the meaning of a reset, from the connection's state before it. */
export function judgeReset(connection: Connection, from: 0 | 1, segment: Segment): Reset {
    const { ends } = connection
    const isTaken = isAcceptable(ends[from], ends[other(from)], segment)
    const [cause, text] = reason(connection, from, segment, isTaken)
    return { cause, explanation: `${text}${suspicion(connection, from, segment)}.`, isTaken }
}

/** Returns true when the receiver of a reset accepts it, as far as the capture shows (RFC 9293 section 3.10.7.3 and 3.10.7.4). */
function isAcceptable(sender: End, receiver: End, { seq, ack, bits }: Segment): boolean {
    if (receiver.state === "SYN-SENT") return (bits & Bit.Ack) !== 0 && ack === receiver.next
    if (receiver.ack === UNKNOWN) return true
    const shift = receiver.shift ?? 14
    const room = Math.max(1, receiver.scales && shift > 0 ? receiver.window << shift : receiver.window)
    const offset = after(seq, receiver.ack)
    // what the sender has sent may have moved the window before it was acknowledged
    return offset >= 0 && (offset < room || after(seq, sender.next) <= 0)
}

/** The kind of a reset, and the sentence about it without its full stop. */
type Finding = readonly [Cause, string]

function reason(connection: Connection, from: 0 | 1, segment: Segment, isTaken: boolean): Finding {
    const to = other(from)
    const sender = connection.ends[from]
    const receiver = connection.ends[to]
    const [name, peer] = [endName(connection, from), endName(connection, to)]
    const hasAck = (segment.bits & Bit.Ack) !== 0
    if (sender.segments + receiver.segments === 0)
        return ["stale-connection", `${name} answered with RST to a segment that was not captured`]
    if (receiver.state === "SYN-SENT") {
        if (!isTaken)
            return hasAck
                ? [
                      "ignored-reset",
                      `${peer} ignores this RST from ${name}: it acknowledges ${segment.ack}, not the SYN's ${receiver.next}`,
                  ]
                : [
                      "ignored-reset",
                      `${peer} ignores this RST from ${name}: it acknowledges nothing, so not the SYN`,
                  ]
        return sender.segments === 0
            ? [
                  "port-closed",
                  `${name} refused the connection: no program listens on that port, or a firewall rejects it`,
              ]
            : ["withdrawn", `${name} withdrew from the handshake`]
    }
    if (receiver.state === "SYN-RECEIVED" && connection.client === from) {
        if (receiver.ack !== sender.next)
            return [
                "wrong-number",
                `${name} rejected the SYN-ACK, which acknowledges ${receiver.ack}: its SYN needs ${sender.next}`,
            ]
        return [
            "withdrawn",
            `${name} reset the connection instead of completing the handshake: it gave up, or only looked whether the port is open`,
        ]
    }
    // RFC 9293 section 3.5.1, figure 10: the peer's segment is of an older connection, and the reset ends that one
    if (sender.state === "SYN-SENT" && connection.client === from && receiver.syns === 0)
        return [
            "stale-connection",
            `${peer} still has an older connection with the same ports: it answers the SYN of ${name} by an ACK of other numbers`,
        ]
    if (receiver.state === "CLOSED")
        return sender.state === "CLOSED"
            ? ["reset-after-close", `${name} repeated the end of a connection that is closed already`]
            : ["reset-after-close", `${name} answered with RST to a connection that ${peer} had closed`]
    if (!isTaken)
        return [
            "ignored-reset",
            `${peer} ignores this RST from ${name}: its number ${segment.seq} is outside the window`,
        ]
    return hasAck ? abort(connection, from) : unknownConnection(connection, from, segment)
}

/**
 * Explains a reset without ACK: by RFC 9293 section 3.10.7.1 it has the ACK number of a segment that belongs to no connection.
 */
function unknownConnection(connection: Connection, from: 0 | 1, { seq }: Segment): Finding {
    const to = other(from)
    const sender = connection.ends[from]
    const receiver = connection.ends[to]
    const [name, peer] = [endName(connection, from), endName(connection, to)]
    if (seq !== receiver.ack) return abort(connection, from)
    if (sender.fin !== undefined)
        return ["reset-after-close", `${name} had closed the connection already when more came from ${peer}`]
    if (receiver.marks & Mark.KeepAlive)
        return [
            "stale-connection",
            `${name} answered a keep-alive of ${peer} with RST: it knows no such connection any more`,
        ]
    return [
        "stale-connection",
        `${name} knows no such connection any more: it has restarted, or its program closed it and left no trace`,
    ]
}

/** Explains a reset by an end that knows the connection. */
function abort(connection: Connection, from: 0 | 1): Finding {
    const to = other(from)
    const sender = connection.ends[from]
    const receiver = connection.ends[to]
    const [name, peer] = [endName(connection, from), endName(connection, to)]
    if (sender.unansweredKeepAlives >= GIVING_UP)
        return [
            "peer-vanished",
            `${name} gave up: ${peer} answered none of ${sender.unansweredKeepAlives} keep-alives`,
        ]
    if (sender.unansweredRetransmissions >= GIVING_UP)
        return [
            "not-acknowledged",
            `${name} gave up: ${peer} acknowledged none of ${sender.unansweredRetransmissions} retransmissions`,
        ]
    if (receiver.fin !== undefined && sender.fin !== undefined)
        return [
            "reset-after-close",
            `${name} ended the connection by RST after both had sent FIN: nothing was lost`,
        ]
    if (sender.fin !== undefined && receiver.next === sender.ack)
        return ["reset-after-close", `${name} had closed, and did not wait until ${peer} closed, too`]
    if (sender.fin !== undefined)
        return [
            "reset-after-close",
            `${name} had closed, and did not wait for the rest that ${peer} was sending`,
        ]
    if (receiver.fin !== undefined)
        return [
            "reset",
            `${name} answered the FIN of ${peer} with RST instead of its own FIN: its program aborted, or left data unread`,
        ]
    const isUnread = receiver.bytes > 0 && sender.ack !== UNKNOWN && after(receiver.next, sender.ack) > 0
    if (isUnread) return ["reset", `${name} aborted the connection with data of ${peer} not yet acknowledged`]
    return [
        "reset",
        `${name} aborted the connection: its program ended, closed it with data unread, or asked for a reset`,
    ]
}

/** Returns words for a reset that another host may have sent in the sender's name. */
function suspicion({ ends }: Connection, from: 0 | 1, { ip }: Segment): string {
    const { ttl } = ends[from]
    if (ttl === undefined || Math.abs(ttl - ip.ttl) <= 2 || (isFresh(ip.ttl) && isFresh(ttl))) return ""
    return ` (its TTL is ${ip.ttl}, but that of the other segments is ${ttl}: something on the way may have sent it)`
}

/** Returns whether a time to live is one that senders begin with: some use another for resets than for the rest. */
function isFresh(ttl: number): boolean {
    return [32, 64, 128, 255].includes(ttl)
}
