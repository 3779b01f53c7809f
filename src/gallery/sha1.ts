// SHA-1 (FIPS 180-4) and Base64 (RFC 4648), which the handshake of WebSockets needs. SHA-1 protects nothing any more.

import { Buffer } from "@devicescript/core"

function rotated(word: number, bits: number): number {
    return (word << bits) | (word >>> (32 - bits))
}

/** Returns the 20 bytes of a short text's SHA-1. */
export function sha1(text: string): Buffer {
    const bytes = Buffer.from(text)
    // the text, a bit, zeros, and the text's length in bits: a multiple of 64 bytes
    const size = (bytes.length + 72) & ~63
    const message = Buffer.alloc(size)
    message.blitAt(0, bytes, 0, bytes.length)
    message.setAt(bytes.length, "u8", 128)
    message.setAt(size - 2, "u8", bytes.length >> 5)
    message.setAt(size - 1, "u8", (bytes.length << 3) & 255)
    const hash = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0]
    const words: number[] = []
    for (let at = 0; at < size; at += 64) {
        let [a, b, c, d, e] = [hash[0], hash[1], hash[2], hash[3], hash[4]]
        for (let i = 0; i < 80; i++) {
            if (i < 16) {
                const w = at + 4 * i
                words[i] =
                    (message[w] << 24) | (message[w + 1] << 16) | (message[w + 2] << 8) | message[w + 3]
            } else words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1)
            let f = 0
            if (i < 20) f = ((b & c) | (~b & d)) + 0x5a827999
            else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1
            else if (i < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
            else f = (b ^ c ^ d) + 0xca62c1d6
            const next = (rotated(a, 5) + f + e + words[i]) | 0
            e = d
            d = c
            c = rotated(b, 30)
            b = a
            a = next
        }
        const sums = [a, b, c, d, e]
        for (let i = 0; i < 5; i++) hash[i] = (hash[i] + sums[i]) | 0
    }
    const result = Buffer.alloc(20)
    for (let i = 0; i < 20; i++) result.setAt(i, "u8", (hash[i >> 2] >>> (24 - 8 * (i & 3))) & 255)
    return result
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

export function base64(bytes: Buffer): string {
    let text = ""
    for (let at = 0; at < bytes.length; at += 3) {
        const left = bytes.length - at
        const three = (bytes[at] << 16) | (left > 1 ? bytes[at + 1] << 8 : 0) | (left > 2 ? bytes[at + 2] : 0)
        text += LETTERS.charAt(three >> 18) + LETTERS.charAt((three >> 12) & 63)
        text += left > 1 ? LETTERS.charAt((three >> 6) & 63) : "="
        text += left > 2 ? LETTERS.charAt(three & 63) : "="
    }
    return text
}
