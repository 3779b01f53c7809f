// What is sent, and its hash: both ends make it, so that only hashes have to be compared.

import { createHash } from "node:crypto"
import type { Received } from "./kernel"

/** A prime, so that no ring or segment size divides it. */
const BLOCK = 65_537

/** The same bytes as pattern() in kernel_peer.py. */
export function pattern(seed: string, length: number): Uint8Array {
    const block = createHash("shake256", { outputLength: BLOCK }).update(seed).digest()
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += BLOCK) bytes.set(block.subarray(0, Math.min(BLOCK, length - at)), at)
    return bytes
}

/** What someone who received all of this, and then the end, says. */
export function whole(bytes: Uint8Array | string): Received {
    return { length: bytes.length, hash: hashOf(bytes), end: true }
}

export function hashOf(bytes: Uint8Array | string): string {
    return createHash("sha256").update(bytes).digest("hex")
}

/** What `send H N` of the control protocol sends: the alphabet over and over, from a on in each command. */
export function alphabet(length: number): string {
    return "abcdefghijklmnopqrstuvwxyz".repeat(Math.ceil(length / 26)).slice(0, length)
}
