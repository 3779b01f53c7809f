// Node runtime: the frequent accesses to a buffer's memory, as V8 can put them into the functions that make them: short ones, which
// know their format. specialize.ts has the stack's sources call them.

import { type Digest, digestOf } from "./digests"
import { load, store } from "./numbers"

/** The most bytes for which a loop is faster than a call of Node. */
const SHORT = 128

const { fill, set } = Uint8Array.prototype

/** A buffer's memory. */
export class View extends DataView<ArrayBuffer> {
    readonly size: number
    /** The last offset of a number of two bytes, and of four. */
    private readonly last2: number
    private readonly last4: number

    constructor(private readonly bytes: Uint8Array<ArrayBuffer>) {
        super(bytes.buffer)
        this.size = bytes.length
        this.last2 = bytes.length - 2
        this.last4 = bytes.length - 4
    }

    u8(offset: number): number {
        return offset < this.size ? this.getUint8(offset) : load(this.bytes, offset, "u8")
    }

    u16(offset: number): number {
        return offset <= this.last2 ? this.getUint16(offset, true) : load(this.bytes, offset, "u16")
    }

    u32(offset: number): number {
        return offset <= this.last4 ? this.getUint32(offset, true) : load(this.bytes, offset, "u32")
    }

    i32(offset: number): number {
        return offset <= this.last4 ? this.getInt32(offset, true) : load(this.bytes, offset, "i32")
    }

    setU8(offset: number, value: number): void {
        if ((value & 0xff) === value && offset < this.size) this.setUint8(offset, value)
        else store(this.bytes, offset, "u8", value)
    }

    setU16(offset: number, value: number): void {
        if ((value & 0xffff) === value && offset <= this.last2) this.setUint16(offset, value, true)
        else store(this.bytes, offset, "u16", value)
    }

    setI32(offset: number, value: number): void {
        if ((value | 0) === value && offset <= this.last4) this.setInt32(offset, value, true)
        else store(this.bytes, offset, "i32", value)
    }

    /**
     * Copies bytes, clipped to both buffers. Overlapping bytes are copied from the first to the last, so they repeat when the
     * target is after the source. The VM's memcpy does this; a board's may not.
     */
    blitAt(offset: number, from: View, fromOffset: number, length: number): void {
        const n = length >>> 0
        const to = offset >>> 0
        const at = fromOffset >>> 0
        if (from === this || to + n > this.size || at + n > from.size) this.blitSlowly(to, from, at, n)
        else if (n > SHORT) set.call(this.bytes, new Uint8Array(from.buffer, at, n), to)
        else {
            let i = 0
            for (; i + 16 <= n; i += 16) {
                this.setInt32(to + i, from.getInt32(at + i, true), true)
                this.setInt32(to + i + 4, from.getInt32(at + i + 4, true), true)
                this.setInt32(to + i + 8, from.getInt32(at + i + 8, true), true)
                this.setInt32(to + i + 12, from.getInt32(at + i + 12, true), true)
            }
            for (; i + 4 <= n; i += 4) this.setInt32(to + i, from.getInt32(at + i, true), true)
            for (; i < n; i++) this.setUint8(to + i, from.getUint8(at + i))
        }
    }

    private blitSlowly(to: number, from: View, at: number, length: number): void {
        if (at >= from.size || to >= this.size) return
        const n = Math.min(length, from.size - at, this.size - to)
        for (let i = 0; i < n; i++) this.bytes[to + i] = from.bytes[at + i]!
    }

    /** Sets bytes, clipped to the buffer. */
    fillAt(offset: number, length: number, value: number): void {
        const from = offset >>> 0
        const n = length >>> 0
        if (value === 0 && n <= SHORT && from + n <= this.size) {
            let i = 0
            for (; i + 4 <= n; i += 4) this.setInt32(from + i, 0, true)
            for (; i < n; i++) this.setUint8(from + i, 0)
        } else {
            fill.call(this.bytes, value & 0xff, from, from + Math.min(n, this.size))
        }
    }

    /** Returns the SHA-256 of the buffer, which is valid until the next call. */
    sha256(): Digest {
        return digestOf(this, this.size)
    }
}
