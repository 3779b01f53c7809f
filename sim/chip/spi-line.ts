// A line of the SPI bus with bit errors.

import type { Random } from "../time/random"

/** MISO or MOSI with a bad contact: single bits arrive flipped, or all bits are stuck. */
export class SpiLine {
    private rate = 0
    /** The number of bits before the next one that flips. */
    private left = Number.POSITIVE_INFINITY

    constructor(private readonly random: Random) {}

    /** Changes `bytes` in place as the line does. Returns a copy of the original bytes if bits flipped, else undefined. */
    carry(bytes: Uint8Array, stuck: number | undefined, rate: number): Uint8Array | undefined {
        if (stuck !== undefined) bytes.fill(stuck)
        if (rate !== this.rate) {
            this.rate = rate
            this.left = this.gap()
        }
        const bits = bytes.length * 8
        if (this.left >= bits) {
            this.left -= bits
            return undefined
        }
        const before = Uint8Array.from(bytes)
        for (; this.left < bits; this.left += 1 + this.gap())
            bytes[this.left >> 3]! ^= 0x80 >> (this.left & 7)
        this.left -= bits
        return before
    }

    /** Draws the number of bits before the next one that flips: geometric, so that each bit has the same probability. */
    private gap(): number {
        if (this.rate <= 0) return Number.POSITIVE_INFINITY
        return Math.floor(Math.log(1 - this.random.next()) / Math.log(1 - this.rate))
    }
}
