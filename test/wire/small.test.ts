// The small codecs: numbers in network order, Ethernet II (RFC 894), ARP (RFC 826), UDP (RFC 768).

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { readI32, readU16, swap16, swap32, writeI32, writeU16 } from "../../src/base/bytes"
import { Arp, ArpOperation, arpOperation, writeArp } from "../../src/wire/arp"
import { EtherType, isGroupAddress, writeEthernet } from "../../src/wire/ethernet"
import { udpDataLength } from "../../src/wire/udp"
import { arp, ethernet, hex } from "../support/frames"
import { ip } from "../support/host"
import { anyBytes, anyNumber32, cases } from "../support/property"

const buffer = (bytes: ArrayLike<number>) => Buffer.from(Array.from(bytes))
const anywhere = fc.oneof(fc.integer({ min: -10, max: 60 }), anyNumber32)

// ---------------------------------------------------------------- Numbers in network order
describe("16 and 32 bits of a buffer", () => {
    test("are read in network order", () => {
        const b = buffer(hex("ff 01 02 03 04 ff"))
        expect(readU16(b, 1)).toBe(0x0102)
        expect(readI32(b, 1)).toBe(0x01020304)
        expect(readI32(buffer(hex("ffffffff")), 0)).toBe(-1)
        expect(readI32(buffer(hex("80000000")), 0)).toBe(-0x8000_0000)
    })

    test("at any offset are read without reading outside the buffer", () => {
        fc.assert(
            fc.property(anyBytes(12), anywhere, (bytes, at) => {
                const b = buffer(bytes)
                const byte = (i: number) => (i >= 0 && i < bytes.length ? bytes[i]! : 0)
                const whole = at >= 0 && at + 4 <= bytes.length
                expect(readU16(b, at)).toBe(at < 0 ? 0 : byte(at) * 256 + byte(at + 1))
                const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
                expect(readI32(b, at)).toBe(whole ? view.getInt32(at) : 0)
            }),
            cases(2000)
        )
    })

    test("are written and read again, at any offset", () => {
        fc.assert(
            fc.property(fc.nat(20), anyNumber32, (at, value) => {
                const b = Buffer.alloc(30)
                writeI32(b, at, value)
                expect(readI32(b, at)).toBe(value)
                expect(new DataView(b.buffer).getInt32(at)).toBe(value)
                writeU16(b, at + 4, value)
                expect(readU16(b, at + 4)).toBe(value & 0xffff)
                expect(swap32(swap32(value))).toBe(value)
                expect(swap16(swap16(value & 0xffff))).toBe(value & 0xffff)
            }),
            cases(1000)
        )
    })
})

// ---------------------------------------------------------------- Ethernet
describe("Ethernet headers", () => {
    test("are written byte by byte", () => {
        const b = Buffer.alloc(14)
        const to = buffer(hex("ffff 0200000000 02"))
        writeEthernet(b, to, 1, buffer(hex("020000000001")), EtherType.Arp)
        expect(b.toString("hex")).toBe("ff0200000000" + "020000000001" + "0806")
        writeEthernet(b, to, 1, buffer(hex("020000000001")), EtherType.IPv4)
        expect(b.toString("hex").slice(24)).toBe("0800")
    })

    test("of groups are told from those of stations", () => {
        const b = buffer(hex("ff 01 33 02 00 fe"))
        expect([0, 1, 2, 3, 4, 5].map(at => isGroupAddress(b, at))).toEqual([
            true,
            true,
            true,
            false,
            false,
            false,
        ])
        fc.assert(
            fc.property(anyBytes(20), anywhere, (bytes, at) => {
                const expected = at >= 0 && at < bytes.length && (bytes[at]! & 1) === 1
                expect(isGroupAddress(buffer(bytes), at)).toBe(expected)
            }),
            cases(500)
        )
    })
})

// ---------------------------------------------------------------- ARP
describe("ARP packets", () => {
    // captured from Linux 6
    const request = hex("0001080006040001020000000a020a0000020000000000000a000001")

    test("of Linux are read", () => {
        const b = buffer(request)
        expect(arpOperation(b, 0, 28)).toBe(ArpOperation.Request)
        expect(b.getAt(Arp.SenderIp, "i32")).toBe(ip("10.0.0.2"))
        expect(b.getAt(Arp.TargetIp, "i32")).toBe(ip("10.0.0.1"))
        expect(b.slice(Arp.SenderMac, Arp.SenderMac + 6).toString("hex")).toBe("020000000a02")
    })

    test.each([
        ["hardware type", 0, 1],
        ["hardware type", 1, 6],
        ["protocol type", 2, 0],
        ["protocol type", 3, 6],
        ["hardware address length", 4, 0],
        ["protocol address length", 5, 16],
    ])("with another %s (byte %i is %i) are refused", (_, at, value) => {
        const bytes = Uint8Array.from(request)
        bytes[at] = value
        expect(arpOperation(buffer(bytes), 0, 28)).toBe(0)
    })

    test("that are cut short, or beyond the buffer, are refused", () => {
        const b = buffer([...request, 0, 0])
        for (let length = -1; length < 28; length++) expect(arpOperation(b, 0, length)).toBe(0)
        expect(arpOperation(b, 0, 46)).toBe(ArpOperation.Request)
        expect(arpOperation(b, 3, 28)).toBe(0)
        expect(arpOperation(b, -1, 28)).toBe(0)
    })

    test("of any bytes, at any offset, of any length are read or refused, within the buffer", () => {
        fc.assert(
            fc.property(anyBytes(60), anywhere, anywhere, fc.boolean(), (bytes, at, length, sound) => {
                const all = Uint8Array.from(bytes)
                if (sound && at >= 0 && at + 6 <= all.length) all.set(hex("000108000604"), at)
                const fits = length >= 28 && at >= 0 && at + 28 <= all.length
                const kind =
                    fits && Buffer.from([...all.subarray(at, at + 6)]).toString("hex") === "000108000604"
                expect(arpOperation(buffer(all), at, length)).toBe(
                    kind ? all[at + 6]! * 256 + all[at + 7]! : 0
                )
            }),
            cases(2000)
        )
    })

    test("are written as an independent builder writes them", () => {
        for (const operation of [ArpOperation.Request, ArpOperation.Reply]) {
            for (const at of [0, 1, 14]) {
                const b = Buffer.alloc(at + 28)
                const macs = buffer(hex("ffffff 020000000009"))
                writeArp(
                    b,
                    at,
                    operation,
                    buffer(hex("020000000001")),
                    ip("10.0.0.1"),
                    macs,
                    3,
                    ip("10.0.0.2")
                )
                const expected = arp({
                    operation,
                    senderMac: "02:00:00:00:00:01",
                    senderIp: "10.0.0.1",
                    targetMac: "02:00:00:00:00:09",
                    targetIp: "10.0.0.2",
                })
                expect([...b.subarray(at)]).toEqual(expected)
                expect(arpOperation(b, at, 28)).toBe(operation)
            }
        }
        expect(ethernet("ff:ff:ff:ff:ff:ff", "02:00:00:00:0a:02", 0x0806, request).length).toBe(42)
    })
})

// ---------------------------------------------------------------- UDP
describe("UDP headers", () => {
    // captured from Linux 6: 53000 to 53, "abc"
    const datagram = hex("cf080035000b5835616263")

    test("of Linux are read", () => {
        expect(udpDataLength(buffer(datagram), 0, 11)).toBe(3)
    })

    test.each([
        ["a length below the packet's, whose rest is padding", 20, 11, 3],
        ["the length of a header", 11, 8, 0],
        ["a length below a header's", 11, 7, -1],
        ["a length of 0", 11, 0, -1],
        ["a length above the packet's", 11, 12, -1],
        ["the largest length", 11, 65_535, -1],
        ["a packet shorter than a header", 7, 7, -1],
    ])("with %s: %i bytes of packet, a length of %i, %i bytes of data", (_, length, own, expected) => {
        const bytes = [...datagram, ...new Array(20).fill(0)]
        bytes[4] = own >> 8
        bytes[5] = own & 255
        for (const at of [0, 3]) {
            expect(udpDataLength(buffer([...new Array(at).fill(9), ...bytes]), at, length)).toBe(expected)
        }
    })

    test("of any bytes, at any offset, of any length are read or refused, within the packet", () => {
        fc.assert(
            fc.property(anyBytes(60), anywhere, anywhere, (bytes, at, length) => {
                const fits = at >= 0 && length >= 8 && at + length <= bytes.length
                const own = fits ? bytes[at + 4]! * 256 + bytes[at + 5]! : 0
                expect(udpDataLength(buffer(bytes), at, length)).toBe(
                    fits && own >= 8 && own <= length ? own - 8 : -1
                )
            }),
            cases(2000)
        )
    })
})
