// Node runtime: the VM's native encryption, by Node's.

import { createCipheriv, createDecipheriv } from "node:crypto"

/**
 * Encrypts or decrypts with AES-256-CCM. The encrypted data ends in a tag of `tag` bytes (4, 8 or 16; Node requires a tag).
 * Throws an Error when the tag does not match the data to decrypt.
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
