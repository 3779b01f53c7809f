// Node runtime: SHA-256 (FIPS 180-4) and HMAC (RFC 2104). A call of Node's own makes an object for each hash, which takes several times
// as long as the hash of a four-tuple.

const BLOCK = 64
const LENGTH_AT = 56

/** The most words of a message that fills one block with its padding. */
export const SHORT = 13

/** Returns the first 32 bits of the fractional parts of `root` of the first `count` primes. */
function fractions(count: number, root: (prime: number) => number): Int32Array {
    const primes: number[] = []
    for (let n = 2; primes.length < count; n++) if (primes.every(prime => n % prime > 0)) primes.push(n)
    return Int32Array.from(primes, prime => (root(prime) % 1) * 0x1_0000_0000)
}

/**
 * Returns the steps of a hash. They are in a function because a bundle has a module's constants as variables, which V8 reads anew at
 * each access; those of a function stay constant.
 */
function steps() {
    /** The round constants (section 4.2.2) and the initial hash value (section 5.3.3). */
    const K = fractions(64, Math.cbrt)
    const START = fractions(8, Math.sqrt)

    const w = new Int32Array(64)
    const state = new Int32Array(8)

    function begin(): void {
        for (let i = 0; i < 8; i++) state[i] = START[i]!
    }

    /** Adds the block whose words are in `w` to the hash value (section 6.2.2). */
    function compress(): void {
        let a = state[0]!
        let b = state[1]!
        let c = state[2]!
        let d = state[3]!
        let e = state[4]!
        let f = state[5]!
        let g = state[6]!
        let h = state[7]!
        for (let t = 0; t < 64; t++) {
            const word = w[t]!
            // the message schedule beside the rounds, because neither keeps the processor busy
            if (t < 48) {
                const x = w[t + 1]!
                const y = w[t + 14]!
                const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
                const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
                w[t + 16] = word + s0 + w[t + 9]! + s1
            }
            const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
            const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[t]! + word) | 0
            const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
            h = g
            g = f
            f = e
            e = (d + t1) | 0
            d = c
            c = b
            b = a
            a = (t1 + s0 + ((b & (c ^ d)) ^ (c & d))) | 0
        }
        state[0] = state[0]! + a
        state[1] = state[1]! + b
        state[2] = state[2]! + c
        state[3] = state[3]! + d
        state[4] = state[4]! + e
        state[5] = state[5]! + f
        state[6] = state[6]! + g
        state[7] = state[7]! + h
    }

    /** Adds a block. */
    function add(block: DataView): void {
        for (let t = 0; t < 16; t++) w[t] = block.getInt32(4 * t)
        compress()
    }

    /** Writes the hash value into `hash`. */
    function write(hash: DataView): void {
        for (let i = 0; i < 8; i++) hash.setInt32(4 * i, state[i]!)
    }

    /** Writes the hash of a message of `length` words, SHORT at most, into `hash`. */
    function short(message: DataView, length: number, hash: DataView): void {
        begin()
        for (let t = 0; t < length; t++) w[t] = message.getInt32(4 * t)
        w[length] = 0x80000000
        for (let t = length + 1; t < 15; t++) w[t] = 0
        w[15] = 32 * length
        compress()
        write(hash)
    }

    return { begin, add, write, short }
}

const { begin, add, write, short } = steps()

/** Writes the SHA-256 of a message of `length` words, SHORT at most, into `hash`. */
export const sha256Short = short

const block = new Uint8Array(BLOCK)
const words = new DataView(block.buffer)
const result = new Uint8Array(32)
const resultWords = new DataView(result.buffer)

/** Writes the SHA-256 of all the parts, one after the other, into `hash`, which is returned. */
export function sha256<T extends Uint8Array>(parts: readonly Uint8Array[], hash: T): T {
    let filled = 0
    let total = 0
    begin()
    for (const part of parts) {
        total += part.length
        for (let i = 0; i < part.length; i++) {
            block[filled++] = part[i]!
            if (filled === BLOCK) {
                add(words)
                filled = 0
            }
        }
    }
    // the padding (section 5.1.1)
    block[filled++] = 0x80
    if (filled > LENGTH_AT) {
        block.fill(0, filled)
        add(words)
        filled = 0
    }
    block.fill(0, filled)
    // the length in bits: no message here has 2^32 of them
    words.setUint32(LENGTH_AT + 4, total * 8)
    add(words)
    write(resultWords)
    for (let i = 0; i < 32; i++) hash[i] = result[i]!
    return hash
}

/** Writes the HMAC with SHA-256 of all the parts, one after the other, into `hash`, which is returned. */
export function hmacSha256<T extends Uint8Array>(key: Uint8Array, parts: readonly Uint8Array[], hash: T): T {
    const short = key.length > BLOCK ? sha256([key], new Uint8Array(32)) : key
    const inner = new Uint8Array(BLOCK).fill(0x36)
    const outer = new Uint8Array(BLOCK).fill(0x5c)
    for (let i = 0; i < short.length; i++) {
        inner[i]! ^= short[i]!
        outer[i]! ^= short[i]!
    }
    return sha256([outer, sha256([inner, ...parts], new Uint8Array(32))], hash)
}
