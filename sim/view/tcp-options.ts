// Reads the options of a TCP header for display.

/** A range of sequence numbers, absolute; `end` is the first number after it. */
interface SackBlock {
    readonly start: number
    readonly end: number
}

export type TcpOption =
    | { readonly kind: "mss"; readonly value: number }
    | { readonly kind: "window-scale"; readonly shift: number }
    | { readonly kind: "sack-permitted" }
    | { readonly kind: "sack"; readonly blocks: readonly SackBlock[] }
    | { readonly kind: "timestamps"; readonly value: number; readonly echo: number }
    | { readonly kind: "other"; readonly code: number; readonly data: Uint8Array }
    /** An option of a wrong length. If the length passes the end of the header, the options after it cannot be read. */
    | { readonly kind: "malformed"; readonly code: number }

/**
 * Reads the bytes between the fixed part of a TCP header and the data. Skips no-operations, and everything after the end-of-list
 * option.
 */
export function tcpOptions(bytes: Uint8Array): TcpOption[] {
    const options: TcpOption[] = []
    let at = 0
    while (at < bytes.length && bytes[at] !== 0) {
        const code = bytes[at]!
        if (code === 1) {
            at++
            continue
        }
        const length = bytes[at + 1] ?? 0
        if (length < 2 || at + length > bytes.length) {
            options.push({ kind: "malformed", code })
            break
        }
        options.push(option(code, bytes.subarray(at + 2, at + length)))
        at += length
    }
    return options
}

function option(code: number, data: Uint8Array): TcpOption {
    const view = new DataView(data.buffer, data.byteOffset, data.length)
    switch (code) {
        case 2:
            return data.length === 2 ? { kind: "mss", value: view.getUint16(0) } : { kind: "malformed", code }
        case 3:
            return data.length === 1 ? { kind: "window-scale", shift: data[0]! } : { kind: "malformed", code }
        case 4:
            return data.length === 0 ? { kind: "sack-permitted" } : { kind: "malformed", code }
        case 5:
            return data.length > 0 && data.length % 8 === 0
                ? { kind: "sack", blocks: sackBlocks(view) }
                : { kind: "malformed", code }
        case 8:
            return data.length === 8
                ? { kind: "timestamps", value: view.getUint32(0), echo: view.getUint32(4) }
                : { kind: "malformed", code }
        default:
            return { kind: "other", code, data }
    }
}

function sackBlocks(view: DataView): SackBlock[] {
    const blocks: SackBlock[] = []
    for (let at = 0; at < view.byteLength; at += 8) {
        blocks.push({ start: view.getUint32(at), end: view.getUint32(at + 4) })
    }
    return blocks
}
