// A TCP segment of a capture: the fields of its header (RFC 9293 section 3.1), and the place and time at which it was captured.

import type { IpPacket } from "../capture/ip-packet"
import { fold, sum } from "../view/dissect"

/** The control bits of a header. */
export const enum Bit {
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
}

export interface Segment {
    /** The number of its packet in the file, from 1. */
    readonly packet: number
    /** Nanoseconds since the first packet of the file. */
    readonly time: number
    /** False for a packet whose record has no time. */
    readonly isTimed: boolean
    readonly ip: IpPacket
    readonly sourcePort: number
    readonly destinationPort: number
    readonly seq: number
    /** The acknowledgment number; it is meaningful only with the ACK bit. */
    readonly ack: number
    readonly bits: number
    /** The window in the header, not scaled. */
    readonly window: number
    /** The length of the TCP header. Below SHORTEST_HEADER or above the segment's length it is not valid. */
    readonly headerLength: number
    /** The bytes of data, captured or not; negative if the header is longer than the segment. */
    readonly length: number
}

/** The length of a TCP header without options. */
export const SHORTEST_HEADER = 20
/** The header up to the window: with less captured a segment cannot be placed. */
export const LEAST_HEADER = 16

/** Returns the segment in a whole packet of protocol 6; undefined if its header was not captured as far as the window. */
export function segmentOf(ip: IpPacket, packet: number, time: number, isTimed: boolean): Segment | undefined {
    const { bytes, payload, length } = ip
    if (Math.min(bytes.length - payload, length) < LEAST_HEADER) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset + payload, LEAST_HEADER)
    const headerLength = (view.getUint8(12) >> 4) * 4
    return {
        packet,
        time,
        isTimed,
        ip,
        sourcePort: view.getUint16(0),
        destinationPort: view.getUint16(2),
        seq: view.getUint32(4),
        ack: view.getUint32(8),
        bits: view.getUint8(13),
        window: view.getUint16(14),
        headerLength,
        length: length - headerLength,
    }
}

/** Returns true when the header of a packet's segment was longer than what was captured of it. */
export function isCutShort({ bytes, payload, length }: IpPacket): boolean {
    return length >= LEAST_HEADER && bytes.length - payload < LEAST_HEADER
}

/** Returns how far the sequence number `a` is after `b`, negative if before: they wrap (RFC 9293 section 3.4). */
export function after(a: number, b: number): number {
    return (a - b) | 0
}

/** Returns the sequence numbers that a segment takes: its data, SYN and FIN (SEG.LEN). */
export function occupied({ length, bits }: Segment): number {
    return length + (bits & Bit.Syn ? 1 : 0) + (bits & Bit.Fin ? 1 : 0)
}

/** Returns the data of a segment as far as it was captured, at most `most` bytes. */
export function dataOf({ ip, headerLength, length }: Segment, most: number): Uint8Array {
    const start = ip.payload + headerLength
    return ip.bytes.subarray(start, start + Math.max(0, Math.min(length, most)))
}

/** Returns the bytes of the options as far as they were captured. */
export function optionBytes({ ip, headerLength }: Segment): Uint8Array {
    return ip.bytes.subarray(ip.payload + 20, ip.payload + Math.max(20, headerLength))
}

/** The kinds of checksums: a partial one is the sum of the pseudo-header, which a network card completes when it sends. */
export type Checksum = "right" | "wrong" | "partial"

/** Returns the kind of a segment's checksum; undefined if not all of the segment was captured. */
export function checksumOf({ ip }: Segment): Checksum | undefined {
    const { bytes, addresses, version, payload, length, protocol } = ip
    if (bytes.length < payload + length) return undefined
    const ends = sum(bytes.subarray(addresses, addresses + (version === 4 ? 8 : 32)), protocol)
    const pseudoHeader = ends + (length & 0xffff) + (length >>> 16)
    if (fold(sum(bytes.subarray(payload, payload + length), pseudoHeader)) === 0xffff) return "right"
    const field = (bytes[payload + 16]! << 8) | bytes[payload + 17]!
    // a card that cuts segments itself adds the length of each
    return field === fold(pseudoHeader) || field === fold(ends) ? "partial" : "wrong"
}
