// Node runtime: DeviceScript's Buffer, with the VM's semantics.

import { digestOf } from "./digests"
import { environment } from "./environment"
import { load, store } from "./numbers"
import { hmacSha256, sha256 } from "./sha256"
import { View } from "./view"

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
    /** The same memory. */
    get view(): View {
        return new View(this)
    }

    /** What Uint8Array's own methods make of a buffer. */
    static get [Symbol.species](): Uint8ArrayConstructor {
        return Uint8Array
    }

    /** Returns a buffer of `size` zeros. Throws a RangeError when `size` is too large. */
    static alloc(size: number): Buffer {
        if (!(size >= 0 && size <= MAX_SIZE)) throw new RangeError("buffer too big")
        const b = new Buffer(size)
        // V8 searches for a method of an array's prototype at each call, but puts a function that the array itself has into the caller
        Object.defineProperty(b, "view", { value: new View(b) })
        Object.defineProperty(b, "getAt", GET_AT)
        Object.defineProperty(b, "setAt", SET_AT)
        Object.defineProperty(b, "blitAt", BLIT_AT)
        Object.defineProperty(b, "fillAt", FILL_AT)
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
        const first = parts[0]
        if (key !== undefined) return hmacSha256(bytesOf(key), parts.map(bytesOf), hash)
        if (parts.length > 1 || !(first instanceof Buffer)) return sha256(parts.map(bytesOf), hash)
        copy.call(hash, digestOf(first.view, first.length).bytes)
        return hash
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

    /** Copies bytes, clipped to both buffers, from the first to the last. */
    blitAt(offset: number, src: Buffer | string, srcOffset: number, length: number): void {
        blitAt.call(this, offset, src, srcOffset, length)
    }

    /** Returns a number in network order, like the method of DeviceScript's library; @devicescript/net uses it. */
    readUInt16BE(offset = 0): number {
        return (this.getAt(offset, "u8") << 8) | this.getAt(offset + 1, "u8")
    }

    /** Sets bytes, clipped to the buffer. */
    fillAt(offset: number, length: number, value: number): void {
        fillAt.call(this, offset, length, value)
    }

    /** Copies all of `from` to `offset`, clipped to this buffer. */
    override set(from: ArrayLike<number>, offset = 0): void {
        // Node's own arrays have no view; making one would copy their bytes twice
        const foreign = (from as Buffer).view === undefined
        if (foreign && offset >= 0 && offset + from.length <= this.length) copy.call(this, from, offset)
        else this.blitAt(offset, from as Buffer, 0, from.length)
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
    const { view } = this
    // V8 puts this function into its caller, where the format is constant
    if (format === "u8") return view.u8(offset)
    if (format === "u16") return view.u16(offset)
    if (format === "i32") return view.i32(offset)
    if (format === "u32") return view.u32(offset)
    return load(this, offset, format)
}

/** The method setAt of a buffer that was allocated. */
function setAt(this: Buffer, offset: number, format: string, value: number): void {
    const { view } = this
    if (format === "u8") view.setU8(offset, value)
    else if (format === "u16") view.setU16(offset, value)
    else if (format === "i32") view.setI32(offset, value)
    else store(this, offset, format, value)
}

/** The method blitAt of a buffer that was allocated. */
function blitAt(this: Buffer, offset: number, src: Buffer | string, srcOffset: number, length: number): void {
    this.view.blitAt(offset, viewOf(src), srcOffset, length)
}

/** The method fillAt of a buffer that was allocated. */
function fillAt(this: Buffer, offset: number, length: number, value: number): void {
    this.view.fillAt(offset, length, value)
}

const { set: copy } = Uint8Array.prototype

// writable: a test counts the reads of a buffer by a method of its own
const GET_AT = { value: getAt, writable: true }
const SET_AT = { value: setAt }
const BLIT_AT = { value: blitAt }
const FILL_AT = { value: fillAt }

/** Returns the bytes of a template of hexadecimal digits. On the VM they are in flash. */
export function hex(parts: TemplateStringsArray): Buffer {
    return Buffer.from(parts.join(""), "hex")
}

/** Returns the memory of a buffer, or of a text's bytes. */
function viewOf(data: Buffer | string): View {
    return (data as Buffer).view ?? new View(new Uint8Array(bytesOf(data)))
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
