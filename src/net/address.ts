// Parses and prints addresses in their usual text forms.

import { Buffer } from "@devicescript/core"
import { swap32 } from "../base/bytes"
import { isNotUnicast } from "../wire/ipv4"

/** Result of `ipv4Of` for text that is not an address. It is also the number of 255.255.255.255, which no host has. */
export const enum Address {
    /** The text is not an address. */
    None = -1,
}

/** Returns the dotted address `text` as `getAt` "i32" reads it from the wire; Address.None if the text is not valid. */
export function ipv4Of(text: string): number {
    let ip = 0
    let shift = 0
    let start = 0
    for (let i = 0; i <= text.length; i++) {
        if (i < text.length && text.charCodeAt(i) !== 46) continue
        const value = decimal(text.slice(start, i))
        if (value < 0 || value > 255 || shift > 24) return Address.None
        ip |= value << shift
        shift += 8
        start = i + 1
    }
    return shift === 32 ? ip : Address.None
}

/** Returns the number that `text` holds in one to nine decimal digits; -1 if it is not valid. */
export function decimal(text: string): number {
    if (text.length < 1 || text.length > 9) return -1
    let value = 0
    for (let i = 0; i < text.length; i++) {
        const digit = text.charCodeAt(i) - 48
        if (digit < 0 || digit > 9) return -1
        value = value * 10 + digit
    }
    return value
}

/** Returns the address in dotted form. */
export function ipv4Text(ip: number): string {
    return `${ip & 255}.${(ip >> 8) & 255}.${(ip >> 16) & 255}.${(ip >> 24) & 255}`
}

/** Returns the mask with `length` (0 to 32) leading ones, in network order. */
export function netmaskOf(length: number): number {
    let mask = 0
    for (let i = 0; i < length; i++) {
        // bits are counted from the first byte's most significant one
        mask |= 1 << ((i & ~7) + 7 - (i & 7))
    }
    return mask
}

/** Returns true for a mask of leading ones and then zeros: at least one of each, or all ones. */
export function isNetmask(mask: number): boolean {
    const hosts = ~swap32(mask)
    return hosts >= 0 && (hosts & (hosts + 1)) === 0 && hosts !== 0x7fffffff
}

/**
 * Returns true for an address that a host may have: not a group's, loopback, the network's own or its broadcast address (RFC
 * 3021).
 */
export function isHostAddress(ip: number, netmask: number): boolean {
    const first = ip & 0xff
    if (first === 0 || first === 127 || isNotUnicast(ip)) return false
    const own = ip & ~netmask
    return (~swap32(netmask) & ~1) === 0 || (own !== 0 && (own | netmask) !== -1)
}

/** Returns the six bytes of an Ethernet address in hex with colons; undefined if `text` is not valid or is a group address. */
export function macOf(text: string): Buffer | undefined {
    if (text.length !== 17) return undefined
    const mac = Buffer.alloc(6)
    for (let i = 0; i < 6; i++) {
        const high = hexDigit(text.charCodeAt(3 * i))
        const low = hexDigit(text.charCodeAt(3 * i + 1))
        if (high < 0 || low < 0 || (i > 0 && text.charCodeAt(3 * i - 1) !== 58)) return undefined
        mac.setAt(i, "u8", (high << 4) | low)
    }
    return mac.getAt(0, "u8") & 1 ? undefined : mac
}

/** Returns the value of a hexadecimal digit in either case; -1 for another character. */
export function hexDigit(code: number): number {
    if (code < 58) return code < 48 ? -1 : code - 48
    const digit = (code | 32) - 87
    return digit >= 10 && digit <= 15 ? digit : -1
}

/** Returns the Ethernet address at `at`, in hex with colons. */
export function macText(b: Buffer, at: number): string {
    const digits = "0123456789abcdef"
    let text = ""
    for (let i = 0; i < 6; i++) {
        const value = b.getAt(at + i, "u8")
        text += `${i > 0 ? ":" : ""}${digits.charAt(value >> 4)}${digits.charAt(value & 15)}`
    }
    return text
}
