import type { Random } from "../time/random"

/** MISO or MOSI with a bad contact: single bits arrive as their opposite, or all are stuck. */
export class SpiLine {
    private rate = 0
    /** Bits until the next one that flips. */
    private left = Number.POSITIVE_INFINITY

    constructor(private readonly random: Random) {}

    /** What becomes of `bytes` on the way, in place; the bytes as they were when bits flipped, else undefined. */
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

    /** Good bits in a row: geometric, so that each bit has the same chance. */
    private gap(): number {
        if (this.rate <= 0) return Number.POSITIVE_INFINITY
        return Math.floor(Math.log(1 - this.random.next()) / Math.log(1 - this.rate))
    }
}
