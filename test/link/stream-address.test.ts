import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseStreamAddress } from "../../sim/link/stream-address"
import { OptionError } from "../../sim/options/error"

const forms = "write stream:HOST:PORT, stream:[IPV6]:PORT or stream:unix:PATH"

describe("parseStreamAddress", () => {
    it.each([
        ["stream:127.0.0.1:1234", { host: "127.0.0.1", port: 1234 }],
        ["stream:some-host.local:65535", { host: "some-host.local", port: 65535 }],
        ["stream:[::1]:1", { host: "::1", port: 1 }],
        ["stream:[fe80::1%eth0]:80", { host: "fe80::1%eth0", port: 80 }],
        ["stream:unix:x.sock", { path: "x.sock" }],
        ["stream:unix:/tmp/with:colon 1:2", { path: "/tmp/with:colon 1:2" }],
        ["stream:unix:1234", { path: "1234" }],
    ])("reads %s as %j", (text, address) => {
        expect(parseStreamAddress(text)).toEqual(address)
    })

    it.each([
        ["builtin", "the address does not begin with stream:"],
        ["stream:", "the port is missing"],
        ["stream:host", "the port is missing"],
        ["stream::1234", "the host is missing"],
        ["stream:host:", '"" is not a port from 1 to 65535'],
        ["stream:host:0", '"0" is not a port from 1 to 65535'],
        ["stream:host:65536", '"65536" is not a port from 1 to 65535'],
        ["stream:host:12x", '"12x" is not a port from 1 to 65535'],
        ["stream:::1:1234", "an IPv6 address has to be in brackets"],
        ["stream:[::1]", '"1]" is not a port from 1 to 65535'],
        ["stream:[]:1", "an IPv6 address has to be in brackets"],
        ["stream:unix:", "the path is missing"],
        ["stream:unix:a\0b", "the path contains a zero byte"],
        [`stream:unix:/${"é".repeat(54)}`, "the path has 109 bytes; that of a UNIX socket has at most 107"],
    ])("refuses %j: %s", (text, why) => {
        const shown = text.replace("\0", "?")
        expect(() => parseStreamAddress(text)).toThrow(new OptionError(`link ${shown}: ${why}; ${forms}`))
    })

    it("returns an address or one line of error for any text", () => {
        const part = fc.constantFrom("stream:", "unix:", "[", "]", ":", "::1", "host", "80", "\n", "0")
        fc.assert(
            fc.property(
                fc.oneof(
                    fc.string(),
                    fc.array(part).map(parts => parts.join(""))
                ),
                text => {
                    try {
                        expect(parseStreamAddress(text)).toBeTypeOf("object")
                    } catch (error) {
                        expect(error).toBeInstanceOf(OptionError)
                        expect((error as Error).message).not.toMatch(/[\r\n]/)
                    }
                }
            )
        )
    })
})
