// The Internet checksum (RFC 1071).

import { Buffer } from "@devicescript/core"

const enum Block {
    Size = 64,
    /** Bytes of four words. */
    Words = 16,
}

// One block of the data at a time is copied here: a read at a constant offset costs a third of a read at a variable one.
const block = Buffer.alloc(Block.Size)

/**
 * Adds `length` bytes of `b` from offset `at` to a one's complement sum and returns it folded to 16 bits.
 *
 * Words are read in the machine's order (little-endian). By RFC 1071 section 2 (B) the sum is then the same with its two bytes
 * swapped, so a checksum field is stored and compared by `getAt`/`setAt` "u16" without a swap. Any length and offset are valid; bytes
 * outside of the buffer add nothing. `sum` is 0, an earlier result, or any integer below 2^40.
 *
 * The result over bytes that include their own correct checksum is 0xffff.
 */
export function onesSum(b: Buffer, at: number, length: number, sum: number): number {
    if (at < 0) return 0
    if (length > b.length - at) length = b.length - at
    while (length >= Block.Size) {
        block.blitAt(0, b, at, Block.Size)
        // unrolled on purpose: a loop takes twice the operations
        sum +=
            block.getAt(0, "u32") +
            block.getAt(4, "u32") +
            block.getAt(8, "u32") +
            block.getAt(12, "u32") +
            block.getAt(16, "u32") +
            block.getAt(20, "u32") +
            block.getAt(24, "u32") +
            block.getAt(28, "u32") +
            block.getAt(32, "u32") +
            block.getAt(36, "u32") +
            block.getAt(40, "u32") +
            block.getAt(44, "u32") +
            block.getAt(48, "u32") +
            block.getAt(52, "u32") +
            block.getAt(56, "u32") +
            block.getAt(60, "u32")
        at += Block.Size
        length -= Block.Size
    }
    while (length >= Block.Words) {
        sum += b.getAt(at, "u32") + b.getAt(at + 4, "u32") + b.getAt(at + 8, "u32") + b.getAt(at + 12, "u32")
        at += Block.Words
        length -= Block.Words
    }
    if (length > 0) {
        // RFC 1071: an odd last byte counts as if a zero byte followed
        block.fillAt(0, Block.Words, 0)
        block.blitAt(0, b, at, length)
        sum += block.getAt(0, "u32") + block.getAt(4, "u32") + block.getAt(8, "u32") + block.getAt(12, "u32")
    }
    // the words of a frame sum to less than 2^42: exact in a double, and the quotient fits 32 bits
    let folded = sum - ((sum / 0x10000) | 0) * 0xffff
    while (folded > 0xffff) folded = (folded & 0xffff) + (folded >> 16)
    return folded
}

/** Returns the checksum field, in `setAt` "u16" order, for the sum of everything else. */
export function checksumOf(sum: number): number {
    return ~sum & 0xffff
}
