// DNS messages as a test writes and reads them, with nothing of src/wire.

import { u16, u32 } from "./frames"

export const A = 1
export const NS = 2
export const CNAME = 5
export const SOA = 6
export const AAAA = 28

export interface Asked {
    id: number
    flags: number
    counts: number[]
    name: string
    type: number
    class: number
    /** What follows the question. */
    rest: Uint8Array
}

/** Labels, without compression. */
export function dnsName(text: string): number[] {
    const labels = text.split(".").filter(label => label !== "")
    return [...labels.flatMap(label => [label.length, ...Buffer.from(label, "latin1")]), 0]
}

/** The name at an offset, pointers followed; and where it ends there. */
export function nameAt(bytes: Uint8Array, at: number): { name: string; end: number } {
    const labels: string[] = []
    let end = -1
    for (let i = 0; i < 200; i++) {
        const length = bytes[at]!
        if (length >= 0xc0) {
            if (end < 0) end = at + 2
            at = (length & 63) * 256 + bytes[at + 1]!
        } else if (length === 0) return { name: labels.join("."), end: end < 0 ? at + 1 : end }
        else {
            labels.push(Buffer.from(bytes.subarray(at + 1, at + 1 + length)).toString("latin1"))
            at += length + 1
        }
    }
    throw new Error("a name without end")
}

export const number16 = (bytes: Uint8Array, at: number) => bytes[at]! * 256 + bytes[at + 1]!

export function readQuestion(bytes: Uint8Array): Asked {
    const { name, end } = nameAt(bytes, 12)
    return {
        id: number16(bytes, 0),
        flags: number16(bytes, 2),
        counts: [4, 6, 8, 10].map(at => number16(bytes, at)),
        name,
        type: number16(bytes, end),
        class: number16(bytes, end + 2),
        rest: bytes.subarray(end + 4),
    }
}

export interface Record {
    name: number[]
    type: number
    class?: number
    ttl?: number
    data: number[]
    /** What the length field says. */
    length?: number
}

export const recordBytes = ({ name, type, class: kind, ttl, data, length }: Record) => [
    ...name,
    ...u16(type),
    ...u16(kind ?? 1),
    ...u32(ttl ?? 60),
    ...u16(length ?? data.length),
    ...data,
]

export interface Reply {
    id: number
    flags?: number
    /** Name, type and class as they stand there. */
    question?: number[]
    questions?: number
    answers?: Record[]
    authorities?: Record[]
    additional?: Record[]
    counts?: [number, number, number]
}

export function dnsMessage(reply: Reply): number[] {
    const { answers = [], authorities = [], additional = [] } = reply
    const counts = reply.counts ?? [answers.length, authorities.length, additional.length]
    return [
        ...u16(reply.id),
        ...u16(reply.flags ?? 0x8180),
        ...u16(reply.questions ?? 1),
        ...counts.flatMap(u16),
        ...(reply.question ?? []),
        ...[...answers, ...authorities, ...additional].flatMap(recordBytes),
    ]
}

export const question = (name: string, type = A, kind = 1) => [...dnsName(name), ...u16(type), ...u16(kind)]

/** A pointer to an offset of the message. */
export const pointer = (at: number) => [0xc0 | (at >> 8), at & 0xff]
