// Frames captured from another stack: Linux 6, on a TAP interface, 10.0.0.2 talking to a peer at 10.0.0.1.

import { Buffer } from "@devicescript/core"
import { describe, expect, test } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { readI32, readU16 } from "../../src/base/bytes"
import { onesSum } from "../../src/wire/checksum"
import { Eth, EtherType } from "../../src/wire/ethernet"
import { Icmp, IcmpType, Unreachable } from "../../src/wire/icmp"
import {
    Ip,
    IpCheck,
    ipv4Check,
    ipv4HeaderLength,
    ipv4TotalLength,
    Protocol,
    pseudoSum,
} from "../../src/wire/ipv4"
import { Flag, ParsedOptions, parseOptions, Tcp } from "../../src/wire/tcp"
import { udpDataLength } from "../../src/wire/udp"
import { hex } from "../support/frames"
import { ip } from "../support/host"

const ETHERNET = "020000000a01 020000000a02 0800"

const frame = (text: string) => Buffer.from([...hex(ETHERNET + text)])

// ---------------------------------------------------------------- TCP
interface Segment {
    ports: [number, number]
    seq: number
    ack: number
    flags: number
    window: number
    header: number
    data: string
    mss?: number
}

const segments: [string, string, Segment][] = [
    [
        "SYN with MSS, SACK permitted, timestamps, window scale 10",
        "4500003c66c740004006bff20a0000020a0000019c400050624df8d100000000a002faf085f30000020405b40402080a369684d0000000000103030a",
        {
            ports: [40000, 80],
            seq: 0x624df8d1,
            ack: 0,
            flags: Flag.Syn,
            window: 64240,
            header: 40,
            data: "",
            mss: 1460,
        },
    ],
    [
        "ACK of a SYN,ACK",
        "4500002866c840004006c0050a0000020a0000019c400050624df8d2000003e95010faf0a5470000",
        {
            ports: [40000, 80],
            seq: 0x624df8d2,
            ack: 1001,
            flags: Flag.Ack,
            window: 64240,
            header: 20,
            data: "",
        },
    ],
    [
        "five bytes: an odd length",
        "4500002d66c940004006bfff0a0000020a0000019c400050624df8d2000003e95018faf06168000068656c6c6f",
        {
            ports: [40000, 80],
            seq: 0x624df8d2,
            ack: 1001,
            flags: Flag.Psh | Flag.Ack,
            window: 64240,
            header: 20,
            data: "hello",
        },
    ],
    [
        "RST of a closed socket with unread data",
        "4500002866cc40004006c0010a0000020a0000019c400050624df8d7000003ec5014faeda53e0000",
        {
            ports: [40000, 80],
            seq: 0x624df8d7,
            ack: 1004,
            flags: Flag.Rst | Flag.Ack,
            window: 64237,
            header: 20,
            data: "",
        },
    ],
    [
        "SYN,ACK",
        "4500003c00004000400626ba0a0000020a000001000713889c685c3300001b59a012fe88e7a30000020405b40402080a8a558be4000010000103030a",
        {
            ports: [7, 5000],
            seq: 0x9c685c33,
            ack: 7001,
            flags: Flag.Syn | Flag.Ack,
            window: 65160,
            header: 40,
            data: "",
            mss: 1460,
        },
    ],
    [
        "an ACK with two SACK blocks",
        "45000048e4064000400642a70a0000020a000001000713889c685c3400001b59d01000404ec300000101080a8a558be4000010010101051200001c2100001c2b00001bbd00001bc7",
        { ports: [7, 5000], seq: 0x9c685c34, ack: 7001, flags: Flag.Ack, window: 64, header: 52, data: "" },
    ],
    [
        "three bytes behind 32 bytes of options",
        "4500004be4074000400642a30a0000020a000001000713889c685c3400001b59d01800404cb700000101080a8a558be4000010010101051200001c2100001c2b00001bbd00001bc7000102",
        {
            ports: [7, 5000],
            seq: 0x9c685c34,
            ack: 7001,
            flags: Flag.Psh | Flag.Ack,
            window: 64,
            header: 52,
            data: "\u0000\u0001\u0002",
        },
    ],
    [
        "a FIN",
        "45000048e4084000400642a50a0000020a000001000713889c685c3700001b59d01100404ebf00000101080a8a558be4000010010101051200001c2100001c2b00001bbd00001bc7",
        {
            ports: [7, 5000],
            seq: 0x9c685c37,
            ack: 7001,
            flags: Flag.Fin | Flag.Ack,
            window: 64,
            header: 52,
            data: "",
        },
    ],
    [
        "RST,ACK for a SYN to a closed port",
        "4500002800004000400626ce0a0000020a00000100091389000000000000000250140000883a0000",
        { ports: [9, 5001], seq: 0, ack: 2, flags: Flag.Rst | Flag.Ack, window: 0, header: 20, data: "" },
    ],
]

describe("captured TCP segments", () => {
    test.each(segments)("%s: each field, option and checksum is read as it was sent", (_, text, expected) => {
        const b = frame(text)
        expect(b.getAt(Eth.Type, "u16")).toBe(EtherType.IPv4)
        expect(ipv4Check(b, 14, b.length - 14)).toBe(IpCheck.Ok)
        expect(ipv4HeaderLength(b, 14)).toBe(20)
        expect(ipv4TotalLength(b, 14)).toBe(b.length - 14)
        expect(b.getAt(14 + Ip.Protocol, "u8")).toBe(Protocol.Tcp)
        expect(b.getAt(14 + Ip.Source, "i32")).toBe(ip("10.0.0.2"))
        const length = b.length - 34
        expect(onesSum(b, 34, length, pseudoSum(ip("10.0.0.2"), ip("10.0.0.1"), Protocol.Tcp, length))).toBe(
            0xffff
        )
        const header = (b.getAt(34 + Tcp.DataOffset, "u8") >> 4) * 4
        const options = Buffer.alloc(ParsedOptions.Size)
        parseOptions(b, 34 + Tcp.Size, 34 + header, options)
        const mss = options.getAt(ParsedOptions.MaximumSegmentSize, "u16")
        const found: Segment = {
            ports: [readU16(b, 34), readU16(b, 36)],
            seq: readI32(b, 34 + Tcp.Sequence) >>> 0,
            ack: readI32(b, 34 + Tcp.Acknowledgment) >>> 0,
            flags: b.getAt(34 + Tcp.Flags, "u8"),
            window: readU16(b, 34 + Tcp.Window),
            header,
            data: String.fromCharCode(...b.subarray(34 + header)),
        }
        expect(mss > 0 ? { ...found, mss } : found).toEqual(expected)
        // the host's own dissector agrees
        expect(dissect(b)).toMatchObject({
            kind: "tcp",
            checksumValid: true,
            seq: found.seq,
            window: found.window,
        })
    })
})

// ---------------------------------------------------------------- IPv4 options, fragments
test("a datagram with a record route option has its UDP header after 28 bytes", () => {
    const b = frame("47000027a443400040116f6f0a0000020a0000010707080a00000200cf080035000b5835616263")
    expect(ipv4Check(b, 14, b.length - 14)).toBe(IpCheck.Ok)
    expect(ipv4HeaderLength(b, 14)).toBe(28)
    expect(udpDataLength(b, 42, b.length - 42)).toBe(3)
    expect(onesSum(b, 42, 11, pseudoSum(ip("10.0.0.2"), ip("10.0.0.1"), Protocol.Udp, 11))).toBe(0xffff)
})

test.each([
    ["the first fragment of a datagram of 1608 bytes", "450005dca444200040119cca0a0000020a000001", 1480],
    ["the last one, at 1480", "45000094a44400b94011c1590a0000020a000001", 128],
])("ipv4Check() of %s returns Fragment", (_, header, length) => {
    const b = Buffer.from([...hex(ETHERNET + header), ...new Uint8Array(length)])
    expect(ipv4Check(b, 14, b.length - 14)).toBe(IpCheck.Fragment)
})

// ---------------------------------------------------------------- ICMP
test("the ICMP checksum of an echo reply with 7 bytes is right", () => {
    const b = frame("450000236be600004001faf10a0000020a00000100005c9d1234000161626364656667")
    expect(ipv4Check(b, 14, b.length - 14)).toBe(IpCheck.Ok)
    expect(b.getAt(34 + Icmp.Type, "u8")).toBe(IcmpType.EchoReply)
    expect(onesSum(b, 34, 15, 0)).toBe(0xffff)
    expect(readU16(b, 34 + Icmp.Rest)).toBe(0x1234)
})

test.each([
    [
        "port",
        "45c0003d6be700004001fa160a0000020a00000103037e86000000004500002100010000401166c90a0000010a0000021388270f000d000068656c6c6f",
        Unreachable.Port,
        Protocol.Udp,
    ],
    [
        "protocol",
        "45c0003c6be800004001fa160a0000020a00000103022a2b000000004500002000010000406366780a0000010a000002787878787878787878787878",
        Unreachable.Protocol,
        99,
    ],
])('an ICMP error "%s unreachable" and the packet it quotes are read', (_, text, code, protocol) => {
    const b = frame(text)
    expect(ipv4Check(b, 14, b.length - 14)).toBe(IpCheck.Ok)
    expect(onesSum(b, 34, b.length - 34, 0)).toBe(0xffff)
    expect(b.getAt(34 + Icmp.Type, "u8")).toBe(IcmpType.Unreachable)
    expect(b.getAt(34 + Icmp.Code, "u8")).toBe(code)
    expect(ipv4Check(b, 42, b.length - 42)).toBe(IpCheck.Ok)
    expect(b.getAt(42 + Ip.Protocol, "u8")).toBe(protocol)
})
