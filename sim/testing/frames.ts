// Builds frames byte by byte, with nothing of the stack: what it gets from these, and what we check it by, is our own.

import type { SegmentFields } from "./api"

/** Numbers in network order. */
export const u16 = (value: number) => [(value >>> 8) & 0xff, value & 0xff]
export const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)]

/** The four bytes of an address in dotted form. */
export const address = (text: string) => text.split(".").map(Number)

/** The six bytes of an Ethernet address such as "02:00:00:00:00:01". */
export const mac = (text: string) => text.split(":").map(byte => Number.parseInt(byte, 16))

export const broadcastMac = "ff:ff:ff:ff:ff:ff"

/** Bytes from hexadecimal digits; anything else between them is left out. */
export function hex(text: string): Uint8Array {
    const digits = text.replace(/[^0-9a-f]/gi, "")
    return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
        Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
    )
}

/** RFC 1071 as its section 1 says it: 16-bit words, most significant byte first, end-around carry, one's complement. */
export function internetChecksum(bytes: ArrayLike<number>): number {
    let sum = 0
    for (let i = 0; i < bytes.length; i += 2) {
        sum += bytes[i]! * 256 + (i + 1 < bytes.length ? bytes[i + 1]! : 0)
        if (sum > 0xffff) sum = (sum & 0xffff) + 1
    }
    return 0xffff - sum
}

export function ethernet(to: string, from: string, type: number, payload: ArrayLike<number>): Uint8Array {
    return Uint8Array.from([...mac(to), ...mac(from), ...u16(type), ...Array.from(payload)])
}

/** Fields of an IPv4 header; what is absent is as a sound header has it. */
export interface IpFields {
    source: string
    destination: string
    protocol: number
    ttl?: number
    identification?: number
    /** Flags and offset. */
    fragment?: number
    /** A multiple of four bytes. */
    options?: ArrayLike<number>
    version?: number
    /** Header length in words. */
    ihl?: number
    totalLength?: number
    checksum?: number
}

export function ipv4(fields: IpFields, payload: ArrayLike<number>): number[] {
    const options = Array.from(fields.options ?? [])
    const ihl = fields.ihl ?? 5 + options.length / 4
    const header = [
        ...[((fields.version ?? 4) << 4) | ihl, 0],
        ...u16(fields.totalLength ?? 20 + options.length + payload.length),
        ...u16(fields.identification ?? 1),
        ...u16(fields.fragment ?? 0),
        ...[fields.ttl ?? 64, fields.protocol, 0, 0],
        ...address(fields.source),
        ...address(fields.destination),
        ...options,
    ]
    header.splice(10, 2, ...u16(fields.checksum ?? internetChecksum(header)))
    return [...header, ...Array.from(payload)]
}

function transportChecksum(ip: { source: string; destination: string }, protocol: number, bytes: number[]) {
    const pseudo = [...address(ip.source), ...address(ip.destination), 0, protocol, ...u16(bytes.length)]
    return internetChecksum([...pseudo, ...bytes])
}

/** Control bits by packetdrill's letters: a dot is ACK. */
const FLAGS = "FSRP.UEW"

export function flagBits(letters: string): number {
    let bits = 0
    for (const letter of letters) {
        if (!FLAGS.includes(letter)) throw new Error(`no such TCP flag: ${letter}`)
        bits |= 1 << FLAGS.indexOf(letter)
    }
    return bits
}

export interface TcpFields extends SegmentFields {
    /** Header length in words. */
    dataOffset?: number
    checksum?: number
}

export function tcp(
    ip: { source: string; destination: string },
    fields: TcpFields,
    data: ArrayLike<number> = []
): number[] {
    const options = Array.from(fields.options ?? [])
    while (options.length % 4 !== 0) options.push(0)
    const segment = [
        ...u16(fields.sourcePort),
        ...u16(fields.destinationPort),
        ...u32(fields.seq),
        ...u32(fields.ack ?? 0),
        ...[(fields.dataOffset ?? 5 + options.length / 4) << 4, flagBits(fields.flags)],
        ...u16(fields.window ?? 4096),
        ...[0, 0],
        ...u16(fields.urgent ?? 0),
        ...options,
        ...Array.from(data),
    ]
    segment.splice(16, 2, ...u16(fields.checksum ?? transportChecksum(ip, 6, segment)))
    return segment
}

export function udp(
    ip: { source: string; destination: string },
    fields: { sourcePort: number; destinationPort: number; length?: number; checksum?: number },
    data: ArrayLike<number> = []
): number[] {
    const datagram = [
        ...u16(fields.sourcePort),
        ...u16(fields.destinationPort),
        ...u16(fields.length ?? 8 + data.length),
        ...[0, 0],
        ...Array.from(data),
    ]
    datagram.splice(6, 2, ...u16(fields.checksum ?? (transportChecksum(ip, 17, datagram) || 0xffff)))
    return datagram
}

export function icmp(
    type: number,
    code: number,
    rest: number,
    data: ArrayLike<number>,
    checksum?: number
): number[] {
    const message = [type, code, 0, 0, ...u32(rest), ...Array.from(data)]
    message.splice(2, 2, ...u16(checksum ?? internetChecksum(message)))
    return message
}

export interface ArpFields {
    operation: number
    senderMac: string
    senderIp: string
    targetMac?: string
    targetIp: string
}

export function arp(fields: ArpFields): number[] {
    return [
        ...[...u16(1), ...u16(0x0800), 6, 4, ...u16(fields.operation)],
        ...[...mac(fields.senderMac), ...address(fields.senderIp)],
        ...[...mac(fields.targetMac ?? "00:00:00:00:00:00"), ...address(fields.targetIp)],
    ]
}
