// Node runtime: decodes UTF-8 as the VM does. A byte order mark stays, U+FFFE and U+FFFF count as invalid, and each invalid
// sequence becomes one U+FFFD.

const exact = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const REPLACEMENT = "\ufffd"

/** Returns the text of bytes as the VM decodes it. */
export function textOf(bytes: Uint8Array): string {
    const all = charactersOf(bytes)
    if (all !== undefined) return all
    let text = ""
    for (let at = 0; at < bytes.length; ) {
        const size = sizeAt(bytes, at)
        text += charactersOf(bytes.subarray(at, at + size)) ?? REPLACEMENT
        at += size
    }
    return text
}

/** Returns the text of bytes; undefined when they contain an invalid sequence. */
function charactersOf(bytes: Uint8Array): string | undefined {
    try {
        const text = exact.decode(bytes)
        return /[\ufffe\uffff]/.test(text) ? undefined : text
    } catch {
        return undefined
    }
}

/**
 * Returns the length of the sequence at `at`: the one that its first byte announces, or less if a continuation byte is missing.
 */
function sizeAt(bytes: Uint8Array, at: number): number {
    const first = bytes[at]!
    const wanted = first < 0xc0 || first >= 0xf8 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    let size = 1
    while (size < wanted && (bytes[at + size]! & 0xc0) === 0x80) size++
    return size
}
