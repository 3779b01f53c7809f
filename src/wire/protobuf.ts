// Protocol Buffers' wire format (protobuf.dev, "Encoding"), as far as proto3 messages of integers, bytes and messages need it.
//
// Writing: each function writes one field, of a number below 2^28, at an offset and returns the offset after it; the caller
// ensures that there is room. A message within a message is opened, filled and closed. Reading: any bytes produce a defined
// result.

import type { Buffer } from "@devicescript/core"

export const enum Wire {
    Varint = 0,
    Fixed64 = 1,
    /** Bytes, text, and a message within a message. */
    Bytes = 2,
    Fixed32 = 5,
}

/** Results of `findField`. */
export const enum Found {
    /** The message is malformed. */
    Malformed = -1,
    /** The field is absent: it has its default, 0 or empty. */
    No = 0,
    Yes = 1,
}

const enum Varint {
    /** A varint of 64 bits has at most this many bytes. */
    Longest = 10,
    More = 0x80,
    Bits = 0x7f,
}

/** What `nextField` and `findField` have read last. */
export const field = {
    number: 0,
    wire: 0,
    /** A varint's lower 32 bits. */
    value: 0,
    /** Where the bytes of a Wire.Bytes field are, and how many. */
    at: 0,
    length: 0,
}

/** Writes a varint of a 32-bit integer. A negative one takes 10 bytes because it is extended to 64 bits. */
function putVarint(b: Buffer, at: number, value: number): number {
    for (let i = 1; (value & ~Varint.Bits) !== 0; i++) {
        // the tenth byte holds bit 63
        if (i === Varint.Longest) {
            value = 1
            break
        }
        b.setAt(at++, "u8", (value & Varint.Bits) | Varint.More)
        value >>= 7
    }
    b.setAt(at, "u8", value)
    return at + 1
}

/** Writes an int32, uint32 below 2^31, bool or enum. */
export function putInt(b: Buffer, at: number, number: number, value: number): number {
    return putVarint(b, putVarint(b, at, (number << 3) | Wire.Varint), value)
}

/** Writes bytes or text. */
export function putBytes(b: Buffer, at: number, number: number, bytes: Buffer): number {
    at = putVarint(b, putVarint(b, at, (number << 3) | Wire.Bytes), bytes.length)
    b.blitAt(at, bytes, 0, bytes.length)
    return at + bytes.length
}

/** Begins a message within a message. Returns the offset of its first field, which `closeMessage` needs. */
export function openMessage(b: Buffer, at: number, number: number): number {
    return putVarint(b, at, (number << 3) | Wire.Bytes) + 2
}

/**
 * Ends a message of up to 16,383 bytes from `start` to `at`. Its length always takes two bytes: a varint may be longer than
 * necessary.
 */
export function closeMessage(b: Buffer, start: number, at: number): number {
    const length = at - start
    b.setAt(start - 2, "u8", (length & Varint.Bits) | Varint.More)
    b.setAt(start - 1, "u8", length >> 7)
    return at
}

/** Reads a varint before `end` into `field.value`. Returns the offset after it, or -1. */
function varint(b: Buffer, at: number, end: number): number {
    let value = 0
    for (let shift = 0; shift < 7 * Varint.Longest; shift += 7) {
        if (at >= end) return -1
        const byte = b.getAt(at++, "u8")
        if (shift < 32) value |= (byte & Varint.Bits) << shift
        if (byte < Varint.More) {
            field.value = value
            return at
        }
    }
    return -1
}

/**
 * Reads the field at `at` of a message that ends before `end`, into `field`. Returns the offset after it, or -1 if the bytes are
 * not a field (a group, which proto3 does not have, included).
 */
export function nextField(b: Buffer, at: number, end: number): number {
    at = varint(b, at, Math.min(end, b.length))
    if (at < 0) return -1
    const { value } = field
    field.number = value >>> 3
    field.wire = value & 7
    if (field.number === 0) return -1
    switch (field.wire) {
        case Wire.Varint:
            return varint(b, at, end)
        case Wire.Bytes: {
            at = varint(b, at, end)
            field.at = at
            field.length = field.value
            break
        }
        case Wire.Fixed64:
            field.length = 8
            break
        case Wire.Fixed32:
            field.length = 4
            break
        default:
            return -1
    }
    if (at < 0 || field.length < 0 || field.length > end - at) return -1
    return at + field.length
}

/**
 * Looks for a field in the message from `at` to `end`: the last of its number and kind counts. `field` describes it if found.
 * Reads the whole message.
 */
export function findField(b: Buffer, at: number, end: number, number: number, wire: Wire): Found {
    let value = 0
    let start = 0
    let length = -1
    if (at < 0 || end > b.length) return Found.Malformed
    while (at < end) {
        at = nextField(b, at, end)
        if (at < 0) return Found.Malformed
        if (field.number !== number || field.wire !== wire) continue
        value = field.value
        start = field.at
        length = field.length
        if (wire === Wire.Varint) length = 0
    }
    field.value = value
    field.at = start
    field.length = length
    return length < 0 ? Found.No : Found.Yes
}

/** Returns an integer field's lower 32 bits, 0 when it is absent, -1 when the message is malformed. */
export function intField(b: Buffer, at: number, end: number, number: number): number {
    return findField(b, at, end, number, Wire.Varint) === Found.Malformed ? -1 : field.value
}
