import fs from "node:fs"
import os from "node:os"
import path from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Capture } from "../../sim/capture/pcapng"
import { dissect, type TcpView, type View } from "../../sim/view/dissect"
import { fields, withoutTshark } from "../capture/tshark"
import {
    arp,
    echo,
    ethernet,
    ipv4,
    mss,
    sack,
    sackPermitted,
    tcp,
    timestamps,
    udp,
    windowScale,
} from "./packets"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

function tcpView(frame: Uint8Array): TcpView {
    const view = dissect(frame)
    if (view.kind !== "tcp") throw new Error(`not TCP but ${JSON.stringify(view)}`)
    return view
}

const none = {
    fin: false,
    syn: false,
    rst: false,
    psh: false,
    ack: false,
    urg: false,
    ece: false,
    cwr: false,
}

describe("a dissected TCP segment", () => {
    it("has each field of its headers", () => {
        const options = [...mss(1460), ...windowScale(7), ...sackPermitted, ...timestamps(4_000_000_000, 5)]
        const frame = tcp({
            seq: 4_294_967_295,
            ack: 2_147_483_648,
            flags: "SA",
            window: 65_535,
            options,
            payload: "hi",
        })
        expect(tcpView(frame)).toEqual({
            kind: "tcp",
            sourceMac: "02:00:0a:00:00:02",
            destinationMac: "02:00:0a:00:00:01",
            etherType: 0x0800,
            frameLength: frame.length,
            source: "10.0.0.2",
            destination: "10.0.0.1",
            protocol: 6,
            ttl: 64,
            identification: 1,
            headerChecksumValid: true,
            sourcePort: 49152,
            destinationPort: 7,
            seq: 4_294_967_295,
            ack: 2_147_483_648,
            flags: { ...none, syn: true, ack: true },
            window: 65_535,
            urgent: 0,
            options: [
                { kind: "mss", value: 1460 },
                { kind: "window-scale", shift: 7 },
                { kind: "sack-permitted" },
                { kind: "timestamps", value: 4_000_000_000, echo: 5 },
            ],
            payload: new TextEncoder().encode("hi"),
            length: 2,
            checksumValid: true,
        })
    })

    it.each([..."fin syn rst psh ack urg ece cwr".split(" ").entries()])("has flag %i as %s", (bit, name) => {
        expect(tcpView(tcp({ flags: "FSRPAUEC"[bit] })).flags).toEqual({ ...none, [name]: true })
    })

    it("has no Ethernet padding in its data", () => {
        expect(tcpView(tcp({ padding: 6 })).payload.length).toBe(0)
        expect(text(tcpView(tcp({ payload: "data", padding: 2 })).payload)).toBe("data")
    })

    it("is found after IPv4 options", () => {
        const plain = [...tcp({ seq: 77, payload: "x" }).subarray(34)]
        const frame = ipv4("10.0.0.2", "10.0.0.1", 6, plain, { options: [7, 7, 4, 0, 0, 0, 0, 0] })
        const view = tcpView(frame)
        expect([view.seq, text(view.payload), view.checksumValid]).toEqual([77, "x", true])
    })

    it.each([
        [
            "SACK blocks",
            sack(1000, 2000, 4_000_000_000, 5),
            [
                {
                    kind: "sack",
                    blocks: [
                        { start: 1000, end: 2000 },
                        { start: 4_000_000_000, end: 5 },
                    ],
                },
            ],
        ],
        ["an end of options before its time", [2, 4, 5, 180, 0, 3, 3, 7], [{ kind: "mss", value: 1460 }]],
        ["an unknown option", [253, 4, 1, 2], [{ kind: "other", code: 253, data: Uint8Array.of(1, 2) }]],
        ["a length of 0", [2, 0, 5, 180], [{ kind: "malformed", code: 2 }]],
        ["a length of 1", [1, 1, 8, 1], [{ kind: "malformed", code: 8 }]],
        ["a length beyond the header", [2, 5, 5, 180], [{ kind: "malformed", code: 2 }]],
        ["a last byte that needs a length", [1, 1, 1, 8], [{ kind: "malformed", code: 8 }]],
        [
            "an MSS of 3 bytes",
            [2, 3, 5, 1, 4, 2, 1, 1],
            [{ kind: "malformed", code: 2 }, { kind: "sack-permitted" }],
        ],
        ["a window scale of 0 bytes", [3, 2, 1, 1], [{ kind: "malformed", code: 3 }]],
        ["a SACK-permitted with data", [4, 4, 0, 0], [{ kind: "malformed", code: 4 }]],
        ["half a SACK block", [5, 6, 0, 0, 0, 1, 1, 1], [{ kind: "malformed", code: 5 }]],
        ["a SACK without blocks", [5, 2, 1, 1], [{ kind: "malformed", code: 5 }]],
        ["timestamps of 4 bytes", [8, 6, 0, 0, 0, 1, 1, 1], [{ kind: "malformed", code: 8 }]],
    ])("has %s", (_name, options, expected) => {
        expect(tcpView(tcp({ options })).options).toEqual(expected)
    })

    it("has a wrong checksum wherever one bit is wrong", () => {
        const good = tcp({ seq: 1, payload: "odd" })
        for (let bit = 14 * 8; bit < good.length * 8; bit++) {
            const bad = good.slice()
            bad[bit >> 3]! ^= 0x80 >> (bit & 7)
            const view = dissect(bad)
            if (view.kind === "tcp") expect(view.headerChecksumValid && view.checksumValid).toBe(false)
        }
        expect(tcpView(good)).toMatchObject({ headerChecksumValid: true, checksumValid: true })
    })
})

describe("dissected packets of other protocols", () => {
    it("ARP has each of its fields", () => {
        expect(dissect(arp(1, "10.0.0.2", "10.0.0.1", [0, 0, 0, 0, 0, 0]))).toMatchObject({
            kind: "arp",
            operation: 1,
            senderMac: "02:00:0a:00:00:02",
            senderIp: "10.0.0.2",
            targetMac: "00:00:00:00:00:00",
            targetIp: "10.0.0.1",
        })
    })

    it("UDP has each of its fields, also without a checksum", () => {
        const frame = udp("10.0.0.2", "10.0.0.1", [68, 67], [1, 2, 3])
        const expected = { kind: "udp", sourcePort: 68, destinationPort: 67, payload: Uint8Array.of(1, 2, 3) }
        expect(dissect(frame)).toMatchObject({ ...expected, checksumValid: true })
        frame[35]! ^= 1
        expect(dissect(frame)).toMatchObject({ ...expected, sourcePort: 69, checksumValid: false })
        expect(dissect(frame.fill(0, 40, 42))).toMatchObject({ sourcePort: 69, checksumValid: true })
    })

    it("ICMP has each of its fields", () => {
        const frame = echo("10.0.0.2", "10.0.0.1", 8, 9, [1, 2, 3])
        expect(dissect(frame)).toMatchObject({
            kind: "icmp",
            type: 8,
            code: 0,
            echo: { identifier: 0x1234, sequence: 9 },
            payload: Uint8Array.of(1, 2, 3),
            checksumValid: true,
        })
        const unreachable = ipv4("10.0.0.2", "10.0.0.1", 1, [3, 3, 0xfc, 0xfc, 0, 0, 0, 0])
        expect(dissect(unreachable)).toMatchObject({ type: 3, code: 3, echo: undefined, checksumValid: true })
    })

    it("a fragment is not read further", () => {
        const first = ipv4("10.0.0.2", "10.0.0.1", 17, [1, 2, 3], { fragment: 0x2000, identification: 77 })
        const last = ipv4("10.0.0.2", "10.0.0.1", 17, [4, 5], { fragment: 3 })
        expect(dissect(first)).toMatchObject({
            kind: "fragment",
            offset: 0,
            moreFragments: true,
            identification: 77,
        })
        expect(dissect(last)).toMatchObject({ kind: "fragment", offset: 24, moreFragments: false })
    })

    it("an unknown protocol or EtherType is named by its number", () => {
        expect(dissect(ipv4("10.0.0.2", "10.0.0.1", 89, [1]))).toMatchObject({ kind: "ip", protocol: 89 })
        expect(dissect(ethernet("10.0.0.2", "10.0.0.1", 0x86dd, [1]))).toMatchObject({
            kind: "ethernet",
            etherType: 0x86dd,
        })
    })
})

describe("a malformed frame", () => {
    const set = (frame: Uint8Array, at: number, ...bytes: number[]) => {
        const changed = frame.slice()
        changed.set(bytes, at)
        return changed
    }
    const syn = tcp({ flags: "S", options: mss(1460) })
    const datagram = udp("10.0.0.2", "10.0.0.1", [1, 2], [])
    it.each([
        ["shorter than an Ethernet header", syn.subarray(0, 13)],
        ["ARP is cut short", arp(1, "10.0.0.2", "10.0.0.1").subarray(0, 41)],
        ["ARP for addresses other than Ethernet and IPv4", set(arp(1, "10.0.0.2", "10.0.0.1"), 15, 6)],
        ["ARP for addresses other than Ethernet and IPv4", set(arp(1, "10.0.0.2", "10.0.0.1"), 19, 16)],
        ["the IPv4 header is cut short", syn.subarray(0, 33)],
        ["IP version 6 in an IPv4 frame", set(syn, 14, 0x65)],
        ["an IPv4 header of 16 bytes", set(syn, 14, 0x44)],
        ["an IPv4 total length below the header length", set(syn, 16, 0, 19)],
        ["the IPv4 packet is cut short", syn.subarray(0, syn.length - 1)],
        ["the TCP header is cut short", ipv4("10.0.0.2", "10.0.0.1", 6, Array(19).fill(0))],
        ["a TCP header of 16 bytes", set(syn, 46, 0x40)],
        ["the TCP options are cut short", set(syn, 46, 0x70)],
        ["the UDP header is cut short", ipv4("10.0.0.2", "10.0.0.1", 17, Array(7).fill(0))],
        ["a UDP length of 7", set(datagram, 38, 0, 7)],
        ["a UDP length of 9", set(datagram, 38, 0, 9)],
        ["the ICMP header is cut short", ipv4("10.0.0.2", "10.0.0.1", 1, Array(7).fill(0))],
    ])("is described as such: %s", (reason, frame) => {
        expect(dissect(frame)).toEqual({ kind: "malformed", reason, frameLength: frame.length })
    })

    it("makes dissect() neither throw nor read beyond the frame", () => {
        const valid = fc.constantFrom(
            syn,
            datagram,
            echo("10.0.0.2", "10.0.0.1", 8, 1, [1]),
            arp(1, "1.2.3.4", "5.6.7.8")
        )
        const mutated = fc
            .tuple(valid, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }), fc.nat(90))
            .map(([frame, changes, length]) => {
                const copy = frame.slice()
                for (const [at, value] of changes) if (at < copy.length) copy[at] = value
                return copy.subarray(0, length)
            })
        fc.assert(
            fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), mutated), frame => {
                const surrounded = new Uint8Array(frame.length + 40).fill(0x45)
                surrounded.set(frame, 20)
                const view: View = dissect(surrounded.subarray(20, 20 + frame.length))
                expect(view).toEqual(dissect(frame.slice()))
                expect(view.frameLength).toBe(frame.length)
            }),
            { numRuns: 2000 }
        )
    })
})

describe.skipIf(withoutTshark)("dissect() and tshark", () => {
    it("read the same from random TCP segments", () => {
        const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
        const option = fc.oneof(
            fc.integer({ min: 0, max: 65_535 }).map(mss),
            fc.integer({ min: 0, max: 14 }).map(windowScale),
            fc.constant(sackPermitted),
            fc.tuple(u32, u32).map(([value, reply]) => timestamps(value, reply)),
            fc.array(fc.tuple(u32, u32), { minLength: 1, maxLength: 2 }).map(edges => sack(...edges.flat()))
        )
        const options = fc
            .array(option, { maxLength: 3 })
            .map(list => list.flat())
            .filter(list => list.length <= 40)
        const segments = fc.record({
            sourcePort: fc.integer({ min: 49_152, max: 65_535 }),
            destinationPort: fc.constant(9),
            seq: u32,
            ack: u32,
            flags: fc.subarray([..."FSRPAUEC"]).map(flags => flags.join("")),
            window: fc.integer({ min: 0, max: 65_535 }),
            options,
            payload: fc.uint8Array({ maxLength: 30 }),
            padding: fc.nat(3),
            flip: fc.option(fc.integer({ min: 34 * 8, max: 37 * 8 }), { freq: 4 }),
        })
        const frames = fc.sample(segments, { numRuns: 500, seed: 1 }).map(({ flip, ...rest }) => {
            const frame = tcp(rest)
            if (flip !== null) frame[flip >> 3]! ^= 0x80 >> (flip & 7)
            return frame
        })
        const file = path.join(os.tmpdir(), `dissect-${process.pid}.pcapng`)
        const capture = Capture.open(file, { epochMs: 0 })
        const eth = capture.interface("eth0")
        for (const frame of frames) capture.packet(eth, 0, frame)
        capture.close()
        const names = ["seq", "ack", "flags", "window_size_value", "len", "checksum.status", "srcport"]
        const more = ["mss_val", "wscale.shift", "sack_le", "sack_re", "timestamp.tsval", "timestamp.tsecr"]
        const prefixes = [...names.map(name => `tcp.${name}`), ...more.map(name => `tcp.options.${name}`)]
        const read = fields(file, ...prefixes, "ip.checksum.status")
        fs.rmSync(file)
        expect(frames.map(frame => asTshark(tcpView(frame)))).toEqual(read)
    })
})

/** What tshark prints for these fields. */
function asTshark(view: TcpView): string[] {
    const bits = Object.values(view.flags).reduce((all, set, bit) => all | (Number(set) << bit), 0)
    const pick = (get: (option: TcpView["options"][number]) => number[] | undefined) =>
        view.options.flatMap(option => get(option) ?? []).join("|")
    return [
        String(view.seq),
        String(view.ack),
        `0x${bits.toString(16).padStart(4, "0")}`,
        String(view.window),
        String(view.payload.length),
        view.checksumValid ? "1" : "0",
        String(view.sourcePort),
        pick(option => (option.kind === "mss" ? [option.value] : undefined)),
        pick(option => (option.kind === "window-scale" ? [option.shift] : undefined)),
        pick(option => (option.kind === "sack" ? option.blocks.map(block => block.start) : undefined)),
        pick(option => (option.kind === "sack" ? option.blocks.map(block => block.end) : undefined)),
        pick(option => (option.kind === "timestamps" ? [option.value] : undefined)),
        pick(option => (option.kind === "timestamps" ? [option.echo] : undefined)),
        view.headerChecksumValid ? "1" : "0",
    ]
}
