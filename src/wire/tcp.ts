// The TCP header and its options (RFC 9293 sections 3.1 and 3.2, RFC 7323, RFC 2018).

import type { Buffer } from "@devicescript/core"
import { readI32, readU16, writeI32 } from "../base/bytes"
import { SACK, TIMESTAMPS } from "../features"

/** Offsets in a TCP header, from its first byte. */
export const enum Tcp {
    SourcePort = 0,
    DestinationPort = 2,
    Sequence = 4,
    Acknowledgment = 8,
    DataOffset = 12,
    Flags = 13,
    Window = 14,
    Checksum = 16,
    Urgent = 18,
    /** Length of a header without options; options start here. */
    Size = 20,
}

/** Control bits, the byte at Tcp.Flags. */
export const enum Flag {
    Fin = 0x01,
    Syn = 0x02,
    Rst = 0x04,
    Psh = 0x08,
    Ack = 0x10,
    Urg = 0x20,
    Ece = 0x40,
    Cwr = 0x80,
}

/** Option kinds. */
export const enum OptionKind {
    End = 0,
    NoOperation = 1,
    MaximumSegmentSize = 2,
    WindowScale = 3,
    SackPermitted = 4,
    Sack = 5,
    Timestamps = 8,
}

/** Offsets in the record that `parseOptions` fills. */
export const enum ParsedOptions {
    /** The options that the header has: bits of OptionBit. */
    Present = 0,
    /** Shift count, 0 to 14. */
    WindowScale = 1,
    MaximumSegmentSize = 2,
    TimestampValue = 4,
    TimestampEcho = 8,
    /** Number of SACK blocks, 0 to 4. */
    SackBlocks = 12,
    /** Blocks of two 32-bit sequence numbers: left edge and right edge. */
    Sack = 16,
    Size = 48,
}

export const enum OptionBit {
    MaximumSegmentSize = 1,
    WindowScale = 2,
    SackPermitted = 4,
    Sack = 8,
    Timestamps = 16,
    /** The list broke off at an option with a length below 2 or beyond the header. The options before it count. */
    Malformed = 128,
}

/** The first two bytes of a maximum segment size option. */
export const enum MssOption {
    /** Kind 2, length 4. */
    Start = 0x0402,
}

/** The options field of a header whose only option is timestamps, in the layout of RFC 7323 appendix A. */
export const enum TimestampsOnly {
    /** NOP, NOP, kind 8, length 10. */
    Start = 0x0a080101,
    Size = 12,
}

/**
 * Parses the options between `at` and `end` into `options`. By RFC 9293 section 3.1 (MUST-6) an option of unknown kind, or with
 * another length than its kind has, is skipped by its length. The first of several options of one kind counts.
 */
export function parseOptions(b: Buffer, at: number, end: number, options: Buffer): void {
    options.fillAt(0, ParsedOptions.Sack, 0)
    if (at < 0) return
    if (end > b.length) end = b.length
    let present = 0
    while (at < end) {
        const kind = b.getAt(at, "u8")
        if (kind === OptionKind.End) break
        if (kind === OptionKind.NoOperation) {
            at++
            continue
        }
        // RFC 9293 section 3.2 (MUST-7): the length may be any number
        const length = at + 1 < end ? b.getAt(at + 1, "u8") : 0
        if (length < 2 || at + length > end) {
            present |= OptionBit.Malformed
            break
        }
        if (
            kind === OptionKind.MaximumSegmentSize &&
            length === 4 &&
            !(present & OptionBit.MaximumSegmentSize)
        ) {
            present |= OptionBit.MaximumSegmentSize
            options.setAt(ParsedOptions.MaximumSegmentSize, "u16", readU16(b, at + 2))
        } else if (kind === OptionKind.WindowScale && length === 3 && !(present & OptionBit.WindowScale)) {
            present |= OptionBit.WindowScale
            const shift = b.getAt(at + 2, "u8")
            // RFC 7323 section 2.3: a shift above 14 is taken as 14
            options.setAt(ParsedOptions.WindowScale, "u8", shift > 14 ? 14 : shift)
        } else if (SACK ? kind === OptionKind.SackPermitted && length === 2 : false) {
            present |= OptionBit.SackPermitted
        } else if (
            TIMESTAMPS
                ? kind === OptionKind.Timestamps && length === 10 && !(present & OptionBit.Timestamps)
                : false
        ) {
            present |= OptionBit.Timestamps
            options.setAt(ParsedOptions.TimestampValue, "i32", readI32(b, at + 2))
            options.setAt(ParsedOptions.TimestampEcho, "i32", readI32(b, at + 6))
        } else if (
            SACK
                ? kind === OptionKind.Sack &&
                  length >= 10 &&
                  (length - 2) % 8 === 0 &&
                  !(present & OptionBit.Sack)
                : false
        ) {
            present |= OptionBit.Sack
            // a header has room for four blocks
            const blocks = length > 34 ? 4 : (length - 2) >> 3
            options.setAt(ParsedOptions.SackBlocks, "u8", blocks)
            for (let i = 0; i < blocks; i++) {
                options.setAt(ParsedOptions.Sack + i * 8, "i32", readI32(b, at + 2 + i * 8))
                options.setAt(ParsedOptions.Sack + i * 8 + 4, "i32", readI32(b, at + 6 + i * 8))
            }
        }
        at += length
    }
    options.setAt(ParsedOptions.Present, "u8", present)
}

/** Writes a maximum segment size option (4 bytes) at `at` and returns the offset after it. */
export function writeMss(b: Buffer, at: number, mss: number): number {
    b.setAt(at, "u16", OptionKind.MaximumSegmentSize | (4 << 8))
    b.setAt(at + 2, "u16", ((mss & 0xff) << 8) | (mss >> 8))
    return at + 4
}

/** Writes a window scale option, padded to 4 bytes, at `at` and returns the offset after it. */
export function writeWindowScale(b: Buffer, at: number, shift: number): number {
    b.setAt(at, "u16", OptionKind.NoOperation | (OptionKind.WindowScale << 8))
    b.setAt(at + 2, "u16", 3 | (shift << 8))
    return at + 4
}

/** Writes SACK-permitted or two NOPs, then a timestamps option, 12 bytes at `at`, and returns the offset after them. */
export function writeTimestamps(b: Buffer, at: number, sack: boolean, value: number, echo: number): number {
    b.setAt(
        at,
        "i32",
        (sack
            ? OptionKind.SackPermitted | (2 << 8)
            : OptionKind.NoOperation | (OptionKind.NoOperation << 8)) |
            (OptionKind.Timestamps << 16) |
            (10 << 24)
    )
    writeI32(b, at + 4, value)
    writeI32(b, at + 8, echo)
    return at + 12
}

/** Writes a SACK-permitted option, padded to 4 bytes, at `at` and returns the offset after it. */
export function writeSackPermitted(b: Buffer, at: number): number {
    b.setAt(
        at,
        "i32",
        OptionKind.NoOperation | (OptionKind.NoOperation << 8) | (OptionKind.SackPermitted << 16) | (2 << 24)
    )
    return at + 4
}
