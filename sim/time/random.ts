// Random numbers from a seed: the same seed repeats a run on every machine.

/** The generator xoshiro128** (Blackman and Vigna), seeded through splitmix32. */
export class Random {
    private readonly seed: number
    private a: number
    private b: number
    private c: number
    private d: number

    /** Seeds the generator with the lower 32 bits of any number. */
    constructor(seed: number) {
        this.seed = seed | 0
        let state = this.seed
        const split = () => {
            state = (state + 0x9e3779b9) | 0
            let z = state ^ (state >>> 16)
            z = Math.imul(z, 0x21f0aaad)
            z ^= z >>> 15
            z = Math.imul(z, 0x735a2d97)
            return z ^ (z >>> 15)
        }
        this.a = split()
        this.b = split()
        this.c = split()
        this.d = split()
    }

    /** Returns a number from 0 up to but not including 1. */
    next(): number {
        return this.bits() / 0x1_0000_0000
    }

    /** Returns a whole number from 0 up to but not including `n` (at most 2^32). */
    integer(n: number): number {
        return Math.floor(this.next() * n)
    }

    /** Fills `bytes` with random bytes and returns it. */
    fill(bytes: Uint8Array): Uint8Array {
        for (let i = 0; i < bytes.length; i++) bytes[i] = this.bits() >>> 24
        return bytes
    }

    /**
     * Returns an independent generator for one purpose, which depends on the seed and the label, not on the numbers drawn before.
     */
    fork(label: string): Random {
        let hash = 0x811c9dc5 // FNV-1a
        for (const byte of new TextEncoder().encode(label)) hash = Math.imul(hash ^ byte, 0x01000193)
        return new Random(Math.imul(this.seed, 0x2c1b3c6d) ^ hash)
    }

    /** Returns the next 32 random bits, unsigned. */
    private bits(): number {
        const product = Math.imul(this.b, 5)
        const result = Math.imul((product << 7) | (product >>> 25), 9)
        const t = this.b << 9
        this.c ^= this.a
        this.d ^= this.b
        this.b ^= this.c
        this.a ^= this.d
        this.c ^= t
        this.d = (this.d << 11) | (this.d >>> 21)
        return result >>> 0
    }
}
