import { Buffer } from "@devicescript/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { OptionError } from "../../sim/options/error"
import { parseForward, urlOf } from "../../sim/options/forward"
import {
    controlOf,
    datagramOf,
    endsOf,
    isIntact,
    MAX_DATAGRAM,
    MAX_FRAME,
    redirect,
    Side,
    writeDatagram,
    writeUnreachable,
} from "../../sim/router/packet"
import { dissect } from "../../sim/view/dissect"
import { ipv4Of, macOf } from "../../src/net/address"
import { Protocol } from "../../src/wire/ipv4"
import { ethernet, ipv4, tcp, udp } from "../support/frames"

const MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02"] as const
const ENDS = { source: "10.0.2.2", destination: "192.0.2.1" }
const FIELDS = { sourcePort: 4000, destinationPort: 80, seq: 1, flags: "S" }

function frameOf(protocol: number, payload: number[], options: number[] = []): Buffer {
    return Buffer.from(ethernet(MACS[0], MACS[1], 0x0800, ipv4({ ...ENDS, protocol, options }, payload)))
}

describe("a segment that is redirected", () => {
    it.each([
        ["source", Side.Source, "source", "sourcePort"],
        ["destination", Side.Destination, "destination", "destinationPort"],
    ] as const)("has another %s, checksums that fit, and all else as it was", (_, side, ip, port) => {
        const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
        const data = fc.array(fc.nat(255), { maxLength: 9 })
        fc.assert(
            fc.property(
                octets,
                fc.nat(65_535),
                data,
                fc.constantFrom(0, 4, 40),
                (parts, to, bytes, options) => {
                    const frame = frameOf(6, tcp(ENDS, FIELDS, bytes), new Array<number>(options).fill(1))
                    const before = dissect(frame)
                    redirect(frame, side, ipv4Of(parts.join(".")), to)
                    expect(dissect(frame)).toEqual({ ...before, [ip]: parts.join("."), [port]: to })
                    expect(dissect(frame)).toMatchObject({ checksumValid: true, headerChecksumValid: true })
                }
            )
        )
    })

    it("keeps a checksum wrong that was", () => {
        const frame = frameOf(6, tcp(ENDS, { ...FIELDS, checksum: 0x1234 }))
        redirect(frame, Side.Destination, ipv4Of("10.0.2.1"), 1024)
        expect(dissect(frame)).toMatchObject({ checksumValid: false, headerChecksumValid: true })
    })
})

describe("reading a packet", () => {
    it("returns its ends, its control bits and its data", () => {
        const segment = frameOf(6, tcp(ENDS, { ...FIELDS, flags: "S." }), [1, 1, 1, 1])
        expect(endsOf(segment)).toEqual({
            source: ipv4Of(ENDS.source),
            sourcePort: 4000,
            destination: ipv4Of(ENDS.destination),
            destinationPort: 80,
        })
        expect(controlOf(segment)).toBe(0x12)
        expect(isIntact(segment, Protocol.Tcp)).toBe(true)
        const datagram = frameOf(17, udp(ENDS, { sourcePort: 1, destinationPort: 2 }, [7, 8, 9]))
        expect([...datagramOf(datagram)]).toEqual([7, 8, 9])
    })

    it.each([
        ["a whole header", 20, 0x02, true],
        ["a part of one", 19, -1, true],
        ["ports", 4, -1, true],
        ["less than ports", 3, -1, false],
    ])("with %s of %i bytes returns what is there", (_, length, control, hasEnds) => {
        const frame = frameOf(6, tcp(ENDS, FIELDS).slice(0, length))
        expect(controlOf(frame)).toBe(control)
        expect(endsOf(frame) !== undefined).toBe(hasEnds)
        expect(isIntact(frame, Protocol.Tcp)).toBe(length === 20)
    })

    it.each([
        ["0, which is none", { checksum: 0 }, true],
        ["wrong", { checksum: 1 }, false],
        ["right", {}, true],
        ["right, with a length below a header's", { length: 7 }, false],
        ["right, with a length beyond the packet", { length: 12 }, false],
    ])("isIntact() of a datagram whose checksum is %s", (_, fields, sound) => {
        const frame = frameOf(17, udp(ENDS, { sourcePort: 1, destinationPort: 2, ...fields }, [1, 2, 3]))
        expect(isIntact(frame, Protocol.Udp)).toBe(sound)
    })
})

describe("writing a packet", () => {
    const macs = { to: macOf(MACS[0])!, from: macOf(MACS[1])! }
    const ends = {
        source: ipv4Of("192.0.2.1"),
        sourcePort: 53,
        destination: ipv4Of("10.0.2.2"),
        destinationPort: 9,
    }

    it("writes a datagram of any length that fits, and refuses a longer one", () => {
        const out = Buffer.alloc(MAX_FRAME)
        for (const length of [0, 1, 2, 1471, MAX_DATAGRAM]) {
            const data = Uint8Array.from({ length }, (_, i) => i)
            const view = dissect(out.subarray(0, writeDatagram(out, macs, ends, data)))
            expect(view).toMatchObject({
                kind: "udp",
                source: "192.0.2.1",
                sourcePort: 53,
                destination: "10.0.2.2",
                destinationPort: 9,
                checksumValid: true,
                headerChecksumValid: true,
            })
            expect(view.kind === "udp" && view.payload.length).toBe(length)
        }
        expect(() => writeDatagram(out, macs, ends, new Uint8Array(MAX_DATAGRAM + 1))).toThrow("too long")
    })

    it("writes an ICMP error that quotes a segment with its options", () => {
        const out = Buffer.alloc(MAX_FRAME)
        const about = frameOf(6, tcp(ENDS, FIELDS), [1, 1, 1, 1])
        const router = { ip: ipv4Of("10.0.2.1"), mac: macs.to }
        const view = dissect(out.subarray(0, writeUnreachable(out, about, router, 1)))
        expect(view).toMatchObject({
            kind: "icmp",
            type: 3,
            code: 1,
            source: "10.0.2.1",
            destination: "10.0.2.2",
            destinationMac: MACS[1],
            checksumValid: true,
        })
        expect(view.frameLength).toBe(14 + 20 + 8 + 24 + 8)
    })
})

describe("--forward", () => {
    it.each([
        ["8080:80", { host: "127.0.0.1", hostPort: 8080, devicePort: 80 }],
        ["0.0.0.0:8080:80", { host: "0.0.0.0", hostPort: 8080, devicePort: 80 }],
        ["81:10.0.0.3:80", { host: "127.0.0.1", hostPort: 81, deviceIp: "10.0.0.3", devicePort: 80 }],
        ["0.0.0.0:81:10.0.0.3:80", { host: "0.0.0.0", hostPort: 81, deviceIp: "10.0.0.3", devicePort: 80 }],
        ["0:7", { host: "127.0.0.1", hostPort: 0, devicePort: 7 }],
    ])("%s is read as %j", (text, forward) => {
        expect(parseForward(text)).toEqual(forward)
    })

    it.each([
        ["80", "80 is not valid; use [HOSTADDR:]HOSTPORT:[DEVICEADDR:]DEVICEPORT, as 8080:80"],
        ["", " is not valid; use [HOSTADDR:]HOSTPORT:[DEVICEADDR:]DEVICEPORT, as 8080:80"],
        ["1:2:3:4", "1:2:3:4 is not valid; use [HOSTADDR:]HOSTPORT:[DEVICEADDR:]DEVICEPORT, as 8080:80"],
        [
            "here:8080:80",
            "here is not an IPv4 address; use [HOSTADDR:]HOSTPORT:[DEVICEADDR:]DEVICEPORT, as 8080:80",
        ],
        ["8080:0", "0 is not a whole number from 1 to 65535"],
        ["8080:", " is not a whole number from 1 to 65535"],
        ["65536:80", "65536 is not a whole number from 0 to 65535"],
        ["x\n:80", "x? is not a whole number from 0 to 65535"],
    ])("refuses %j in one line", (text, message) => {
        expect(() => parseForward(text)).toThrow(new OptionError(message))
    })

    it("urlOf() returns an address for a browser", () => {
        expect(urlOf({ host: "127.0.0.1", hostPort: 8080 })).toBe("http://127.0.0.1:8080")
        expect(urlOf({ host: "0.0.0.0", hostPort: 80 })).toBe("http://127.0.0.1")
    })
})
