// The Network Time Protocol's packet (RFC 5905 section 7.3), as far as an SNTP client needs it.

import type { Buffer } from "@devicescript/core"
import { readI32 } from "../base/bytes"

/** Offsets in an NTP packet, from its first byte. */
export const enum Ntp {
    /** Leap indicator, version and mode. */
    Mode = 0,
    Stratum = 1,
    /** If the stratum is 0, four letters that say why the server refuses. */
    Reference = 12,
    /** Timestamps: seconds since 1900 and a fraction, 32 bits each. */
    Origin = 24,
    Receive = 32,
    Transmit = 40,
    Size = 48,
}

export const enum NtpPort {
    Server = 123,
}

/** Results of `ntpCheck`. */
export const enum NtpCheck {
    Ok = 0,
    /** The packet is not an answer to the request, or malformed. */
    None = 1,
    /** The server's clock is not set. */
    Unsynchronized = 2,
    /** Kiss-o'-death (RFC 5905 section 7.4): the server asks for fewer requests or, with any other code, for no more. */
    Rate = 3,
    Deny = 4,
}

const enum Field {
    /** No leap warning, version 4, mode client. */
    Client = 0x23,
    /** Mode server, the mask of the mode, and the leap bits that say that the clock is not set. */
    Server = 4,
    Mask = 7,
    Alarm = 0xc0,
    /** Mask of the version; version 0 is not valid. */
    Version = 0x38,
    MostStratum = 15,
    /** "RATE". */
    Rate = 0x45544152,
}

/** RFC 4330 section 3: seconds from 1900 to 1970, and from 1970 to 2036, when the 32 bits start again at 0. */
const enum Era {
    Zero = 2208988800,
    One = 2085978496,
}

/**
 * Writes a request at `at`. The server returns the two random numbers as the origin timestamp; they reveal nothing about our
 * clock.
 */
export function writeNtp(b: Buffer, at: number, nonce: number, nonce2: number): number {
    b.fillAt(at, Ntp.Size, 0)
    b.setAt(at + Ntp.Mode, "u8", Field.Client)
    b.setAt(at + Ntp.Transmit, "i32", nonce)
    b.setAt(at + Ntp.Transmit + 4, "i32", nonce2)
    return Ntp.Size
}

/** Checks the answer of `length` bytes at `at` to the request with these two random numbers (RFC 4330 section 5). */
export function ntpCheck(b: Buffer, at: number, length: number, nonce: number, nonce2: number): NtpCheck {
    if (length < Ntp.Size || at + length > b.length) return NtpCheck.None
    const mode = b.getAt(at + Ntp.Mode, "u8")
    if ((mode & Field.Mask) !== Field.Server || !(mode & Field.Version)) return NtpCheck.None
    if (b.getAt(at + Ntp.Origin, "i32") !== nonce || b.getAt(at + Ntp.Origin + 4, "i32") !== nonce2)
        return NtpCheck.None
    const stratum = b.getAt(at + Ntp.Stratum, "u8")
    if (stratum === 0)
        return b.getAt(at + Ntp.Reference, "i32") === Field.Rate ? NtpCheck.Rate : NtpCheck.Deny
    const unset = b.getAt(at + Ntp.Transmit, "i32") === 0
    if ((mode & Field.Alarm) === Field.Alarm || stratum > Field.MostStratum || unset)
        return NtpCheck.Unsynchronized
    return NtpCheck.Ok
}

/** Returns the timestamp at `at`, of a year from 1968 to 2104, in milliseconds since 1970. */
export function unixMs(b: Buffer, at: number): number {
    const seconds = readI32(b, at)
    const fraction = (b.getAt(at + 4, "u8") << 8) | b.getAt(at + 5, "u8")
    const unix = seconds < 0 ? seconds + 4294967296 - Era.Zero : seconds + Era.One
    return unix * 1000 + ((fraction * 1000 + 0x8000) >> 16)
}
