// Addresses as people write them.

import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Address, decimal, ipv4Of, ipv4Text, macOf, macText, netmaskOf } from "../../src/net/address"
import { hex } from "../support/frames"
import { ip } from "../support/host"
import { cases } from "../support/property"

describe("IPv4 addresses", () => {
    test.each(["0.0.0.0", "10.0.0.1", "127.0.0.1", "192.168.255.254", "255.255.255.254"])(
        'ipv4Of("%s") and ipv4Text() agree',
        text => {
            expect(ipv4Of(text)).toBe(ip(text))
            expect(ipv4Text(ipv4Of(text))).toBe(text)
        }
    )

    test.each([
        "",
        "10",
        "10.0.0",
        "10.0.0.1.2",
        "10.0.0.",
        ".10.0.0",
        "10..0.1",
        "256.0.0.1",
        "10.0.0.-1",
        "10.0.0.1 ",
        " 10.0.0.1",
        "1e1.0.0.1",
        "a.b.c.d",
        "10,0,0,1",
        "0x0a.0.0.1",
    ])("ipv4Of(%j) returns Address.None", text => {
        expect(ipv4Of(text)).toBe(Address.None)
    })

    test("ipv4Text() and ipv4Of() are inverse for any 32 bits", () => {
        fc.assert(
            fc.property(fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }), address => {
                const bytes = Buffer.alloc(4)
                bytes.setAt(0, "i32", address)
                expect(ipv4Text(address)).toBe([...bytes].join("."))
                expect(ipv4Of(ipv4Text(address))).toBe(address)
            }),
            cases(500)
        )
    })

    test("ipv4Of() of any text returns None or an address that reads back", () => {
        fc.assert(
            fc.property(fc.string(), text => {
                const address = ipv4Of(text)
                if (address !== Address.None) expect(ipv4Of(ipv4Text(address))).toBe(address)
            }),
            cases(500)
        )
    })
})

describe("netmaskOf()", () => {
    test("netmaskOf(n) has n leading ones, as on the wire, for n from 0 to 32", () => {
        for (let length = 0; length <= 32; length++) {
            const bits = "1"
                .repeat(length)
                .padEnd(32, "0")
                .match(/.{8}/g)!
                .map(byte => Number.parseInt(byte, 2))
            expect(netmaskOf(length), `/${length}`).toBe(ip(bits.join(".")))
        }
    })
})

describe("decimal()", () => {
    test.each([
        ["0", 0],
        ["7", 7],
        ["007", 7],
        ["999999999", 999_999_999],
        ["1234567890", -1],
        ["", -1],
        ["-1", -1],
        ["1.5", -1],
        ["1e3", -1],
        [" 1", -1],
        ["１", -1],
    ])("decimal(%j) returns %d", (text, value) => {
        expect(decimal(text)).toBe(value)
    })
})

describe("Ethernet addresses", () => {
    test.each([
        ["02:00:00:00:00:01", "020000000001"],
        ["fe:DC:ba:98:76:54", "fedcba987654"],
    ])('macOf("%s") and macText() agree', (text, bytes) => {
        const mac = macOf(text)
        expect(mac?.toString("hex")).toBe(bytes)
        expect(macText(Buffer.from([9, ...hex(bytes)]), 1)).toBe(text.toLowerCase())
    })

    test.each([
        "",
        "02:00:00:00:00",
        "02:00:00:00:00:01:02",
        "2:0:0:0:0:1",
        "02-00-00-00-00-01",
        "0g:00:00:00:00:01",
        "02:00:00:00:00:0",
        "02:00:00:00:00:001",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "`2:00:00:00:00:01",
        "@2:00:00:00:00:01",
    ])("macOf(%j) returns undefined", text => {
        expect(macOf(text)).toBeUndefined()
    })
})
