// Frames of the runner: made and read back, and what is said about those that no stack may send.

import { describe, expect, test } from "vitest"
import { dissect } from "../../sim/view/dissect"
import { arp, broadcastMac, ethernet } from "../support/frames"
import type { Segment } from "../support/packetdrill/script"
import { answerArp, icmpFrame, introduction, packetOf, tcpFrame } from "../support/packetdrill/wire"

const ENDS = {
    sourceIp: "10.0.0.2",
    destinationIp: "10.0.0.1",
    sourceMac: "02:00:00:00:00:02",
    destinationMac: "02:00:00:00:00:01",
}
const SEGMENT: Segment = {
    flags: "SP.UEA",
    seq: 0xfffffff0,
    length: 5,
    ack: 7,
    window: 65535,
    urgent: 3,
    options: [
        { kind: "mss", value: 1460 },
        { kind: "sackOK" },
        { kind: "TS", val: 0xffff_ffff, ecr: 1 },
        { kind: "nop" },
        { kind: "wscale", value: 14 },
        { kind: "sack", blocks: [{ left: 1, right: 0x8000_0000 }] },
        { kind: "eol" },
        { kind: "nop" },
    ],
}

function frame(segment: Partial<Segment> = {}): Uint8Array {
    const payload = Uint8Array.from([1, 2, 3, 4, 5])
    const whole = { ...SEGMENT, ...segment }
    return tcpFrame(ENDS, { tos: 2, ttl: 9, sourcePort: 80, destinationPort: 50000, segment: whole, payload })
}

test("packetOf() reads a segment as tcpFrame() made it", () => {
    const made = frame()
    expect(packetOf(made, ENDS)).toEqual({
        kind: "tcp",
        tos: 2,
        ttl: 9,
        sourcePort: 80,
        destinationPort: 50000,
        segment: SEGMENT,
        payload: Uint8Array.from([1, 2, 3, 4, 5]),
    })
    expect(dissect(made)).toMatchObject({ headerChecksumValid: true, checksumValid: true })
})

test.each([
    [[]],
    [[{ kind: "nop" }, { kind: "nop" }, { kind: "TS", val: 1, ecr: 2 }]],
    [[{ kind: "mss", value: 9 }, { kind: "wscale", value: 3 }, { kind: "eol" }]],
    [[{ kind: "sackOK" }, { kind: "nop" }, { kind: "nop" }]],
    [[{ kind: "bytes", bytes: [77, 4, 1, 2] }]],
    // a length that cannot be: all that is left
    [[{ kind: "bytes", bytes: [2, 255, 1, 1] }]],
    [[{ kind: "bytes", bytes: [2, 0, 1, 1] }]],
    // a length that no MSS has
    [[{ kind: "bytes", bytes: [2, 3, 1] }, { kind: "nop" }]],
] as [Segment["options"]][])("packetOf() reads options %j as they were made", options => {
    const read = packetOf(frame({ options }), ENDS)
    expect(read.kind === "tcp" && read.segment.options).toEqual(options)
})

describe("packetOf() refuses frames that no stack may send", () => {
    const broken = (change: (bytes: Uint8Array) => void) => {
        const bytes = frame()
        change(bytes)
        return () => packetOf(bytes, ENDS)
    }

    test("a frame with a wrong checksum is refused", () => {
        expect(broken(bytes => bytes.set([bytes[50]! ^ 1], 50))).toThrow("a wrong tcp checksum")
        expect(broken(bytes => bytes.set([bytes[24]! ^ 1], 24))).toThrow("a wrong IPv4 header checksum")
    })

    test("a malformed frame is refused", () => {
        expect(broken(bytes => bytes.set([0x65], 14))).toThrow("a malformed frame: IP version 6")
    })

    test("an acknowledgment number without ACK is refused", () => {
        expect(() => packetOf(frame({ flags: "S" }), ENDS)).toThrow("an acknowledgment number without ACK")
    })
})

test('packetOf() returns a frame to another address as "other"', () => {
    expect(packetOf(frame(), { ...ENDS, destinationIp: "10.0.0.9" })).toEqual({
        kind: "other",
        what: "tcp from 10.0.0.2 to 10.0.0.1",
    })
})

test("an ICMP error quotes a segment of the other direction", () => {
    const quoted = { sourcePort: 80, destinationPort: 50000, seq: 0x01020304, length: 100 }
    const made = icmpFrame(ENDS, { tos: 0, ttl: 64, type: 3, code: 4, mtu: 1200 }, quoted)
    const view = dissect(made)
    expect(view).toMatchObject({
        kind: "icmp",
        type: 3,
        code: 4,
        checksumValid: true,
        headerChecksumValid: true,
    })
    expect([...made.subarray(38, 42)]).toEqual([0, 0, 1200 >> 8, 1200 & 255])
    // the quoted header: from 10.0.0.1 to 10.0.0.2, 20 + 20 + 100 bytes; then ports and number
    expect([...made.subarray(42 + 2, 42 + 4)]).toEqual([0, 140])
    expect([...made.subarray(42 + 12, 42 + 28)]).toEqual([
        ...[10, 0, 0, 1, 10, 0, 0, 2],
        ...[0, 80, 50000 >> 8, 50000 & 255],
        ...[1, 2, 3, 4],
    ])
    expect(packetOf(made, ENDS)).toEqual({ kind: "icmp", tos: 0, ttl: 64, type: 3, code: 4 })
})

test("answerArp() replies to a request for the next hop only", () => {
    const network = {
        localIp: "10.0.0.2",
        remoteIp: "192.0.2.1",
        hop: "10.0.0.1",
        prefix: 24,
        localMac: "02:00:00:00:00:02",
        remoteMac: "02:00:00:00:00:01",
    }
    const ask = (targetIp: string) =>
        ethernet(
            broadcastMac,
            network.localMac,
            0x0806,
            arp({ operation: 1, senderMac: network.localMac, senderIp: network.localIp, targetIp })
        )
    const { hop, remoteMac, localMac, localIp } = network
    expect(dissect(answerArp(ask("10.0.0.1"), network)!)).toMatchObject({
        ...{
            kind: "arp",
            operation: 2,
            senderIp: hop,
            senderMac: remoteMac,
            targetMac: localMac,
            targetIp: localIp,
        },
        destinationMac: localMac,
    })
    expect(answerArp(ask("10.0.0.9"), network)).toBeUndefined()
    expect(answerArp(frame(), network)).toBeUndefined()
    expect(dissect(introduction(network))).toMatchObject({ operation: 1, senderIp: hop, targetIp: localIp })
})
