// The IPv4 header: RFC 791.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { onesSum } from "../../src/wire/checksum"
import {
    IpCheck,
    ipv4Check,
    ipv4HeaderLength,
    ipv4TotalLength,
    isNotUnicast,
    Protocol,
    pseudoSum,
    writeIpv4,
} from "../../src/wire/ipv4"
import { address, hex, internetChecksum, ipv4, u16 } from "../support/frames"
import { ip } from "../support/host"
import { anyBytes, anyNumber32, cases } from "../support/property"

const buffer = (bytes: ArrayLike<number>) => Buffer.from(Array.from(bytes))

const fields = { source: "192.0.2.1", destination: "10.0.0.1", protocol: 6 }
const packet = (change: object = {}, length = 8) => ipv4({ ...fields, ...change }, new Uint8Array(length))

/** What RFC 791 says of a header, a byte at a time. */
function naive(b: Uint8Array, at: number, length: number): IpCheck {
    if (at < 0 || length < 20 || at + length > b.length) return IpCheck.Malformed
    const [version, ihl] = [b[at]! >> 4, b[at]! & 15]
    const total = b[at + 2]! * 256 + b[at + 3]!
    if (version !== 4 || ihl < 5 || total < ihl * 4 || total > length) return IpCheck.Malformed
    if (internetChecksum(b.slice(at, at + ihl * 4)) !== 0) return IpCheck.Checksum
    const moreFragments = (b[at + 6]! & 0x20) !== 0
    const offset = (b[at + 6]! & 0x1f) * 256 + b[at + 7]!
    return moreFragments || offset > 0 ? IpCheck.Fragment : IpCheck.Ok
}

// ---------------------------------------------------------------- Table
describe("ipv4Check()", () => {
    test.each([
        ["a valid header", {}, IpCheck.Ok],
        ["a header with options", { options: [1, 1, 1, 0] }, IpCheck.Ok],
        ["a header with 40 bytes of options", { options: new Array(40).fill(1) }, IpCheck.Ok],
        ["don't fragment", { fragment: 0x4000 }, IpCheck.Ok],
        ["the reserved flag", { fragment: 0x8000 }, IpCheck.Ok],
        ["more fragments", { fragment: 0x2000 }, IpCheck.Fragment],
        ["an offset", { fragment: 0x0001 }, IpCheck.Fragment],
        ["an offset in the high bits", { fragment: 0x1000 }, IpCheck.Fragment],
        ["version 6", { version: 6 }, IpCheck.Malformed],
        ["header length 4 words", { ihl: 4 }, IpCheck.Malformed],
        ["header length beyond the packet", { ihl: 8 }, IpCheck.Malformed],
        ["header length over the data", { ihl: 7 }, IpCheck.Ok],
        ["total length below the header", { totalLength: 19 }, IpCheck.Malformed],
        ["total length of the header alone", { totalLength: 20 }, IpCheck.Ok],
        ["total length beyond the frame", { totalLength: 29 }, IpCheck.Malformed],
        ["a wrong checksum", { checksum: 1 }, IpCheck.Checksum],
        ["a wrong checksum on a fragment", { checksum: 1, fragment: 0x2000 }, IpCheck.Checksum],
    ])("ipv4Check() of %s (%j) returns code %i", (_, change, expected) => {
        const bytes = packet(change)
        for (const at of [0, 1, 14, 33]) {
            const b = buffer([...new Array(at).fill(0xa5), ...bytes])
            expect(ipv4Check(b, at, bytes.length)).toBe(expected)
        }
    })

    test("ipv4Check() takes bytes after the total length as padding", () => {
        const b = buffer([...packet({}, 3), 1, 2, 3, 4, 5])
        expect(ipv4Check(b, 0, 28)).toBe(IpCheck.Ok)
        expect(ipv4TotalLength(b, 0)).toBe(23)
        expect(ipv4HeaderLength(b, 0)).toBe(20)
    })

    test("ipv4Check() takes a frame that is shorter than its buffer", () => {
        const b = buffer([...packet({}, 8), ...new Array(100).fill(0)])
        for (let length = -1; length < 28; length++) expect(ipv4Check(b, 0, length)).toBe(IpCheck.Malformed)
        expect(ipv4Check(b, 0, 28)).toBe(IpCheck.Ok)
    })
})

// ---------------------------------------------------------------- Properties
describe("ipv4Check() of any bytes, at any offset, of any length", () => {
    const anywhere = fc.oneof(fc.integer({ min: -10, max: 130 }), anyNumber32)

    test("returns what a check a byte at a time returns", () => {
        fc.assert(
            fc.property(anyBytes(120), anywhere, anywhere, (bytes, at, length) => {
                expect(ipv4Check(buffer(bytes), at, length)).toBe(naive(bytes, at, length))
            }),
            cases(3000)
        )
    })

    test("returns the same for headers that are nearly right", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 0, max: 10 }),
                fc.nat(30),
                fc.nat(16),
                fc.option(fc.tuple(fc.nat(27), fc.nat(255)), { nil: undefined }),
                (words, length, at, change) => {
                    const bytes = packet({ options: new Uint8Array(words * 4).fill(1) }, length)
                    if (change !== undefined) bytes[change[0]] = change[1]
                    const all = Uint8Array.from([...new Array(at).fill(0), ...bytes])
                    expect(ipv4Check(buffer(all), at, bytes.length)).toBe(naive(all, at, bytes.length))
                }
            ),
            cases(3000)
        )
    })

    test("reads no byte outside", () => {
        fc.assert(
            fc.property(anyBytes(40), anywhere, (bytes, at) => {
                const b = buffer(bytes)
                const byte = (i: number) => (i >= 0 && i < bytes.length ? bytes[i]! : 0)
                expect(ipv4HeaderLength(b, at)).toBe(at < 0 ? 0 : (byte(at) & 15) * 4)
                expect(ipv4TotalLength(b, at)).toBe(at + 2 < 0 ? 0 : byte(at + 2) * 256 + byte(at + 3))
            }),
            cases(1000)
        )
    })
})

// ---------------------------------------------------------------- Writer
test("writeIpv4() writes what an independent builder writes, and ipv4Check() returns Ok", () => {
    const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map(a => a.join("."))
    fc.assert(
        fc.property(
            octets,
            octets,
            fc.nat(0xffff),
            fc.nat(255),
            fc.constantFrom(Protocol.Icmp, Protocol.Tcp, Protocol.Udp),
            fc.integer({ min: 0, max: 1480 }),
            fc.nat(20),
            (source, destination, identification, ttl, protocol, length, at) => {
                const b = Buffer.alloc(at + 20 + length)
                b.fillAt(0, b.length, 0xff)
                writeIpv4(b, at, 20 + length, identification, ttl, protocol, ip(source), ip(destination))
                // the identification has no order of its own: any 16 bits
                const id = (b[at + 4]! << 8) | b[at + 5]!
                const header = {
                    source,
                    destination,
                    protocol,
                    ttl,
                    identification: id,
                    totalLength: 20 + length,
                }
                expect([...b.subarray(at, at + 20)]).toEqual(ipv4(header, []).slice(0, 20))
                expect(ipv4Check(b, at, 20 + length)).toBe(IpCheck.Ok)
                for (let i = 0; i < at; i++) expect(b[i]).toBe(0xff)
            }
        ),
        cases(1000)
    )
})

test("two identifications that differ differ in the header", () => {
    const seen = new Set<number>()
    const b = Buffer.alloc(20)
    for (let id = 0; id < 0x10000; id += 257) {
        writeIpv4(b, 0, 20, id, 64, Protocol.Tcp, 1, 2)
        seen.add(b.getAt(4, "u16"))
    }
    expect(seen.size).toBe(256)
})

// ---------------------------------------------------------------- Pseudo header
test("pseudoSum() is the sum of the pseudo header's twelve bytes", () => {
    const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map(a => a.join("."))
    fc.assert(
        fc.property(
            octets,
            octets,
            fc.constantFrom(6, 17),
            fc.nat(65_515),
            (source, destination, protocol, length) => {
                const bytes = [...address(source), ...address(destination), 0, protocol, ...u16(length)]
                const sum = onesSum(
                    Buffer.alloc(0),
                    0,
                    0,
                    pseudoSum(ip(source), ip(destination), protocol, length)
                )
                expect(sum).toBe(onesSum(buffer(bytes), 0, 12, 0))
            }
        ),
        cases(1000)
    )
})

// ---------------------------------------------------------------- Addresses
test.each([
    ["0.0.0.0", false],
    ["10.0.0.1", false],
    ["127.0.0.1", false],
    ["223.255.255.255", false],
    ["224.0.0.0", true],
    ["239.255.255.255", true],
    ["240.0.0.1", true],
    ["255.255.255.255", true],
    ["1.0.0.224", false],
])("%s is a group or reserved address: %s", (text, is) => {
    expect(isNotUnicast(ip(text))).toBe(is)
})

test("an address in code is the 32 bits of the wire", () => {
    expect(buffer(hex("0a000001")).getAt(0, "i32")).toBe(ip("10.0.0.1"))
    expect(ip("255.255.255.255")).toBe(-1)
})
