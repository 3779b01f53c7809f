import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { Buffer as Bytes } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
    closeMessage,
    Found,
    field,
    findField,
    intField,
    nextField,
    openMessage,
    putBytes,
    putInt,
    Wire,
} from "../../src/wire/protobuf"
import { isInstalled } from "../support/installed"
import { anyBytes, anyNumber32, cases } from "../support/property"

const ROOM = 512
const bytesOf = (...bytes: number[]) => Bytes.from(bytes)
const hex = (b: Bytes, length: number) => Buffer.from(b.slice(0, length)).toString("hex")
const numbers = fc.integer({ min: 1, max: 0x0fff_ffff })

describe("writing protobuf", () => {
    // protobuf.dev, "Encoding": 150 in field 1 and "testing" in field 2 are its examples
    test.each([
        ["zero", 1, 0, "0800"],
        ["150", 1, 150, "089601"],
        ["the largest", 1, 0x7fff_ffff, "08ffffffff07"],
        ["a negative one, extended to 64 bits", 1, -2, "08feffffffffffffffff01"],
        ["the smallest", 1, -0x8000_0000, "0880808080f8ffffffff01"],
        ["a field number of two bytes", 257, 1, "881001"],
        ["the largest field number that is written", 0x0fff_ffff, 1, "f8ffffff0701"],
    ])("writes %s: field %i, value %i, as %s", (_, number, value, expected) => {
        const b = Bytes.alloc(32)
        expect(hex(b, putInt(b, 0, number, value))).toBe(expected)
    })

    test("writes bytes, and a message within a message", () => {
        const b = Bytes.alloc(32)
        expect(hex(b, putBytes(b, 0, 2, Bytes.from("testing")))).toBe("120774657374696e67")
        const start = openMessage(b, 0, 3)
        // a length of two bytes, though one would do
        expect(hex(b, closeMessage(b, start, putInt(b, start, 1, 150)))).toBe("1a8300089601")
    })
})

describe("reading protobuf", () => {
    test.each([
        ["nothing after a number", [0x08]],
        ["a varint that does not end", [0x08, 0x80]],
        ["a varint of eleven bytes", [0x08, ...Array<number>(10).fill(0x80), 1]],
        ["field number 0", [0x00, 0x01]],
        ["a group", [0x0b, 0x0c]],
        ["the end of a group", [0x0c]],
        ["wire type 6", [0x0e, 0]],
        ["wire type 7", [0x0f, 0]],
        ["bytes longer than what follows", [0x12, 3, 1, 2]],
        ["bytes of a length that is negative", [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]],
        ["half a fixed32", [0x0d, 1, 2, 3]],
        ["half a fixed64", [0x09, 1, 2, 3, 4, 5, 6, 7]],
    ])("refuses a message with %s", (_, bytes) => {
        const b = bytesOf(...bytes)
        expect(nextField(b, 0, b.length)).toBe(-1)
        expect(findField(b, 0, b.length, 1, Wire.Varint)).toBe(Found.Malformed)
        expect(intField(b, 0, b.length, 1)).toBe(-1)
        // after a field that is sound too
        const after = bytesOf(0x08, 1, ...bytes)
        expect(findField(after, 0, after.length, 1, Wire.Varint)).toBe(Found.Malformed)
    })

    test("takes the last value of a field, and only of its kind", () => {
        const b = bytesOf(0x08, 1, 0x10, 9, 0x08, 2, 0x0d, 1, 2, 3, 4, 0x0a, 1, 7)
        expect(intField(b, 0, b.length, 1)).toBe(2)
        expect(findField(b, 0, b.length, 1, Wire.Bytes)).toBe(Found.Yes)
        expect([field.at, field.length]).toEqual([13, 1])
        expect(findField(b, 0, b.length, 2, Wire.Bytes)).toBe(Found.No)
        expect(intField(b, 0, b.length, 3)).toBe(0)
    })

    test("refuses offsets outside the buffer", () => {
        const b = bytesOf(0x08, 1)
        expect(findField(b, -1, 2, 1, Wire.Varint)).toBe(Found.Malformed)
        expect(findField(b, 0, 3, 1, Wire.Varint)).toBe(Found.Malformed)
        expect(findField(b, 2, 2, 1, Wire.Varint)).toBe(Found.No)
        expect(findField(b, 3, 2, 1, Wire.Varint)).toBe(Found.No)
        expect(nextField(b, 2, 9)).toBe(-1)
    })

    test("of any bytes returns fields within the message, one after the other", () => {
        fc.assert(
            fc.property(anyBytes(64), fc.nat(70), fc.nat(70), (bytes, from, to) => {
                const b = Bytes.from(bytes)
                let at = from
                while (at < to) {
                    const next = nextField(b, at, to)
                    if (next < 0) break
                    expect(next).toBeGreaterThan(at)
                    expect(next).toBeLessThanOrEqual(to)
                    expect(field.number).toBeGreaterThan(0)
                    if (field.wire === Wire.Bytes) {
                        expect(field.at).toBeGreaterThan(at)
                        expect(field.at + field.length).toBe(next)
                    }
                    at = next
                }
                const found = findField(b, from, to, 1, Wire.Bytes)
                if (found === Found.Yes) expect(field.at + field.length).toBeLessThanOrEqual(to)
            }),
            cases(2000)
        )
    })

    test("reads what was written", () => {
        const entry = fc.oneof(
            fc.record({ number: numbers, value: anyNumber32 }),
            fc.record({ number: numbers, bytes: anyBytes(30) })
        )
        fc.assert(
            fc.property(fc.array(entry, { maxLength: 8 }), fc.boolean(), (entries, nested) => {
                const b = Bytes.alloc(ROOM)
                const start = nested ? openMessage(b, 3, 278) : 3
                let end = start
                for (const it of entries) {
                    end =
                        "value" in it
                            ? putInt(b, end, it.number, it.value)
                            : putBytes(b, end, it.number, Bytes.from(it.bytes))
                }
                if (nested) {
                    closeMessage(b, start, end)
                    expect(nextField(b, 3, ROOM)).toBe(end)
                    expect([field.number, field.at, field.length]).toEqual([278, start, end - start])
                }
                let at = start
                for (const it of entries) {
                    at = nextField(b, at, end)
                    expect(field.number).toBe(it.number)
                    if ("value" in it) expect(field.value).toBe(it.value)
                    else expect([...b.slice(field.at, field.at + field.length)]).toEqual([...it.bytes])
                }
                expect(at).toBe(end)
            }),
            cases(500)
        )
    })
})

const protocMissing = !isInstalled("protoc")

describe.skipIf(protocMissing && process.env.CI === undefined)(
    "protobuf against protoc (protoc needed)",
    () => {
        const folder = import.meta.dirname

        function protoc(how: string, input: string | Uint8Array): Buffer {
            const { status, stdout, stderr } = spawnSync(
                "protoc",
                [how, `--proto_path=${folder}`, join(folder, "protobuf.proto")],
                { input }
            )
            if (status !== 0) throw new Error(`protoc ${how}: ${stderr}`)
            return stdout
        }

        test("writes a station's configuration, longer than 127 bytes, as protoc does", () => {
            const b = Bytes.alloc(ROOM)
            let at = putInt(b, 0, 1, 1)
            at = putInt(b, at, 2, 284)
            at = putInt(b, at, 3, 77)
            const body = openMessage(b, at, 284)
            const choice = openMessage(b, body, 2)
            const station = openMessage(b, choice, 2)
            at = putBytes(b, station, 1, Bytes.from("network"))
            at = putBytes(b, at, 2, Bytes.from("short, and written again below"))
            const threshold = openMessage(b, at, 9)
            at = closeMessage(b, threshold, putInt(b, putInt(b, threshold, 1, -90), 2, 3))
            at = putBytes(b, at, 2, Bytes.from("p".repeat(120)))
            at = closeMessage(b, body, closeMessage(b, choice, closeMessage(b, station, at)))
            expect(protoc("--decode=Envelope", Uint8Array.from(b.slice(0, at))).toString()).toBe(
                `kind: 1
id: 284
uid: 77
config {
  choice {
    station {
      ssid: "network"
      password: "${"p".repeat(120)}"
      threshold {
        rssi: -90
        authmode: 3
      }
    }
  }
}
`
            )
        })

        test("writes integers at the edges, and an empty message, as protoc does", () => {
            const b = Bytes.alloc(ROOM)
            const body = openMessage(b, 0, 278)
            const inner = openMessage(b, body, 1)
            let at = putInt(b, inner, 1, -0x8000_0000)
            at = putInt(b, at, 2, 0x7fff_ffff)
            at = putInt(b, at, 20, 0x1f2f3f4f)
            at = putInt(b, at, 24, -1)
            at = closeMessage(b, body, closeMessage(b, inner, at))
            expect(protoc("--decode=Envelope", Uint8Array.from(b.slice(0, at))).toString()).toBe(
                "setup {\n  numbers {\n    static_rx: -2147483648\n    dynamic_rx: 2147483647\n    magic: 523190095\n    last: -1\n  }\n}\n"
            )
            const empty = openMessage(b, 0, 280)
            at = closeMessage(b, empty, empty)
            expect(protoc("--decode=Envelope", Uint8Array.from(b.slice(0, at))).toString()).toBe(
                "start {\n}\n"
            )
        })

        test("reads what protoc writes: each wire type, negative numbers, fields left out", () => {
            const text = `int: -1 eight: 81985529216486895 bytes: "\\000\\377" four: 7 packed: [1, 300] zigzag: -2 wide: 18446744073709551615 yes: true text: "t"`
            const encoded = Bytes.from(Uint8Array.from(protoc("--encode=Kinds", text)))
            const end = encoded.length
            expect(intField(encoded, 0, end, 1)).toBe(-1)
            expect(findField(encoded, 0, end, 3, Wire.Bytes)).toBe(Found.Yes)
            expect([...encoded.slice(field.at, field.at + field.length)]).toEqual([0, 255])
            expect(findField(encoded, 0, end, 5, Wire.Bytes)).toBe(Found.Yes)
            expect(field.length).toBe(3)
            expect(intField(encoded, 0, end, 6)).toBe(3)
            expect(intField(encoded, 0, end, 7)).toBe(-1)
            expect(intField(encoded, 0, end, 8)).toBe(1)
            expect(findField(encoded, 0, end, 2, Wire.Fixed64)).toBe(Found.Yes)
            expect(findField(encoded, 0, end, 4, Wire.Fixed32)).toBe(Found.Yes)
            const left = Bytes.from(
                Uint8Array.from(
                    protoc(
                        "--encode=Envelope",
                        `kind: 3 id: 776 left { details { ssid: "net" reason: 201 rssi: -70 } }`
                    )
                )
            )
            expect(intField(left, 0, left.length, 2)).toBe(776)
            expect(findField(left, 0, left.length, 776, Wire.Bytes)).toBe(Found.Yes)
            const { at, length } = field
            expect(intField(left, at, at + length, 1)).toBe(0)
            expect(findField(left, at, at + length, 2, Wire.Bytes)).toBe(Found.Yes)
            const details = field.at
            const detailsEnd = field.at + field.length
            expect(intField(left, details, detailsEnd, 4)).toBe(201)
            expect(intField(left, details, detailsEnd, 5)).toBe(-70)
        })
    }
)
