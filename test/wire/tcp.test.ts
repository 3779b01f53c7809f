// The TCP header and its options: RFC 9293 sections 3.1 and 3.2, RFC 7323, RFC 2018.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { OptionBit, ParsedOptions, parseOptions, writeMss, writeWindowScale } from "../../src/wire/tcp"
import { hex } from "../support/frames"
import { anyBytes, anyNumber32, cases } from "../support/property"

const buffer = (bytes: ArrayLike<number>) => Buffer.from(Array.from(bytes))

interface Parsed {
    mss?: number
    scale?: number
    sackOk?: boolean
    sack?: [number, number][]
    ts?: [number, number]
    malformed?: boolean
}

/** What `parseOptions` says, as an object. */
function parsed(b: Buffer, at: number, end: number): Parsed {
    const options = Buffer.alloc(ParsedOptions.Size)
    // what stood there before must not shine through
    options.fillAt(0, options.length, 0xa5)
    parseOptions(b, at, end, options)
    const present = options.getAt(ParsedOptions.Present, "u8")
    const result: Parsed = {}
    if (present & OptionBit.MaximumSegmentSize)
        result.mss = options.getAt(ParsedOptions.MaximumSegmentSize, "u16")
    else expect(options.getAt(ParsedOptions.MaximumSegmentSize, "u16")).toBe(0)
    if (present & OptionBit.WindowScale) result.scale = options.getAt(ParsedOptions.WindowScale, "u8")
    else expect(options.getAt(ParsedOptions.WindowScale, "u8")).toBe(0)
    if (present & OptionBit.SackPermitted) result.sackOk = true
    if (present & OptionBit.Sack) {
        result.sack = []
        for (let i = 0; i < options.getAt(ParsedOptions.SackBlocks, "u8"); i++) {
            result.sack.push([
                options.getAt(ParsedOptions.Sack + i * 8, "i32") >>> 0,
                options.getAt(ParsedOptions.Sack + i * 8 + 4, "i32") >>> 0,
            ])
        }
    } else {
        expect(options.getAt(ParsedOptions.SackBlocks, "u8")).toBe(0)
    }
    if (present & OptionBit.Timestamps) {
        result.ts = [
            options.getAt(ParsedOptions.TimestampValue, "i32") >>> 0,
            options.getAt(ParsedOptions.TimestampEcho, "i32") >>> 0,
        ]
    }
    if (present & OptionBit.Malformed) result.malformed = true
    return result
}

/** RFC 9293 section 3.2, option by option. */
function naive(bytes: Uint8Array): Parsed {
    const result: Parsed = {}
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    while (at < bytes.length && bytes[at] !== 0) {
        if (bytes[at] === 1) {
            at++
            continue
        }
        const length = bytes[at + 1] ?? 0
        if (length < 2 || at + length > bytes.length) {
            result.malformed = true
            break
        }
        const kind = bytes[at]!
        if (kind === 2 && length === 4) result.mss ??= view.getUint16(at + 2)
        if (kind === 3 && length === 3) result.scale ??= Math.min(14, bytes[at + 2]!)
        if (kind === 4 && length === 2) result.sackOk = true
        if (kind === 8 && length === 10) result.ts ??= [view.getUint32(at + 2), view.getUint32(at + 6)]
        if (kind === 5 && length >= 10 && (length - 2) % 8 === 0 && result.sack === undefined) {
            result.sack = []
            for (let block = at + 2; block < at + length && result.sack.length < 4; block += 8) {
                result.sack.push([view.getUint32(block), view.getUint32(block + 4)])
            }
        }
        at += length
    }
    return result
}

// ---------------------------------------------------------------- Options as other stacks send them
test.each([
    [
        "Linux, SYN",
        "020405b4 0402080a 369684d0 00000000 0103030a",
        { mss: 1460, sackOk: true, ts: [0x369684d0, 0], scale: 10 },
    ],
    ["Windows, SYN", "020405b4 01030308 01010402", { mss: 1460, scale: 8, sackOk: true }],
    ["Windows 2000, SYN", "020405b4 01010402", { mss: 1460, sackOk: true }],
    [
        "macOS, SYN",
        "020405b4 01030306 0101080a 0a1b2c3d 00000000 04020000",
        { mss: 1460, scale: 6, ts: [0x0a1b2c3d, 0], sackOk: true },
    ],
    ["lwIP, SYN", "020405b4", { mss: 1460 }],
    [
        "Linux, ACK with one SACK block",
        "0101080a 8a558be4 00001001 0101050a 00001bbd 00001bc7",
        { ts: [0x8a558be4, 0x1001], sack: [[0x1bbd, 0x1bc7]] },
    ],
    [
        "Linux, ACK with two",
        "0101080a 8a558be4 00001001 01010512 00001c21 00001c2b 00001bbd 00001bc7",
        {
            ts: [0x8a558be4, 0x1001],
            sack: [
                [0x1c21, 0x1c2b],
                [0x1bbd, 0x1bc7],
            ],
        },
    ],
])("parseOptions() reads those of %s", (_, text, expected) => {
    const bytes = hex(text)
    expect(parsed(buffer(bytes), 0, bytes.length)).toEqual(expected)
})

// ---------------------------------------------------------------- Malformed in every way (MUST-6, MUST-7)
test.each([
    ["nothing", "", {}],
    ["the end at once", "00 02 04 05 b4", {}],
    ["only no-operations", "01 01 01 01", {}],
    ["no-operations between bytes", "01 02 04 01 f4 01 03 03 05", { mss: 500, scale: 5 }],
    ["a kind without a length", "02", { malformed: true }],
    ["a length of 0", "02 00 05 b4", { malformed: true }],
    ["a length of 1", "02 01 05 b4", { malformed: true }],
    ["a length beyond the end by one", "02 04 05", { malformed: true }],
    ["a length far beyond the end", "02 ff 05 b4", { malformed: true }],
    ["what stands before it counts", "02 04 05 b4 03 03 07 04 00", { mss: 1460, scale: 7, malformed: true }],
    ["what stands behind it does not", "04 00 02 04 05 b4", { malformed: true }],
    ["an MSS of 2 bytes", "02 02 03 03 01", { scale: 1 }],
    ["an MSS of 3 bytes", "02 03 05 03 03 01", { scale: 1 }],
    ["an MSS of 6 bytes", "02 06 05 b4 00 00 03 03 01", { scale: 1 }],
    ["a window scale of 2 bytes", "03 02 02 04 05 b4", { mss: 1460 }],
    ["a window scale of 4 bytes", "03 04 01 01 02 04 05 b4", { mss: 1460 }],
    ["a window scale of 15", "03 03 0f", { scale: 14 }],
    ["a window scale of 255", "03 03 ff", { scale: 14 }],
    ["SACK permitted of 3 bytes", "04 03 00", {}],
    ["SACK without a block", "05 02", {}],
    ["SACK with half a block", "05 06 00 00 00 01", {}],
    ["SACK with a block and a half", `05 0e ${"00 00 00 01 ".repeat(3)}`, {}],
    ["timestamps of 9 bytes", "08 09 01 02 03 04 05 06 07", {}],
    ["timestamps of 11 bytes", "08 0b 01 02 03 04 05 06 07 08 09", {}],
    ["an unknown kind", "fd 06 01 02 03 04 02 04 05 b4", { mss: 1460 }],
    ["an unknown kind of 2 bytes", "fe 02 02 04 05 b4", { mss: 1460 }],
    ["the same kind twice: the first", "02 04 00 64 02 04 05 b4 03 03 01 03 03 07", { mss: 100, scale: 1 }],
    ["timestamps twice: the first", "08 0a 00000001 00000002 08 0a 00000003 00000004", { ts: [1, 2] }],
    ["SACK twice: the first", "05 0a 00000001 00000002 05 0a 00000003 00000004", { sack: [[1, 2]] }],
    [
        "five SACK blocks, which no header has room for: four",
        `05 2a ${"00000001 00000002 ".repeat(5)}`,
        {
            sack: [
                [1, 2],
                [1, 2],
                [1, 2],
                [1, 2],
            ],
        },
    ],
    [
        "all numbers at their largest",
        "02 04 ff ff 08 0a ffffffff ffffffff 05 0a ffffffff ffffffff",
        { mss: 65535, ts: [0xffff_ffff, 0xffff_ffff], sack: [[0xffff_ffff, 0xffff_ffff]] },
    ],
])("parseOptions() of %s (%s) returns %j", (_, text, expected) => {
    const bytes = hex(text)
    expect(naive(bytes)).toEqual(expected)
    for (const at of [0, 1, 7]) {
        const b = buffer([...new Array(at).fill(2), ...bytes, 2, 4, 9, 9])
        expect(parsed(b, at, at + bytes.length)).toEqual(expected)
    }
})

// ---------------------------------------------------------------- Properties
describe("parseOptions() of any bytes, at any offset, of any length", () => {
    const anywhere = fc.oneof(fc.integer({ min: -10, max: 60 }), anyNumber32)

    test("reads option by option", () => {
        const likely = fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 10, 18, 253)
        const bytes = fc.array(fc.oneof({ weight: 3, arbitrary: likely }, fc.nat(255)), { maxLength: 60 })
        fc.assert(
            fc.property(bytes, fc.nat(10), fc.integer({ min: -3, max: 70 }), (list, at, length) => {
                const end = Math.min(list.length, Math.max(at, at + length))
                expect(parsed(buffer(list), at, at + length)).toEqual(
                    naive(Uint8Array.from(list.slice(at, end)))
                )
            }),
            cases(5000)
        )
    })

    test("returns, and writes nothing beside its record", () => {
        fc.assert(
            fc.property(anyBytes(50), anywhere, anywhere, (bytes, at, end) => {
                const options = Buffer.alloc(ParsedOptions.Size + 8)
                options.fillAt(ParsedOptions.Size, 8, 0xa5)
                const b = buffer(bytes)
                parseOptions(b, at, end, options)
                for (let i = ParsedOptions.Size; i < options.length; i++) expect(options[i]).toBe(0xa5)
                expect(options.getAt(ParsedOptions.SackBlocks, "u8")).toBeLessThanOrEqual(4)
                expect(options.getAt(ParsedOptions.WindowScale, "u8")).toBeLessThanOrEqual(14)
                expect(Uint8Array.from(b)).toEqual(bytes)
            }),
            cases(3000)
        )
    })
})

// ---------------------------------------------------------------- Writers
describe("options that are written and read again", () => {
    test("are MSS and window scale, in both orders, at any offset", () => {
        fc.assert(
            fc.property(fc.nat(0xffff), fc.nat(14), fc.nat(20), fc.boolean(), (mss, shift, at, first) => {
                const b = Buffer.alloc(at + 8)
                const end = first
                    ? writeWindowScale(b, writeMss(b, at, mss), shift)
                    : writeMss(b, writeWindowScale(b, at, shift), mss)
                expect(end).toBe(at + 8)
                expect(parsed(b, at, end)).toEqual({ mss, scale: shift })
            }),
            cases(1000)
        )
    })

    test("are the bytes of the RFC", () => {
        const b = Buffer.alloc(8)
        writeWindowScale(b, writeMss(b, 0, 1460), 7)
        expect(b.toString("hex")).toBe("020405b401030307")
    })
})
