// Node runtime: DeviceScript's Buffer, with the VM's semantics.

import { environment } from "./environment"

/** Uint8Array as a base class without its static side: the arguments of its `from` differ from those of Buffer. */
const Bytes = Uint8Array as unknown as new (size: number) => Uint8Array<ArrayBuffer>

/** The largest buffer. The limit is above the VM's 57,344 bytes, so that Node can try configurations for larger boards. */
const MAX_SIZE = 16_000_000

/**
 * A byte buffer with DeviceScript's access methods: little-endian, a load beyond the end returns undefined, a store saturates and
 * throws beyond the end. This class differs from the VM as follows. A store by an index beyond the end is ignored (the VM
 * throws). A negative offset throws (the VM reads memory outside of the buffer). The number formats are whole numbers up to 32
 * bits and floats only.
 */
export class Buffer extends Bytes {
    /** Returns a buffer of `size` zeros. Throws a RangeError when `size` is too large. */
    static alloc(size: number): Buffer {
        if (!(size >= 0 && size <= MAX_SIZE)) throw new RangeError("buffer too big")
        return new Buffer(size)
    }

    /** Returns the bytes of a string (UTF-8, or pairs of hexadecimal digits with any characters in between) or of numbers. */
    static from(data: string | ArrayLike<number>, encoding?: "utf-8" | "utf8" | "hex"): Buffer {
        if (typeof data !== "string") {
            const copy = Buffer.alloc(data.length)
            for (let i = 0; i < data.length; i++) copy[i] = data[i]
            return copy
        }
        const bytes = encoding === "hex" ? fromHex(data) : utf8(data)
        const made = Buffer.alloc(bytes.length)
        for (let i = 0; i < bytes.length; i++) made[i] = bytes[i]
        return made
    }

    /** Returns the bytes of all buffers, one after the other. */
    static concat(...buffers: Buffer[]): Buffer {
        let size = 0
        for (const b of buffers) size += b.length
        const all = Buffer.alloc(size)
        let at = 0
        for (const b of buffers) {
            all.blitAt(at, b, 0, b.length)
            at += b.length
        }
        return all
    }

    /** Returns the SHA-256 of the parts, or with a key the HMAC. `@devicescript/crypto` is built on it. */
    static digest(key: Buffer | string | undefined, algorithm: string, parts: (Buffer | string)[]): Buffer {
        if (algorithm !== "sha256") throw new TypeError(`invalid hash: ${algorithm}`)
        const secret = key === undefined ? undefined : bytesOf(key)
        return Buffer.from(environment.digest(secret, parts.map(bytesOf)))
    }

    /** Encrypts with AES-256-CCM, or decrypts if 0x1000 is added to `tag`. `@devicescript/crypto` is built on it. */
    encrypt(algorithm: string, key: Buffer, iv: Buffer, tag: number): Buffer {
        if (algorithm !== "aes-256-ccm") throw new TypeError(`invalid symm algo: ${algorithm}`)
        return Buffer.from(environment.cipher(this, key, iv, tag & 0xfff, tag >= 0x1000))
    }

    /** Returns a number; undefined beyond the end, as on the VM. */
    getAt(offset: number, format: string): number {
        // reads the frequent formats byte by byte: a DataView for each access takes ten times as long
        if (offset >= 0 && (offset | 0) === offset) {
            if (format === "u8") return this[offset]
            if (format === "u16" && offset + 2 <= this.length) return this[offset] | (this[offset + 1] << 8)
            if (format === "i32" && offset + 4 <= this.length) {
                return (
                    this[offset] |
                    (this[offset + 1] << 8) |
                    (this[offset + 2] << 16) |
                    (this[offset + 3] << 24)
                )
            }
        }
        const o = checked(offset)
        if (o + sizeOf(format) > this.length) return undefined as unknown as number
        const view = this.view()
        switch (format) {
            case "u8":
                return view.getUint8(o)
            case "u16":
                return view.getUint16(o, true)
            case "u32":
                return view.getUint32(o, true)
            case "i8":
                return view.getInt8(o)
            case "i16":
                return view.getInt16(o, true)
            case "i32":
                return view.getInt32(o, true)
            case "f32":
                return view.getFloat32(o, true)
            default:
                return view.getFloat64(o, true)
        }
    }

    /** Returns a number in network order, like the method of DeviceScript's library; @devicescript/net uses it. */
    readUInt16BE(offset = 0): number {
        return (this.getAt(offset, "u8") << 8) | this.getAt(offset + 1, "u8")
    }

    /** Stores a number, rounded and clamped to the format's range; throws beyond the end, as on the VM. */
    setAt(offset: number, format: string, value: number): void {
        if (offset >= 0 && (offset | 0) === offset && (value | 0) === value) {
            if (format === "u8" && value >= 0 && value <= 0xff && offset < this.length) {
                this[offset] = value
                return
            }
            if (format === "u16" && value >= 0 && value <= 0xffff && offset + 2 <= this.length) {
                this[offset] = value
                this[offset + 1] = value >> 8
                return
            }
            if (format === "i32" && offset + 4 <= this.length) {
                this[offset] = value
                this[offset + 1] = value >> 8
                this[offset + 2] = value >> 16
                this[offset + 3] = value >> 24
                return
            }
        }
        const o = checked(offset)
        const size = sizeOf(format)
        if (o + size > this.length) throw new RangeError("buffer store out of range")
        const view = this.view()
        const v = format[0] === "f" ? 0 : saturated(Number(value), size * 8, format[0] === "i")
        if (format === "f32") view.setFloat32(o, Number(value), true)
        else if (format === "f64") view.setFloat64(o, Number(value), true)
        else if (size === 1) view.setUint8(o, v & 0xff)
        else if (size === 2) view.setUint16(o, v & 0xffff, true)
        else view.setUint32(o, v >>> 0, true)
    }

    /**
     * Copies bytes, clipped to both buffers. Overlapping bytes are copied from the first to the last, so they repeat when the
     * target is after the source. The VM's memcpy does this; a board's may not.
     */
    blitAt(offset: number, src: Buffer | string, srcOffset: number, length: number): void {
        const from = bytesOf(src)
        const at = srcOffset >>> 0
        const to = offset >>> 0
        if (at >= from.length || to >= this.length) return
        const n = Math.min(length >>> 0, from.length - at, this.length - to)
        if (from.buffer === this.buffer && to > at && to < at + n) {
            for (let i = 0; i < n; i++) this[to + i] = from[at + i]
        } else {
            super.set(from.subarray(at, at + n), to)
        }
    }

    /** Sets bytes, clipped to the buffer. */
    fillAt(offset: number, length: number, value: number): void {
        const from = offset >>> 0
        super.fill(value & 0xff, from, from + Math.min(length >>> 0, this.length))
    }

    /** Copies all of `from` to `offset`, clipped to this buffer. */
    override set(from: ArrayLike<number>, offset = 0): void {
        this.blitAt(offset, from as Buffer, 0, from.length)
    }

    /** Returns the bytes of this buffer and then those of the other. */
    concat(other: Buffer): Buffer {
        return Buffer.concat(this, other)
    }

    /** Returns a copy of the bytes from `start` up to but not including `end`, with zeros beyond this buffer's end. */
    override slice(start = 0, end: number = this.length): Buffer {
        if (end - start <= 0 || start >= this.length) return Buffer.alloc(0)
        const copy = Buffer.alloc(end - start)
        copy.blitAt(0, this, start, end - start)
        return copy
    }

    /** Returns the index of the first `byte`, or -1; with a negative `end` the index of the last one before `-end`. */
    override indexOf(byte: number, start = 0, end: number = this.length): number {
        const first = Math.max(0, start)
        const last = Math.min(Math.abs(end), this.length)
        if (end >= 0) {
            for (let i = first; i < last; i++) if (this[i] === byte) return i
        } else {
            for (let i = last - 1; i >= first; i--) if (this[i] === byte) return i
        }
        return -1
    }

    /** Returns the text of UTF-8 bytes, or the bytes as hexadecimal digits. */
    override toString(encoding?: string): string {
        if (encoding === "hex") return toHex(this)
        if (encoding === undefined || encoding === "utf-8" || encoding === "utf8")
            return environment.text(this)
        throw new TypeError(`Unknown encoding: ${encoding}`)
    }

    /** Returns the bytes as the VM shows them in a template string. */
    [Symbol.toPrimitive](): string {
        return `[Buffer[${this.length}] ${toHex(this)}]`
    }

    /** Fills the buffer with random bytes. `@devicescript/crypto` is built on it. */
    fillRandom(): void {
        environment.random(this)
    }

    private view(): DataView {
        return new DataView(this.buffer, this.byteOffset, this.byteLength)
    }
}

/** Returns the bytes of a template of hexadecimal digits. On the VM they are in flash. */
export function hex(parts: TemplateStringsArray): Buffer {
    return Buffer.from(parts.join(""), "hex")
}

function sizeOf(format: string): number {
    switch (format) {
        case "u8":
        case "i8":
            return 1
        case "u16":
        case "i16":
            return 2
        case "u32":
        case "i32":
        case "f32":
            return 4
        case "f64":
            return 8
        default:
            throw new RangeError(`buffer numfmt invalid: ${format}`)
    }
}

/**
 * Returns an offset as a whole number. Throws for a negative offset, with which the VM would read memory outside of the buffer.
 */
function checked(offset: number): number {
    const o = Math.trunc(offset)
    if (!(o >= 0)) throw new RangeError(`buffer offset ${offset} is outside of the buffer`)
    return o
}

function saturated(value: number, bits: number, signed: boolean): number {
    const low = signed ? -(2 ** (bits - 1)) : 0
    const high = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
    if (Number.isNaN(value)) return low
    return Math.min(high, Math.max(low, Math.floor(value + 0.5)))
}

function bytesOf(data: Uint8Array | string): Uint8Array {
    return typeof data === "string" ? utf8(data) : data
}

function utf8(text: string): Uint8Array {
    return environment.bytes(text)
}

function fromHex(text: string): number[] {
    const digits = text.replace(/[^0-9a-fA-F]/g, "")
    const bytes: number[] = []
    for (let i = 0; i + 1 < digits.length; i += 2) bytes.push(Number.parseInt(digits.slice(i, i + 2), 16))
    return bytes
}

function toHex(bytes: Uint8Array): string {
    let text = ""
    for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16)
    return text
}
