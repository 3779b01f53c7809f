// Builds frames for tests of what reads them, with nothing of the stack under test.

import { address as bytesOf, internetChecksum, u16, u32 } from "../support/frames"

export interface TcpFields {
    source?: string
    destination?: string
    sourcePort?: number
    destinationPort?: number
    seq?: number
    ack?: number
    /** Letters: F S R P A U E C. */
    flags?: string
    window?: number
    urgent?: number
    /** Whole words of 4 bytes. */
    options?: number[]
    payload?: Uint8Array | string
    /** Bytes after the IPv4 packet. */
    padding?: number
}

const macOf = (address: string) => [2, 0, ...address.split(".").map(Number)]
export function ethernet(source: string, destination: string, type: number, payload: number[]): Uint8Array {
    return Uint8Array.from([...macOf(destination), ...macOf(source), ...u16(type), ...payload])
}

export function ipv4(
    source: string,
    destination: string,
    protocol: number,
    payload: number[],
    header: { fragment?: number; ttl?: number; identification?: number; options?: number[] } = {}
): Uint8Array {
    const options = header.options ?? []
    const words = [
        ...[0x45 + options.length / 4, 0, ...u16(20 + options.length + payload.length)],
        ...[...u16(header.identification ?? 1), ...u16(header.fragment ?? 0x4000)],
        ...[header.ttl ?? 64, protocol, 0, 0],
        ...[...bytesOf(source), ...bytesOf(destination), ...options],
    ]
    words.splice(10, 2, ...u16(internetChecksum(words)))
    return ethernet(source, destination, 0x0800, [...words, ...payload])
}

export function tcp(fields: TcpFields): Uint8Array {
    const source = fields.source ?? "10.0.0.2"
    const destination = fields.destination ?? "10.0.0.1"
    const options = fields.options ?? []
    const payload =
        typeof fields.payload === "string" ? new TextEncoder().encode(fields.payload) : (fields.payload ?? [])
    const bits = [...(fields.flags ?? "A")].reduce((all, flag) => all | (1 << "FSRPAUEC".indexOf(flag)), 0)
    const segment = [
        ...[...u16(fields.sourcePort ?? 49152), ...u16(fields.destinationPort ?? 7)],
        ...[...u32(fields.seq ?? 0), ...u32(fields.ack ?? 0)],
        ...[(5 + options.length / 4) << 4, bits, ...u16(fields.window ?? 2048)],
        ...[0, 0, ...u16(fields.urgent ?? 0)],
        ...options,
        ...payload,
    ]
    segment.splice(16, 2, ...u16(transportChecksum(source, destination, 6, segment)))
    const frame = ipv4(source, destination, 6, segment)
    const padded = new Uint8Array(frame.length + (fields.padding ?? 0))
    padded.set(frame)
    return padded
}

export function udp(
    source: string,
    destination: string,
    ports: [number, number],
    payload: number[]
): Uint8Array {
    const datagram = [...u16(ports[0]), ...u16(ports[1]), ...u16(8 + payload.length), 0, 0, ...payload]
    datagram.splice(6, 2, ...u16(transportChecksum(source, destination, 17, datagram) || 0xffff))
    return ipv4(source, destination, 17, datagram)
}

export function echo(
    source: string,
    destination: string,
    type: 0 | 8,
    sequence: number,
    payload: number[]
): Uint8Array {
    const message = [type, 0, 0, 0, ...u16(0x1234), ...u16(sequence), ...payload]
    message.splice(2, 2, ...u16(internetChecksum(message)))
    return ipv4(source, destination, 1, message)
}

export function arp(operation: number, sender: string, target: string, targetMac?: number[]): Uint8Array {
    const addresses = [
        ...macOf(sender),
        ...bytesOf(sender),
        ...(targetMac ?? macOf(target)),
        ...bytesOf(target),
    ]
    return ethernet(sender, target, 0x0806, [
        ...u16(1),
        ...u16(0x0800),
        6,
        4,
        ...u16(operation),
        ...addresses,
    ])
}

function transportChecksum(source: string, destination: string, protocol: number, segment: number[]): number {
    const pseudo = [...bytesOf(source), ...bytesOf(destination), 0, protocol, ...u16(segment.length)]
    return internetChecksum([...pseudo, ...segment])
}

export const mss = (value: number) => [2, 4, ...u16(value)]
export const windowScale = (shift: number) => [1, 3, 3, shift]
export const sackPermitted = [1, 1, 4, 2]
export const timestamps = (value: number, reply: number) => [1, 1, 8, 10, ...u32(value), ...u32(reply)]
export const sack = (...edges: number[]) => [1, 1, 5, 2 + 4 * edges.length, ...edges.flatMap(u32)]
