// The connections of a capture: reads its packets in sequence and keeps the known state of each connection.

import { addressText, type IpPacket, ipPacket } from "../capture/ip-packet"
import { networkStart } from "../capture/link-layer"
import type { CapturedPacket } from "../capture/packet"
import { Reassembly } from "../capture/reassembly"
import { innermost } from "../capture/tunnel"
import { tcpOptions } from "../view/tcp-options"
import { Connection, type End, keyOf, other, senderOf } from "./connection"
import { icmpError, PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from "./icmp"
import { Mark } from "./marks"
import { judgeReset } from "./resets"
import { Bit, isCutShort, occupied, optionBytes, type Segment, SHORTEST_HEADER, segmentOf } from "./segment"
import { analyze } from "./sequence"
import { follow, type StateChange } from "./states"

/** The number of connections that are kept; segments of further connections are only counted. */
export const MAX_CONNECTIONS = 100_000
const PROTOCOL_TCP = 6

/** A segment with everything that the analysis found about it. */
export interface Seen {
    readonly connection: Connection
    readonly from: 0 | 1
    readonly segment: Segment
    readonly marks: number
    readonly changes: readonly StateChange[]
    /** The changes if no end has taken the reset before the segment; undefined without such a reset. */
    readonly unreset: readonly StateChange[] | undefined
    /** The packet of a reset of which this segment shows that no end has taken it; undefined for any other segment. */
    readonly refuted: number | undefined
    /** One sentence about a reset; undefined for other segments. */
    readonly explanation: string | undefined
}

/** Receives the findings, packet by packet. */
export interface Listener {
    segment(seen: Seen): void
    /** Receives an ICMP error about a connection; `time` is like a segment's. */
    icmp(connection: Connection, time: number, sender: IpPacket, words: string): void
    /** Receives a segment whose header is not valid. */
    malformed?(connection: Connection, segment: Segment): void
}

const MOST_REPORTS = 3

export class Connections {
    readonly list: Connection[] = []
    /** Segments of connections beyond MAX_CONNECTIONS. */
    ignored = 0
    packets = 0
    /** Packets of TCP that were captured too short for a segment's header. */
    short = 0
    /** ICMP errors about segments that were not captured, in words: the first ones. */
    readonly reports: string[] = []
    /** Link types in the capture that are not supported, with the number of packets of each. */
    readonly unread = new Map<number, number>()
    private readonly latest = new Map<string, Connection>()
    private readonly fragments = new Reassembly()
    /** The earliest and the latest time of a packet, ns since the first packet: a clock may have been set back. */
    begin = 0
    end = 0
    private start: { seconds: number; nanoseconds: number } | undefined
    private readonly most: number | undefined
    private made = 0

    /**
     * Creates the list. `start` is the time from which times count, instead of the first packet's; of more than `most` connections
     * the oldest are forgotten.
     */
    constructor(
        private readonly listener?: Listener,
        { start, most }: { start?: { seconds: number; nanoseconds: number }; most?: number } = {}
    ) {
        this.start = start
        this.most = most
    }

    /** Handles the next packet of the capture. */
    take({ linkType, bytes, length, seconds, nanoseconds }: CapturedPacket, isRead: boolean): void {
        this.packets++
        const isTimed = seconds !== 0 || nanoseconds !== 0
        this.start ??= { seconds, nanoseconds }
        const { start } = this
        // a packet without a time is treated as simultaneous with the one before
        const time = isTimed ? (seconds - start.seconds) * 1e9 + (nanoseconds - start.nanoseconds) : this.end
        this.begin = Math.min(this.begin, time)
        this.end = Math.max(this.end, time)
        if (!isRead) {
            this.unread.set(linkType, (this.unread.get(linkType) ?? 0) + 1)
            return
        }
        const place = networkStart(linkType, bytes)
        const part = place === undefined ? undefined : ipPacket(bytes, place, length)
        const packet = part && innermost(this.fragments.take(part))
        if (packet === undefined) return
        if (packet.protocol === PROTOCOL_TCP) {
            const segment = segmentOf(packet, this.packets, time, isTimed)
            if (segment !== undefined) this.segment(segment)
            else if (isCutShort(packet)) this.short++
        } else if (packet.protocol === PROTOCOL_ICMP || packet.protocol === PROTOCOL_ICMPV6) {
            this.icmp(packet, time)
        }
    }

    private segment(segment: Segment): void {
        const from = senderOf(segment)
        const connection = this.connectionOf(segment, from)
        if (connection === undefined) {
            this.ignored++
            return
        }
        if (segment.headerLength < SHORTEST_HEADER || segment.length < 0) {
            noteOpener(connection, from, segment)
            connection.malformed++
            this.listener?.malformed?.(connection, segment)
            return
        }
        // a reset is judged by what was known before it
        const reset = segment.bits & Bit.Rst ? judgeReset(connection, from, segment) : undefined
        const { next } = connection.ends[from]
        const reused = this.restart(connection, from, segment)
        const marks = reused | analyze(connection, from, segment)
        if (segment.bits & Bit.Syn) agree(connection, from, segment)
        count(connection, from, segment, marks)
        const steps = follow(connection, from, segment, reset?.isTaken)
        const explanation = reset?.explanation
        if (reset !== undefined && connection.reset === undefined) {
            const { packet } = segment
            const { lastTime: time } = connection
            const seq = reset.isTaken ? segment.seq : next
            connection.reset = explanation
            connection.resetBy = { end: from, cause: reset.cause, time, packet, seq }
        }
        this.listener?.segment({ connection, from, segment, marks, ...steps, explanation })
    }

    /** Finds the connection of a segment: a SYN with another number than before begins a new one. */
    private connectionOf(segment: Segment, from: 0 | 1): Connection | undefined {
        const key = keyOf(segment, from)
        const known = this.latest.get(key)
        if (known !== undefined) {
            const { base } = known.ends[from]
            const isSyn = (segment.bits & (Bit.Syn | Bit.Ack)) === Bit.Syn
            if (!isSyn || base === undefined || base === segment.seq) return known
        }
        if (this.list.length === this.most) this.forgetOldest()
        if (this.list.length >= MAX_CONNECTIONS) return undefined
        const connection = Connection.of(this.made++, segment, from)
        connection.firstTime = segment.time
        connection.lastTime = segment.time
        connection.isReused = known !== undefined
        this.list.push(connection)
        this.latest.set(key, connection)
        return connection
    }

    private forgetOldest(): void {
        const oldest = this.list.shift()
        for (const [key, connection] of this.latest) if (connection === oldest) this.latest.delete(key)
    }

    /** Prepares an end for a SYN that repeats its first number, or a SYN-ACK with a new one. Returns the mark for it. */
    private restart({ ends, isReused }: Connection, from: 0 | 1, { bits, seq }: Segment): number {
        const end = ends[from]
        if ((bits & Bit.Syn) === 0) return 0
        if ((bits & Bit.Ack) === 0) {
            // a reset may have had the number that was acknowledged, which is not the sender's own
            if (end.base === seq) end.next = end.whole
            return isReused && end.segments === 0 && ends[other(from)].segments === 0 ? Mark.PortsReused : 0
        }
        if (end.base === undefined || end.base === seq) return 0
        end.base = seq
        return Mark.PortsReused
    }

    private report(text: string): void {
        if (this.reports.length < MOST_REPORTS && !this.reports.includes(text)) this.reports.push(text)
    }

    private icmp(packet: IpPacket, time: number): void {
        const error = icmpError(packet)
        if (error === undefined || error.about.protocol !== PROTOCOL_TCP) return
        const segment = segmentOf(error.about, this.packets, time, true)
        // a connection of which only an error was captured has a number, too, if the error quotes enough of it
        const connection =
            segment === undefined
                ? this.latest.get(quotedKey(error.about) ?? "")
                : this.connectionOf(segment, senderOf(segment))
        if (connection === undefined) {
            const sender = addressText(packet.bytes, packet.addresses, packet.version)
            this.report(`${sender} reports about a segment ${quotedEnds(error.about)}: ${error.words}.`)
            return
        }
        if (segment !== undefined) noteOpener(connection, senderOf(segment), segment)
        connection.icmp = error.words
        connection.icmpBy = addressText(packet.bytes, packet.addresses, packet.version)
        this.listener?.icmp(connection, time, packet, error.words)
    }
}

/** Returns the ends of a quoted segment, as far as they are quoted. */
function quotedEnds({ bytes, payload, addresses, version }: IpPacket): string {
    const size = version === 4 ? 4 : 16
    const port = (at: number) =>
        bytes.length < payload + 4 ? "" : ` port ${(bytes[payload + at]! << 8) | bytes[payload + at + 1]!}`
    const [from, to] = [addresses, addresses + size].map(at => addressText(bytes, at, version))
    return `from ${from}${port(0)} to ${to}${port(2)}, which was not captured`
}

/** Returns the key of a connection whose ports only are quoted; undefined if not even they are. */
function quotedKey(ip: IpPacket): string | undefined {
    const { bytes, payload } = ip
    if (bytes.length < payload + 4) return undefined
    const sourcePort = (bytes[payload]! << 8) | bytes[payload + 1]!
    const destinationPort = (bytes[payload + 2]! << 8) | bytes[payload + 3]!
    const ends = { ip, sourcePort, destinationPort }
    return keyOf(ends, senderOf(ends))
}

/** Notes which end is the client, as long as no segment has shown it. */
function noteOpener(connection: Connection, from: 0 | 1, { bits }: Segment): void {
    const { ends } = connection
    if (ends[0].segments + ends[1].segments === 0) connection.client = openerOf(from, bits)
}

/** Notes what a SYN or SYN-ACK offers: windows are scaled only if both do (RFC 7323 section 2.2). */
function agree({ ends }: Connection, from: 0 | 1, segment: Segment): void {
    const sender = ends[from]
    const receiver = ends[other(from)]
    sender.scales = false
    let offer: number | undefined
    for (const option of tcpOptions(optionBytes(segment)))
        if (option.kind === "window-scale") offer = Math.min(option.shift, 14)
    if (offer === undefined) {
        sender.shift = -1
        receiver.shift = -1
    } else {
        sender.shift = segment.bits & Bit.Ack && receiver.shift === -1 ? -1 : offer
    }
}

/** Returns the end that opened the connection, by its first segment: the sender, or the receiver of a SYN-ACK. */
function openerOf(from: 0 | 1, bits: number): 0 | 1 {
    return bits & Bit.Syn && bits & Bit.Ack ? other(from) : from
}

function count(connection: Connection, from: 0 | 1, segment: Segment, marks: number): void {
    const sender = connection.ends[from]
    const receiver = connection.ends[other(from)]
    const { bits, time, length, window, ack, packet } = segment
    const isSyn = (bits & Bit.Syn) !== 0
    noteOpener(connection, from, segment)
    if (time < connection.lastTime) connection.backwardsAfter ??= connection.lastPacket
    connection.firstTime = Math.min(connection.firstTime, time)
    connection.lastTime = Math.max(connection.lastTime, time)
    connection.lastPacket = packet
    const { handshake } = connection
    if (isSyn) {
        sender.syns++
        if (bits & Bit.Ack) handshake.synAck ??= connection.lastTime
        else handshake.firstSyn ??= connection.lastTime
    } else if (bits & Bit.Ack) {
        if (handshake.synAck !== undefined && from === connection.client)
            handshake.ack ??= connection.lastTime
        sender.scales = true
    }
    if (bits & Bit.Ack && (bits & Bit.Rst) === 0) {
        // an ACK after the own SYN, and a number that grows, answer segments of the other end
        sender.hasHeard ||= sender.firstAck === undefined ? sender.segments > 0 : ack !== sender.firstAck
        sender.firstAck ??= ack
    }
    sender.segments++
    sender.bytes += length
    sender.lastBits = bits
    sender.lastLength = length
    if ((bits & Bit.Rst) === 0) noteLengths(sender, receiver, segment, marks)
    if ((bits & Bit.Rst) === 0) sender.ttl = segment.ip.ttl
    if (marks & Mark.Retransmission) {
        sender.retransmissions++
        sender.unansweredRetransmissions++
    } else if (occupied(segment) > 0 && (marks & Mark.KeepAlive) === 0) {
        sender.unansweredRetransmissions = 0
    }
    if (marks & Mark.KeepAlive) sender.unansweredKeepAlives++
    if (bits & Bit.Ack && ack === sender.ack) {
        receiver.unansweredKeepAlives = 0
        if (receiver.next === ack) receiver.unansweredRetransmissions = 0
    }
    if ((bits & (Bit.Rst | Bit.Syn)) === 0) {
        if (window > 0) sender.shutSince = undefined
        else if ((bits & Bit.Fin) === 0) sender.shutSince ??= time
    }
}

/** Notes the lengths of the segments that get through, and of those that are repeated in vain. */
function noteLengths(sender: End, receiver: End, { bits, ack, length }: Segment, marks: number): void {
    if (marks & Mark.Retransmission) {
        if (length > 0) sender.repeatedLength = Math.min(sender.repeatedLength || length, length)
    } else if ((marks & (Mark.KeepAlive | Mark.ZeroWindowProbe)) === 0) {
        sender.sentLength = Math.max(sender.sentLength, length)
    }
    if ((bits & Bit.Ack) === 0 || ack !== receiver.next) return
    receiver.passedLength = Math.max(receiver.passedLength, receiver.sentLength)
    receiver.sentLength = 0
    receiver.repeatedLength = 0
}
