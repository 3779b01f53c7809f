// Reads and writes numbers in network order. A call costs as much as a dozen operations on the VM, so code on the path of a
// segment does the same inline.

import type { Buffer } from "@devicescript/core"

/** Returns the 16 bits at `at`, most significant byte first; bytes outside of the buffer read as 0. */
export function readU16(b: Buffer, at: number): number {
    if (at < 0) return 0
    return (b.getAt(at, "u8") << 8) | b.getAt(at + 1, "u8")
}

/**
 * Returns the 32 bits at `at`, most significant byte first, as a signed integer (sequence numbers are compared by `(a - b) | 0`).
 * Returns 0 when one of the four bytes is outside of the buffer.
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

/** Returns `v` with the order of its four bytes reversed. */
export function swap32(v: number): number {
    return (v << 24) | ((v & 0xff00) << 8) | ((v >> 8) & 0xff00) | (v >>> 24)
}

/** Returns the low two bytes of `v` in reversed order: `getAt` "u16" reads a port or an EtherType from the wire in that order. */
export function swap16(v: number): number {
    return ((v & 0xff) << 8) | ((v >> 8) & 0xff)
}
