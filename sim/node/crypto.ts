// Stand-in for @devicescript/crypto where src/ is imported directly; a simulated device runs the real sources.

import { Buffer } from "./core"

/** SHA-256 of all the data, one after the other. */
export function digest(algorithm: "sha256", ...data: (Buffer | string)[]): Buffer {
    return Buffer.digest(undefined, algorithm, data)
}

/** HMAC with SHA-256 of all the data, one after the other. */
export function hmac(key: Buffer | string, algorithm: "sha256", ...data: (Buffer | string)[]): Buffer {
    return Buffer.digest(key, algorithm, data)
}

/** That many random bytes. */
export function randomBuffer(size: number): Buffer {
    const bytes = Buffer.alloc(size)
    bytes.fillRandom()
    return bytes
}

export interface CipherOptions {
    data: Buffer
    algo: "aes-256-ccm"
    /** 32 bytes. */
    key: Buffer
    /** 13 bytes, never used twice with a key. */
    iv: Buffer
    /** Bytes of the tag at the end of the enciphered data. */
    tagLength: 4 | 8 | 16
}

/** The enciphered data and its tag. */
export function encrypt({ data, algo, key, iv, tagLength }: CipherOptions): Buffer {
    return data.encrypt(algo, key, iv, tagLength)
}

/** The plain data. Throws an Error when the tag does not fit. */
export function decrypt({ data, algo, key, iv, tagLength }: CipherOptions): Buffer {
    return data.encrypt(algo, key, iv, 0x1000 + tagLength)
}

/** 32 bytes derived from a key (RFC 5869). */
export function sha256Hkdf(
    key: Buffer | string,
    info: Buffer | string = "",
    salt: Buffer | string = ""
): Buffer {
    return hmac(hmac(salt, "sha256", key), "sha256", info, Buffer.from([1]))
}
