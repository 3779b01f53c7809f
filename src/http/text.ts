// Encodes and decodes text of web pages and addresses.

import { Buffer } from "@devicescript/core"
import { hexDigit } from "../net/address"

/** Returns `text` escaped for HTML, between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
    let escaped = ""
    for (let i = 0; i < text.length; i++) {
        const char = text.charAt(i)
        escaped += "&<>\"'".indexOf(char) < 0 ? char : `&#${char.charCodeAt(0)};`
    }
    return escaped
}

/**
 * Returns the first value of `name` in a query, or in the body of a posted form, decoded. Returns undefined when the name is
 * missing, or its value is not ASCII with valid escapes of UTF-8. The name is compared as the client sent it: letters, digits,
 * "-", "." and "_" stand for themselves.
 */
export function formValue(text: string, name: string): string | undefined {
    const key = `${name}=`
    let start = text.startsWith(key) ? 0 : text.indexOf(`&${key}`) + 1
    if (start === 0 && !text.startsWith(key)) {
        // the name without a value; a copy of a long text could exhaust the heap
        const bare = `&${name}`
        const found =
            text === name ||
            text.startsWith(`${name}&`) ||
            text.indexOf(`${bare}&`) >= 0 ||
            text.slice(Math.max(text.length - bare.length, 0)) === bare
        return found ? "" : undefined
    }
    start += key.length
    const end = text.indexOf("&", start)
    const coded = text.slice(start, end < 0 ? text.length : end)
    // a value that is not ASCII is not percent-encoded, and one that is not UTF-8 has already taken three times its size
    const value = coded.length === coded.byteLength ? percentDecoded(coded, 43) : undefined
    return value === undefined || value.indexOf("\ufffd") >= 0 ? undefined : value
}

/**
 * Returns `text` percent-decoded (RFC 3986 section 2.1), with U+FFFD for bytes that are not valid UTF-8. The character whose code is
 * `blank` becomes a space, as "+" (43) does in forms. Returns undefined when an escape is not valid, or stands for NUL.
 */
export function percentDecoded(text: string, blank = 0): string | undefined {
    const bytes = Buffer.from(text)
    const { length } = bytes
    let to = 0
    for (let i = 0; i < length; i++) {
        let byte = bytes.getAt(i, "u8")
        if (byte === 37) {
            if (i + 2 >= length) return undefined
            const high = hexDigit(bytes.getAt(++i, "u8"))
            const low = hexDigit(bytes.getAt(++i, "u8"))
            byte = high * 16 + low
            if (high < 0 || low < 0 || byte === 0) return undefined
        } else if (byte === blank) byte = 32
        bytes.setAt(to++, "u8", byte)
    }
    return bytes.slice(0, to).toString()
}
