// Node runtime: @devicescript/crypto for tests that import src/ directly. A simulated device runs DeviceScript's own sources.

import { Buffer } from "./core"

/** Returns the SHA-256 of all the data in sequence. */
export function digest(algorithm: "sha256", ...data: (Buffer | string)[]): Buffer {
    return Buffer.digest(undefined, algorithm, data)
}

/** Returns the HMAC with SHA-256 of all the data in sequence. */
export function hmac(key: Buffer | string, algorithm: "sha256", ...data: (Buffer | string)[]): Buffer {
    return Buffer.digest(key, algorithm, data)
}

/** Returns `size` random bytes. */
export function randomBuffer(size: number): Buffer {
    const bytes = Buffer.alloc(size)
    bytes.fillRandom()
    return bytes
}

export interface CipherOptions {
    data: Buffer
    algo: "aes-256-ccm"
    /** The key, 32 bytes. */
    key: Buffer
    /** The nonce, 13 bytes, which must not be used twice with a key. */
    iv: Buffer
    /** Length of the tag at the end of the encrypted data, bytes. */
    tagLength: 4 | 8 | 16
}

/** Returns the encrypted data and its tag. */
export function encrypt({ data, algo, key, iv, tagLength }: CipherOptions): Buffer {
    return data.encrypt(algo, key, iv, tagLength)
}

/** Returns the plain data. Throws an Error when the tag does not match the data. */
export function decrypt({ data, algo, key, iv, tagLength }: CipherOptions): Buffer {
    return data.encrypt(algo, key, iv, 0x1000 + tagLength)
}

/** Returns 32 bytes derived from a key (RFC 5869). */
export function sha256Hkdf(
    key: Buffer | string,
    info: Buffer | string = "",
    salt: Buffer | string = ""
): Buffer {
    return hmac(hmac(salt, "sha256", key), "sha256", info, Buffer.from([1]))
}
