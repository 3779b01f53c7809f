// The runtime's native cryptography, by Node's.

import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto"

/** SHA-256 of all the parts, keyed (HMAC) when there is a key. */
export function digest(key: Uint8Array | undefined, parts: Uint8Array[]): Uint8Array {
    const hash = key === undefined ? createHash("sha256") : createHmac("sha256", key)
    for (const part of parts) hash.update(part)
    return hash.digest()
}

/**
 * AES-256-CCM; the enciphered data ends in a tag of `tag` bytes (4, 8 or 16: Node does not do without one). Throws an
 * Error when the tag does not fit the data to decipher.
 */
export function cipher(
    data: Uint8Array,
    key: Uint8Array,
    iv: Uint8Array,
    tag: number,
    decipher: boolean
): Uint8Array {
    const options = { authTagLength: tag }
    if (!decipher) {
        const enciphering = createCipheriv("aes-256-ccm", key, iv, options)
        return Buffer.concat([enciphering.update(data), enciphering.final(), enciphering.getAuthTag()])
    }
    const end = data.length - tag
    if (end < 0) throw new Error(`encrypted data (len=${data.length}) shorter than tagLen (${tag})`)
    const deciphering = createDecipheriv("aes-256-ccm", key, iv, options)
    deciphering.setAuthTag(data.subarray(end))
    try {
        return Buffer.concat([deciphering.update(data.subarray(0, end)), deciphering.final()])
    } catch {
        throw new Error("encryption tag mismatch")
    }
}
