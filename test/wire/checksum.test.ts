// The Internet checksum: RFC 1071, RFC 1624.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { checksumOf, onesSum } from "../../src/wire/checksum"
import { hex, internetChecksum, u16 } from "../support/frames"
import { anyBytes, cases } from "../support/property"

/** The two bytes of a checksum field as they stand on the wire. */
function field(value: number): number[] {
    const b = Buffer.alloc(2)
    b.setAt(0, "u16", value)
    return [b[0]!, b[1]!]
}

const buffer = (bytes: ArrayLike<number>) => Buffer.from(Array.from(bytes))

/** RFC 1071 in the machine's order, a byte at a time: the low byte first, end-around carry at the end. */
function naive(bytes: Uint8Array, at: number, length: number, start: number): number {
    let sum = start
    const end = Math.min(bytes.length, at + length)
    for (let i = at; i < end; i++) sum += (i - at) % 2 === 0 ? bytes[i]! : bytes[i]! * 256
    while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
    return sum
}

// ---------------------------------------------------------------- RFC 1071 section 3: the numerical example
describe("the example of RFC 1071 section 3", () => {
    const example = hex("00 01 f2 03 f4 f5 f6 f7")

    test("has the sum ddf2 in network order, and 220d as its complement", () => {
        expect(field(onesSum(buffer(example), 0, 8, 0))).toEqual([0xdd, 0xf2])
        expect(field(checksumOf(onesSum(buffer(example), 0, 8, 0)))).toEqual([0x22, 0x0d])
    })

    test("has the same sum in parts (section 2 (A), (C))", () => {
        const b = buffer(example)
        for (const split of [0, 2, 4, 6, 8]) {
            expect(onesSum(b, split, 8 - split, onesSum(b, 0, split, 0))).toBe(0xf2dd)
        }
    })
})

// ---------------------------------------------------------------- Known headers
test.each([
    // the header that textbooks and Wikipedia take
    ["a UDP packet's header", "4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7"],
    // captured from Linux 6 (see captured.test.ts)
    ["a Linux SYN's header", "4500003c66c740004006bff20a0000020a000001"],
    ["a Linux header with a record route option", "47000027a443400040116f6f0a0000020a0000010707080a00000200"],
])("%s: its sum is ffff, and without its checksum the checksum is computed again", (_, text) => {
    const header = hex(text)
    expect(onesSum(buffer(header), 0, header.length, 0)).toBe(0xffff)
    const without = Uint8Array.from(header)
    without.fill(0, 10, 12)
    expect(field(checksumOf(onesSum(buffer(without), 0, header.length, 0)))).toEqual([header[10], header[11]])
})

// ---------------------------------------------------------------- The edges of its three loops
test.each([
    0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 62, 63, 64, 65, 66, 67, 79, 80, 81, 127, 128, 129, 191,
    192, 193, 1459, 1460, 1461, 1500,
])("the sum of %d bytes, from even and odd offsets, is that of a plain loop", length => {
    const bytes = Uint8Array.from({ length: length + 8 }, (_, i) => (i * 151 + 89) & 0xff)
    for (let at = 0; at < 8; at++) {
        expect(onesSum(buffer(bytes), at, length, 0)).toBe(naive(bytes, at, length, 0))
    }
})

test("the sum of as many ones as a buffer holds loses no carry", () => {
    const b = Buffer.alloc(0xe000)
    b.fillAt(0, b.length, 0xff)
    expect(onesSum(b, 0, b.length, 0xffff_ffff)).toBe(0xffff)
    expect(onesSum(b, 1, b.length - 1, 0)).toBe(naive(b, 1, b.length - 1, 0))
})

test("the sum of no bytes is the given start", () => {
    expect(onesSum(Buffer.alloc(0), 0, 0, 0)).toBe(0)
    expect(onesSum(Buffer.alloc(0), 5, 5, 0x1234)).toBe(0x1234)
    expect(onesSum(Buffer.alloc(4), 0, -1, 0x1_2345)).toBe(0x2346)
})

// ---------------------------------------------------------------- Properties
describe("the checksum of any bytes, at any offset, of any length", () => {
    test("is the sum a byte at a time", () => {
        fc.assert(
            fc.property(
                anyBytes(400),
                fc.integer({ min: 0, max: 420 }),
                fc.integer({ min: -5, max: 70_000 }),
                fc.integer({ min: 0, max: 0xffff_ffff }),
                (bytes, at, length, start) => {
                    expect(onesSum(buffer(bytes), at, length, start)).toBe(naive(bytes, at, length, start))
                }
            ),
            cases(3000)
        )
    })

    test("with a negative offset reads nothing", () => {
        fc.assert(
            fc.property(
                anyBytes(80),
                fc.integer({ min: -0x8000_0000, max: -1 }),
                fc.integer(),
                (bytes, at, length) => {
                    expect(onesSum(buffer(bytes), at, length, 0)).toBe(0)
                }
            ),
            cases(500)
        )
    })

    test("is that of RFC 1071 in network order", () => {
        fc.assert(
            fc.property(anyBytes(400), bytes => {
                const ours = field(checksumOf(onesSum(buffer(bytes), 0, bytes.length, 0)))
                expect(ours).toEqual(u16(internetChecksum(bytes)))
            }),
            cases(2000)
        )
    })

    test("makes the sum ffff, and one wrong bit another one", () => {
        fc.assert(
            fc.property(
                fc.uint8Array({ minLength: 2, maxLength: 200 }),
                fc.nat(),
                fc.nat(7),
                (bytes, where, bit) => {
                    const whole = Uint8Array.from(bytes)
                    whole.set([0, 0])
                    whole.set(u16(internetChecksum(whole)))
                    const b = buffer(whole)
                    expect(onesSum(b, 0, b.length, 0)).toBe(0xffff)
                    const at = where % b.length
                    b[at] = b[at]! ^ (1 << bit)
                    expect(onesSum(b, 0, b.length, 0)).not.toBe(0xffff)
                }
            ),
            cases(2000)
        )
    })

    test("reads and writes nothing beside the bytes", () => {
        fc.assert(
            fc.property(
                fc.uint8Array({ minLength: 10, maxLength: 200 }),
                fc.nat(9),
                fc.nat(200),
                (bytes, at, length) => {
                    const b = buffer(bytes)
                    const sum = onesSum(b, at, length, 0)
                    expect(Uint8Array.from(b)).toEqual(bytes)
                    const end = Math.min(bytes.length, at + length)
                    expect(onesSum(buffer(bytes.slice(at, end)), 0, end - at, 0)).toBe(sum)
                }
            ),
            cases(500)
        )
    })
})
