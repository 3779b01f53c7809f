// A connection of a capture, and the known state of each of its two ends.

import { addressText } from "../capture/ip-packet"
import type { Cause } from "../diagnosis/diagnosis"
import type { Segment } from "./segment"

/** The states of RFC 9293 section 3.3.2. */
export type State =
    | "CLOSED"
    | "LISTEN"
    | "SYN-SENT"
    | "SYN-RECEIVED"
    | "ESTABLISHED"
    | "FIN-WAIT-1"
    | "FIN-WAIT-2"
    | "CLOSE-WAIT"
    | "CLOSING"
    | "LAST-ACK"
    | "TIME-WAIT"

/** The number 0 stands for a sequence number that is not known yet, in the fields that say so. */
export const UNKNOWN = 0

/** The state of one end, from the segments that it sent, as far as they were captured. */
export class End {
    /** The sequence number of its SYN, or the one before the first number seen; undefined before any segment. */
    base: number | undefined
    /** The sequence number after all that the end has sent; UNKNOWN before any segment. */
    next = UNKNOWN
    /** The time of the segment that brought `next`. */
    nextTime = 0
    /** The number up to which its data was captured without a gap, or acknowledged; UNKNOWN before any. */
    whole = UNKNOWN
    /** The last acknowledgment number that the end sent; UNKNOWN before any. */
    ack = UNKNOWN
    /** The first acknowledgment number that the end sent; undefined before any. */
    firstAck: number | undefined
    /** True when its segments show that it received something after its first segment. */
    hasHeard = false
    /** The time of its last segment. */
    time = Number.NEGATIVE_INFINITY
    /** The last window that the end advertised, as in the header; -1 before any. */
    window = -1
    /** The duplicate ACKs since `ack` changed; -1 after an ACK of data that was not captured. */
    duplicates = 0
    /** The marks of its last segment. */
    marks = 0
    /** The shift of its windows: undefined while it is not known, -1 when the connection does not scale. */
    shift: number | undefined
    /** True when the end has sent an ACK after its SYN, from which on its windows are scaled. */
    scales = true

    state: State = "CLOSED"
    /** The number of its FIN; undefined before it. */
    fin: number | undefined
    /** True when the other end has received the FIN. */
    finArrived = false
    /** The state without the reset that closed the end, as its later segments show it; undefined if no reset did. */
    stateBeforeReset: State | undefined

    segments = 0
    /** Bytes of data, repetitions included. */
    bytes = 0
    syns = 0
    retransmissions = 0
    /** Retransmissions and keep-alives in a row without an answer from the other end. */
    unansweredRetransmissions = 0
    unansweredKeepAlives = 0
    /** The time at which the end advertised the zero window that is still shut, ns; undefined if its window is open. */
    shutSince: number | undefined
    /** The control bits of its last segment, and the bytes of data in it. */
    lastBits = 0
    lastLength = 0
    /** The longest data of a segment since everything was acknowledged, and that of the segments that were acknowledged. */
    sentLength = 0
    passedLength = 0
    /** The shortest data of the segments that were sent again since everything was acknowledged; 0 if none was. */
    repeatedLength = 0
    /** The time to live (hop limit) of its segments; undefined before any. */
    ttl: number | undefined
}

/** The times of a handshake, ns; each is undefined if its segment was not captured. */
export interface Handshake {
    firstSyn?: number
    synAck?: number
    ack?: number
}

export interface FirstReset {
    /** The end that sent it, or in whose name it was sent. */
    readonly end: 0 | 1
    readonly cause: Cause
    /** Its time, ns, and its packet. */
    readonly time: number
    readonly packet: number
    /** The sequence number beyond which its sender sends nothing any more. */
    readonly seq: number
}

export class Connection {
    /** The ends in the order of their addresses and ports, the higher one first. */
    readonly ends = [new End(), new End()] as const
    /** The time of the last SYN without ACK; undefined before any. */
    synTime: number | undefined
    /** The time from that SYN to the first ACK, which bounds how late a segment out of order arrives; 0 if it is not known. */
    firstRoundTrip = 0
    readonly handshake: Handshake = {}
    /** The earliest and the latest time of a segment. */
    firstTime = 0
    lastTime = 0
    /** The packet of its last segment. */
    lastPacket = 0
    /** The packet after which time first goes backwards; undefined if it never does. */
    backwardsAfter: number | undefined
    /** Segments whose header is shorter than TCP's or longer than the segment: nothing else is known of them. */
    malformed = 0
    /** True when the capture begins in the middle of the connection, whose earlier states are assumed, not seen. */
    isMidway = false
    /** True when an earlier connection of the capture had the same addresses and ports. */
    isReused = false
    /** True when both ends have sent a SYN without ACK. */
    isSimultaneous = false
    /** Why the connection was reset, from its first reset; undefined if it was not reset. */
    reset: string | undefined
    /** The first reset; undefined if the connection was not reset. */
    resetBy: FirstReset | undefined
    /** The end in whose name a reset came that neither end took: both went on. Undefined if there was none. */
    refutedReset: 0 | 1 | undefined
    /** The last ICMP error about the connection, in words, and its sender; undefined if none arrived. */
    icmp: string | undefined
    icmpBy: string | undefined
    /** The end that sent the first FIN, and its time, ns; undefined before any. */
    closer: 0 | 1 | undefined
    finTime: number | undefined
    /** The end that opened the connection: the sender of the first SYN, or the receiver of a SYN-ACK, or the first sender. */
    client: 0 | 1 = 0

    private constructor(
        /** Its number in the capture, from 0, as Wireshark counts. */
        readonly number: number,
        readonly addresses: readonly [string, string],
        readonly ports: readonly [number, number]
    ) {}

    /** Creates the connection of its first segment. */
    static of(number: number, segment: Segment, sender: 0 | 1): Connection {
        const { ip, sourcePort, destinationPort } = segment
        const size = ip.version === 4 ? 4 : 16
        const source = addressText(ip.bytes, ip.addresses, ip.version)
        const destination = addressText(ip.bytes, ip.addresses + size, ip.version)
        return sender === 0
            ? new Connection(number, [source, destination], [sourcePort, destinationPort])
            : new Connection(number, [destination, source], [destinationPort, sourcePort])
    }
}

/** Returns an end's address and port as text, the address of IPv6 in brackets. */
export function endName({ addresses, ports }: Connection, end: 0 | 1): string {
    const address = addresses[end]
    return `${address.includes(":") ? `[${address}]` : address}:${ports[end]}`
}

/** Returns the end whose segments the capture lacks, although the other end acknowledges them; undefined if it has segments of both ends. */
export function unseenEnd({ ends }: Connection): 0 | 1 | undefined {
    const unseen = ends.findIndex(({ segments }) => segments === 0)
    if (unseen < 0) return undefined
    const end = unseen === 0 ? 0 : 1
    return ends[other(end)].hasHeard ? end : undefined
}

type Ends = Pick<Segment, "ip" | "sourcePort" | "destinationPort">

/** Returns the other end. */
export function other(end: 0 | 1): 0 | 1 {
    return end === 0 ? 1 : 0
}

/** Returns the end that sent a segment: 0 for the higher address, or for the higher port between equal addresses. */
export function senderOf({ ip, sourcePort, destinationPort }: Ends): 0 | 1 {
    const { bytes, addresses, version } = ip
    const size = version === 4 ? 4 : 16
    for (let i = addresses; i < addresses + size; i++) {
        const difference = bytes[i]! - bytes[i + size]!
        if (difference !== 0) return difference > 0 ? 0 : 1
    }
    return sourcePort > destinationPort ? 0 : 1
}

/** Returns the key of a segment's connection, the same for both directions. */
export function keyOf({ ip, sourcePort, destinationPort }: Ends, sender: 0 | 1): string {
    const { bytes, addresses, version } = ip
    const size = version === 4 ? 4 : 16
    const words = sender === 0 ? [sourcePort, destinationPort] : [destinationPort, sourcePort]
    const first = sender === 0 ? addresses : addresses + size
    const second = sender === 0 ? addresses + size : addresses
    for (let i = 0; i < size; i += 2) words.push((bytes[first + i]! << 8) | bytes[first + i + 1]!)
    for (let i = 0; i < size; i += 2) words.push((bytes[second + i]! << 8) | bytes[second + i + 1]!)
    return String.fromCharCode(...words)
}
