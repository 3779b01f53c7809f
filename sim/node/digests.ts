// Node runtime: SHA-256 of messages that are asked for again and again. A handshake needs the hash of its four-tuple several times, and
// each connect() that of its peer; on a board such a hash takes less time than the calls around it.

import { load } from "./numbers"
import { SHORT, sha256, sha256Short } from "./sha256"

/** The memory of a hash, with the methods of View for what its readers ask for. */
class HashView extends DataView<ArrayBuffer> {
    u16(offset: number): number {
        return this.getUint16(offset, true)
    }

    i32(offset: number): number {
        return this.getInt32(offset, true)
    }
}

/** A hash, and the short message that it is of. */
export class Digest {
    readonly bytes = new Uint8Array(32)
    readonly view = new HashView(this.bytes.buffer)
    /** The message's number of words; 0 for a message that is not short. */
    length = 0
    readonly words = new Int32Array(SHORT)

    /** Returns a number of the hash, as a buffer does. */
    getAt(offset: number, format: string): number {
        if (format === "i32") return this.view.i32(offset)
        if (format === "u16") return this.view.u16(offset)
        return load(this.bytes, offset, format)
    }
}

/** The hashes of the short messages that were asked for last, the latest first. */
const known = Array.from({ length: 4 }, () => new Digest())
const long = new Digest()

/** Returns the SHA-256 of a message of `size` bytes. It is valid until the next call. */
export function digestOf(message: DataView<ArrayBuffer>, size: number): Digest {
    const length = size >> 2
    if (size & 3 || length === 0 || length > SHORT) {
        sha256([new Uint8Array(message.buffer, 0, size)], long.bytes)
        return long
    }
    let i = 0
    while (i < known.length && !isOf(known[i]!, message, length)) i++
    const isNew = i === known.length
    if (isNew) i--
    const digest = known[i]!
    for (; i > 0; i--) known[i] = known[i - 1]!
    known[0] = digest
    if (isNew) {
        sha256Short(message, length, digest.view)
        digest.length = length
        for (let t = 0; t < length; t++) digest.words[t] = message.getInt32(4 * t)
    }
    return digest
}

function isOf(digest: Digest, message: DataView, length: number): boolean {
    if (digest.length !== length) return false
    // two messages differ more often at the end: they begin with a secret
    for (let t = length - 1; t >= 0; t--) if (digest.words[t] !== message.getInt32(4 * t)) return false
    return true
}
