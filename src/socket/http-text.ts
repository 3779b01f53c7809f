// Text for and from web pages and addresses.

import { Buffer } from "@devicescript/core"
import { hexDigit } from "../net/address"

/** `text` as it stands in HTML, between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
    let escaped = ""
    for (let i = 0; i < text.length; i++) {
        const char = text.charAt(i)
        escaped += "&<>\"'".indexOf(char) < 0 ? char : `&#${char.charCodeAt(0)};`
    }
    return escaped
}

/**
 * The value of `name` in a query or in the text of a form that was posted, decoded; undefined where it is not, and where
 * it is not UTF-8 with proper escapes.
 */
export function formValue(text: string, name: string): string | undefined {
    let start = 0
    while (start <= text.length) {
        let end = text.indexOf("&", start)
        if (end < 0) end = text.length
        let equals = text.indexOf("=", start)
        if (equals < 0 || equals > end) equals = end
        if (percentDecoded(text.slice(start, equals)) === name) {
            const value = equals < end ? text.slice(equals + 1, end) : ""
            return percentDecoded(value.split("+").join("%20"))
        }
        start = end + 1
    }
    return undefined
}

/** RFC 3986 section 2.1. Undefined for what is not made of printable ASCII, has a bad escape, a NUL or no UTF-8. */
export function percentDecoded(text: string): string | undefined {
    const bytes = Buffer.from(text)
    let to = 0
    for (let i = 0; i < bytes.length; i++) {
        let byte = bytes.getAt(i, "u8")
        if (byte <= 32 || byte >= 127) return undefined
        if (byte === 37) {
            if (i + 2 >= bytes.length) return undefined
            const high = hexDigit(bytes.getAt(++i, "u8"))
            const low = hexDigit(bytes.getAt(++i, "u8"))
            byte = high * 16 + low
            if (high < 0 || low < 0 || byte === 0) return undefined
        }
        bytes.setAt(to++, "u8", byte)
    }
    const decoded = bytes.slice(0, to).toString()
    return decoded.indexOf("\ufffd") < 0 ? decoded : undefined
}
