import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseTapAddress } from "../../sim/link/tap-address"
import { OptionError } from "../../sim/options/error"

const forms = "write tap:NAME, tap:NAME@NETNS or tap:NAME=10.0.0.1/24"

describe("parseTapAddress", () => {
    it.each([
        ["tap:tap0", { name: "tap0", namespace: undefined, host: undefined }],
        ["tap:my-tap.1_x", { name: "my-tap.1_x", namespace: undefined, host: undefined }],
        ["tap:123456789012345", { name: "123456789012345", namespace: undefined, host: undefined }],
        ["tap:tap0@lab", { name: "tap0", namespace: "lab", host: undefined }],
        ["tap:t=10.0.0.1/24", { name: "t", namespace: undefined, host: { ip: "10.0.0.1", prefix: 24 } }],
        [
            "tap:t@lab=192.168.7.1/30",
            { name: "t", namespace: "lab", host: { ip: "192.168.7.1", prefix: 30 } },
        ],
    ])("reads %s as %j", (text, address) => {
        expect(parseTapAddress(text)).toEqual(address)
    })

    it.each([
        ["tap0", "the address does not begin with tap:"],
        ["tap:", "the device's name is missing"],
        ["tap:@lab", "the device's name is missing"],
        ["tap:=10.0.0.1/24", "the device's name is missing"],
        ["tap:1234567890123456", "the device's name has 16 characters; at most 15 are possible"],
        ["tap:a/b", "a device's name has letters, digits and . _ - only"],
        ["tap:a b", "a device's name has letters, digits and . _ - only"],
        ["tap:..", "a device's name has letters, digits and . _ - only"],
        ["tap:a\0", "a device's name has letters, digits and . _ - only"],
        ["tap:a@", "the namespace's name is missing"],
        ["tap:a@../x", "a namespace's name has letters, digits and . _ - only"],
        ["tap:a@b@c", "the address has more than one @"],
        ["tap:a=10.0.0.1/24=", "the address has more than one ="],
        ["tap:a=", " is not an address and its prefix length, such as 10.0.0.2/24"],
        ["tap:a=10.0.0.1", "10.0.0.1 is not an address and its prefix length, such as 10.0.0.2/24"],
        ["tap:a=10.0.0.0/24", "10.0.0.0/24 is the network itself, not a host in it"],
    ])("refuses %j: %s", (text, why) => {
        const shown = text.replace("\0", "?")
        expect(() => parseTapAddress(text)).toThrow(new OptionError(`link ${shown}: ${why}; ${forms}`))
    })

    it("returns an address or one line of error for any text", () => {
        fc.assert(
            fc.property(fc.string({ unit: "binary" }), text => {
                try {
                    const { name, namespace } = parseTapAddress(`tap:${text}`)
                    expect(name).toMatch(/^[\w.-]{1,15}$/)
                    expect(namespace ?? "x").toMatch(/^[\w.-]+$/)
                } catch (error) {
                    expect(error).toBeInstanceOf(OptionError)
                    expect((error as Error).message).not.toContain("\n")
                }
            })
        )
    })
})
