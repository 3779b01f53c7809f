// Node runtime: DeviceScript's Buffer, with the VM's semantics.

import { environment } from "./environment"
import { hmacSha256, sha256 } from "./sha256"

/** Uint8Array as a base class without its static side: the arguments of its `from` differ from those of Buffer. */
const Bytes = Uint8Array as unknown as new (size: number) => Uint8Array<ArrayBuffer>

/** The most bytes for which a loop is faster than a call of Node. */
const SHORT = 128

/** The largest buffer. The limit is above the VM's 57,344 bytes, so that Node can try configurations for larger boards. */
const MAX_SIZE = 16_000_000

/**
 * A byte buffer with DeviceScript's access methods: little-endian, a load beyond the end returns undefined, a store saturates and
 * throws beyond the end. This class differs from the VM as follows. A store by an index beyond the end is ignored (the VM
 * throws). A negative offset throws (the VM reads memory outside of the buffer). The number formats are whole numbers up to 32
 * bits and floats only.
 */
export class Buffer extends Bytes {
    /** The same memory, for numbers of more than a byte. */
    declare readonly view: DataView

    /** What Uint8Array's own methods make of a buffer. */
    static get [Symbol.species](): Uint8ArrayConstructor {
        return Uint8Array
    }

    /** Returns a buffer of `size` zeros. Throws a RangeError when `size` is too large. */
    static alloc(size: number): Buffer {
        if (!(size >= 0 && size <= MAX_SIZE)) throw new RangeError("buffer too big")
        const b = new Buffer(size)
        // V8 searches for a method of an array's prototype at each call, but puts a function that the array itself has into the caller
        Object.defineProperty(b, "view", { value: new DataView(b.buffer) })
        Object.defineProperty(b, "getAt", GET_AT)
        Object.defineProperty(b, "setAt", SET_AT)
        Object.defineProperty(b, "blitAt", BLIT_AT)
        return b
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
        const hash = new Buffer(32)
        return key === undefined
            ? sha256(parts.map(bytesOf), hash)
            : hmacSha256(bytesOf(key), parts.map(bytesOf), hash)
    }

    /** Encrypts with AES-256-CCM, or decrypts if 0x1000 is added to `tag`. `@devicescript/crypto` is built on it. */
    encrypt(algorithm: string, key: Buffer, iv: Buffer, tag: number): Buffer {
        if (algorithm !== "aes-256-ccm") throw new TypeError(`invalid symm algo: ${algorithm}`)
        return Buffer.from(environment.cipher(this, key, iv, tag & 0xfff, tag >= 0x1000))
    }

    /** Returns a number; undefined beyond the end, as on the VM. */
    getAt(offset: number, format: string): number {
        return load(this, offset, format)
    }

    /** Stores a number, rounded and clamped to the format's range; throws beyond the end, as on the VM. */
    setAt(offset: number, format: string, value: number): void {
        store(this, offset, format, value)
    }

    /**
     * Copies bytes, clipped to both buffers. Overlapping bytes are copied from the first to the last, so they repeat when the
     * target is after the source. The VM's memcpy does this; a board's may not.
     */
    blitAt(offset: number, src: Buffer | string, srcOffset: number, length: number): void {
        blitAt.call(this, offset, src, srcOffset, length)
    }

    /** Returns a number in network order, like the method of DeviceScript's library; @devicescript/net uses it. */
    readUInt16BE(offset = 0): number {
        return (this.getAt(offset, "u8") << 8) | this.getAt(offset + 1, "u8")
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
}

/** The method getAt of a buffer that was allocated. */
function getAt(this: Buffer, offset: number, format: string): number {
    // the frequent formats in few bytecodes: V8 puts them into the caller, where the format is constant
    if (format === "u8") {
        if (offset < this.length) return this[offset] ?? load(this, offset, format)
    } else if (format === "u16") {
        if (offset + 2 <= this.length) return this.view.getUint16(offset, true)
    } else if (offset + 4 <= this.length) {
        if (format === "i32") return this.view.getInt32(offset, true)
        if (format === "u32") return this.view.getUint32(offset, true)
    }
    return load(this, offset, format)
}

/** The method setAt of a buffer that was allocated. */
function setAt(this: Buffer, offset: number, format: string, value: number): void {
    if (format === "i32") {
        if ((value | 0) === value && offset + 4 <= this.length) {
            this.view.setInt32(offset, value, true)
            return
        }
    } else if (format === "u16") {
        if ((value & 0xffff) === value && offset + 2 <= this.length) {
            this.view.setUint16(offset, value, true)
            return
        }
    } else if (format === "u8") {
        if ((value & 0xff) === value && offset < this.length) {
            this.view.setUint8(offset, value)
            return
        }
    }
    store(this, offset, format, value)
}

const { set: copy } = Uint8Array.prototype

/** The method blitAt of any buffer. */
function blitAt(this: Buffer, offset: number, src: Buffer | string, srcOffset: number, length: number): void {
    const from = bytesOf(src)
    const at = srcOffset >>> 0
    const to = offset >>> 0
    if (at >= from.length || to >= this.length) return
    const n = Math.min(length >>> 0, from.length - at, this.length - to)
    const overlaps = from.buffer === this.buffer && to > at && to < at + n
    const source = (from as Buffer).view as DataView | undefined
    const target = this.view as DataView | undefined
    let i = 0
    if (n > SHORT && !overlaps) {
        copy.call(this, new Uint8Array(from.buffer, from.byteOffset + at, n), to)
        return
    }
    if (source !== undefined && target !== undefined && !overlaps) {
        for (; i + 16 <= n; i += 16) {
            target.setInt32(to + i, source.getInt32(at + i, true), true)
            target.setInt32(to + i + 4, source.getInt32(at + i + 4, true), true)
            target.setInt32(to + i + 8, source.getInt32(at + i + 8, true), true)
            target.setInt32(to + i + 12, source.getInt32(at + i + 12, true), true)
        }
        for (; i + 4 <= n; i += 4) target.setInt32(to + i, source.getInt32(at + i, true), true)
    }
    for (; i < n; i++) this[to + i] = from[at + i]
}

/** Returns a number of any format. Throws for an offset or a format that is not valid. */
function load(b: Buffer, offset: number, format: string): number {
    const o = checked(offset)
    const size = sizeOf(format)
    if (o + size > b.length) return undefined as unknown as number
    if (format[0] === "f") {
        const view = new DataView(b.buffer)
        return size === 4 ? view.getFloat32(o, true) : view.getFloat64(o, true)
    }
    let bits = 0
    for (let i = 0; i < size; i++) bits |= b[o + i]! << (8 * i)
    if (format[0] === "u") return bits >>> 0
    return (bits << (32 - 8 * size)) >> (32 - 8 * size)
}

/** Stores a number of any format, rounded and clamped. Throws for an offset or a format that is not valid. */
function store(b: Buffer, offset: number, format: string, value: number): void {
    const o = checked(offset)
    const size = sizeOf(format)
    if (o + size > b.length) throw new RangeError("buffer store out of range")
    if (format[0] === "f") {
        const view = new DataView(b.buffer)
        if (size === 4) view.setFloat32(o, Number(value), true)
        else view.setFloat64(o, Number(value), true)
        return
    }
    const v = saturated(Number(value), size * 8, format[0] === "i")
    for (let i = 0; i < size; i++) b[o + i] = v >> (8 * i)
}

// writable: a test counts the reads of a buffer by a method of its own
const GET_AT = { value: getAt, writable: true }
const SET_AT = { value: setAt }
const BLIT_AT = { value: blitAt }

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
