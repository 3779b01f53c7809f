// Numbers in network order. A call costs as much as a dozen operations on the VM: the path of a segment spells these out.

import type { Buffer } from "@devicescript/core"

/** Reads 16 bits, most significant byte first; what lies outside of the buffer is 0. */
export function readU16(b: Buffer, at: number): number {
    if (at < 0) return 0
    return (b.getAt(at, "u8") << 8) | b.getAt(at + 1, "u8")
}

/**
 * Reads 32 bits, most significant byte first, as a signed integer (sequence numbers are compared by `(a - b) | 0`); 0 when
 * they do not all lie in the buffer.
 */
export function readI32(b: Buffer, at: number): number {
    return at < 0 ? 0 : swap32(b.getAt(at, "i32"))
}

/** Writes the low 16 bits of `value`, most significant byte first. */
export function writeU16(b: Buffer, at: number, value: number): void {
    b.setAt(at, "u16", ((value & 0xff) << 8) | ((value >> 8) & 0xff))
}

/** Writes 32 bits, most significant byte first. */
export function writeI32(b: Buffer, at: number, value: number): void {
    b.setAt(at, "i32", swap32(value))
}

/** Turns the order of the four bytes around. */
export function swap32(v: number): number {
    return (v << 24) | ((v & 0xff00) << 8) | ((v >> 8) & 0xff00) | (v >>> 24)
}

/** Turns the order of the low two bytes around: a port or a type as `getAt` "u16" reads it from the wire. */
export function swap16(v: number): number {
    return ((v & 0xff) << 8) | ((v >> 8) & 0xff)
}
