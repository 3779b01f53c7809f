// The buffers of the Node runtime against DataView, and its SHA-256 against Node's own.

import { createHash, createHmac } from "node:crypto"
import { Buffer } from "@devicescript/core"
import { digest, hmac } from "@devicescript/crypto"
import fc from "fast-check"
import { describe, expect, test } from "vitest"

const formats = ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64"] as const
type Format = (typeof formats)[number]

const sizes: Record<Format, number> = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, f64: 8 }
const format = fc.constantFrom(...formats)
const bytes = fc.uint8Array({ maxLength: 80 })

function read(view: DataView, at: number, of: Format): number {
    const name = { u: "Uint", i: "Int", f: "Float" }[of[0]!]!
    return view[`get${name}${of.slice(1)}` as "getUint16"](at, true)
}

describe("a number is read as DataView reads it", () => {
    /** A buffer that was allocated, and one that another call has returned, have different methods. */
    const kinds = {
        allocated: (size: number) => Buffer.alloc(size),
        returned: (_size: number) => digest("sha256", "any"),
    }
    test.each(Object.keys(kinds) as (keyof typeof kinds)[])("from a buffer that was %s", kind => {
        fc.assert(
            fc.property(bytes, format, fc.nat(90), (data, of, at) => {
                const b = kinds[kind](data.length)
                b.set(data)
                const view = new DataView(b.buffer, b.byteOffset, b.length)
                const expected = at + sizes[of] > b.length ? undefined : read(view, at, of)
                expect(b.getAt(at, of)).toEqual(expected)
                expect(() => b.getAt(-1 - at, of)).toThrow(RangeError)
            })
        )
    })

    test.each(Object.keys(kinds) as (keyof typeof kinds)[])(
        "as it was stored into a buffer that was %s",
        kind => {
            const numbers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }))
            fc.assert(
                fc.property(format, fc.nat(40), numbers, (of, at, value) => {
                    const b = kinds[kind](32)
                    const before = Uint8Array.from(b)
                    expect(() => b.setAt(-1 - at, of, value)).toThrow(RangeError)
                    if (at + sizes[of] > 32) {
                        expect(() => b.setAt(at, of, value)).toThrow(RangeError)
                        expect(Uint8Array.from(b)).toEqual(before)
                        return
                    }
                    b.setAt(at, of, value)
                    const bits = 8 * sizes[of]
                    const low = of[0] === "i" ? -(2 ** (bits - 1)) : 0
                    const high = low + 2 ** bits - 1
                    const whole = Math.min(high, Math.max(low, Math.floor(value + 0.5)))
                    const stored = of === "f64" ? value : of === "f32" ? Math.fround(value) : whole
                    // a whole number has one zero
                    expect(b.getAt(at, of)).toBe(of[0] === "f" ? stored : stored + 0)
                    before.set(b.subarray(at, at + sizes[of]), at)
                    expect(Uint8Array.from(b)).toEqual(before)
                })
            )
        }
    )
})

test("bytes are copied from the first to the last, clipped to both buffers", () => {
    fc.assert(
        fc.property(fc.nat(120), fc.nat(120), fc.nat(120), fc.boolean(), (to, from, length, same) => {
            const source = Buffer.alloc(100)
            for (let i = 0; i < 100; i++) source[i] = i
            const target = same ? source : Buffer.alloc(110)
            const expected = Uint8Array.from(target)
            const bytes = same ? expected : Uint8Array.from(source)
            const n = Math.min(length, 100 - from, target.length - to)
            for (let i = 0; i < n; i++) expected[to + i] = bytes[from + i]!
            target.blitAt(to, source, from, length)
            expect(Uint8Array.from(target)).toEqual(expected)
        })
    )
})

test("a buffer shows its bytes and no methods", () => {
    expect(Object.keys(Buffer.alloc(2))).toEqual(["0", "1"])
})

test("SHA-256 and HMAC are those of Node", () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 3 })
    fc.assert(
        fc.property(fc.uint8Array({ maxLength: 150 }), parts, (key, data) => {
            const hash = createHash("sha256")
            const keyed = createHmac("sha256", key)
            for (const part of data) {
                hash.update(part)
                keyed.update(part)
            }
            const ours = data.map(part => Buffer.from(part))
            const expected = hash.digest("hex")
            expect(digest("sha256", ...ours).toString("hex")).toBe(expected)
            expect(digest("sha256", ...ours).toString("hex")).toBe(expected)
            expect(hmac(Buffer.from(key), "sha256", ...ours).toString("hex")).toBe(keyed.digest("hex"))
        })
    )
})

test("the hash of a message that was hashed before is a buffer of its own, and that of another message is not mistaken for it", () => {
    const messages = Array.from({ length: 6 }, (_, n) => {
        const message = Buffer.alloc(36)
        message.setAt(n < 3 ? 4 * n : 35, "u8", n)
        return message
    })
    const last = { tick: fc.nat(messages.length - 1), at: fc.nat(35), value: fc.nat(255) }
    fc.assert(
        fc.property(fc.array(fc.record(last), { maxLength: 20 }), steps => {
            for (const { tick, at, value } of steps) {
                const message = messages[tick]!
                message.setAt(at, "u8", value)
                const expected = createHash("sha256").update(message).digest("hex")
                for (let n = 0; n < 2; n++) {
                    const hash = digest("sha256", message)
                    expect(hash.toString("hex")).toBe(expected)
                    hash.fillAt(0, 32, 0)
                }
            }
        })
    )
})
