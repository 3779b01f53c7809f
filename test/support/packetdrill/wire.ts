// Frames of the script's packets, and packets of the stack's frames. Nothing of the stack is used to make or read them.

import { dissect } from "../../../sim/view/dissect"
import { address, arp, broadcastMac, ethernet, internetChecksum, u16, u32 } from "../frames"
import type { Network } from "./backend"
import { FLAGS, type Opt, type Segment } from "./script"

/** Who talks to whom, in dotted form and with colons. */
export interface Ends {
    readonly sourceIp: string
    readonly destinationIp: string
    readonly sourceMac: string
    readonly destinationMac: string
}

export interface Header {
    readonly tos: number
    readonly ttl: number
}

/** A TCP segment with everything that a script may ask of it. Numbers as on the wire. */
export interface TcpPacket extends Header {
    readonly kind: "tcp"
    readonly sourcePort: number
    readonly destinationPort: number
    readonly segment: Segment
    readonly payload: Uint8Array
}

export interface IcmpPacket extends Header {
    readonly kind: "icmp"
    readonly type: number
    readonly code: number
}

/** What a script has no words for. */
export interface OtherPacket {
    readonly kind: "other"
    readonly what: string
}

export type Packet = TcpPacket | IcmpPacket | OtherPacket

const IPV4 = 0x0800
const ARP = 0x0806

/** The frame for a TCP segment, checksums and all. */
export function tcpFrame(ends: Ends, packet: Omit<TcpPacket, "kind">): Uint8Array {
    const { segment } = packet
    const options = (segment.options ?? []).flatMap(optionBytes)
    const bits = flagBits(segment.flags)
    const words = 5 + options.length / 4
    const bytes = [
        ...u16(packet.sourcePort),
        ...u16(packet.destinationPort),
        ...u32(segment.seq),
        ...u32(segment.ack),
        ...[(words << 4) | (bits >> 8), bits & 0xff],
        ...u16(segment.window ?? 0),
        ...[0, 0],
        ...u16(segment.urgent),
        ...options,
        ...packet.payload,
    ]
    const pseudo = [...address(ends.sourceIp), ...address(ends.destinationIp), 0, 6, ...u16(bytes.length)]
    bytes.splice(16, 2, ...u16(internetChecksum([...pseudo, ...bytes])))
    return ipv4Frame(ends, packet, 6, bytes)
}

/** The frame for an ICMP error: it quotes the IP header and 8 bytes of a segment that went the other way. */
export function icmpFrame(
    ends: Ends,
    message: Omit<IcmpPacket, "kind"> & { readonly mtu: number | undefined },
    quoted: { sourcePort: number; destinationPort: number; seq: number; length: number }
): Uint8Array {
    const reverse = { ...ends, sourceIp: ends.destinationIp, destinationIp: ends.sourceIp }
    const ports = [...u16(quoted.sourcePort), ...u16(quoted.destinationPort)]
    const header = ipv4Header(reverse, { tos: 0, ttl: 64 }, 6, 20 + quoted.length)
    const bytes = [message.type, message.code, 0, 0, 0, 0, ...u16(message.mtu ?? 0), ...header]
    bytes.push(...ports, ...u32(quoted.seq))
    bytes.splice(2, 2, ...u16(internetChecksum(bytes)))
    return ipv4Frame(ends, message, 1, bytes)
}

function ipv4Frame(ends: Ends, header: Header, protocol: number, payload: number[]): Uint8Array {
    const packet = [...ipv4Header(ends, header, protocol, payload.length), ...payload]
    return ethernet(ends.destinationMac, ends.sourceMac, IPV4, packet)
}

function ipv4Header(ends: Ends, { tos, ttl }: Header, protocol: number, length: number): number[] {
    const addresses = [...address(ends.sourceIp), ...address(ends.destinationIp)]
    const header = [0x45, tos, ...u16(20 + length), 0, 0, 0, 0, ttl, protocol, 0, 0, ...addresses]
    header.splice(10, 2, ...u16(internetChecksum(header)))
    return header
}

/** Control bits by their letters: FIN is bit 0, AE bit 8. */
function flagBits(letters: string): number {
    let bits = 0
    for (const letter of letters) bits |= 1 << FLAGS.indexOf(letter)
    return bits
}

export function optionBytes(option: Opt): number[] {
    switch (option.kind) {
        case "eol":
            return [0]
        case "nop":
            return [1]
        case "mss":
            return [2, 4, ...u16(option.value)]
        case "wscale":
            return [3, 3, option.value]
        case "sackOK":
            return [4, 2]
        case "sack":
            return [
                5,
                2 + 8 * option.blocks.length,
                ...option.blocks.flatMap(b => [...u32(b.left), ...u32(b.right)]),
            ]
        case "TS":
            return [8, 10, ...u32(option.val), ...u32(option.ecr)]
        case "bytes":
            return [...option.bytes]
    }
}

/**
 * Takes a frame of the stack apart. Throws when it is malformed, has a wrong checksum or comes from or goes to others
 * than `ends` says: no script would expect that.
 */
export function packetOf(frame: Uint8Array, ends: Ends): Packet {
    const view = dissect(frame)
    if (view.kind === "malformed") throw new Error(`the stack sent a malformed frame: ${view.reason}`)
    if (view.kind === "arp" || view.kind === "ethernet") return { kind: "other", what: view.kind }
    if (!view.headerChecksumValid) throw new Error("the stack sent a wrong IPv4 header checksum")
    if ("checksumValid" in view && !view.checksumValid)
        throw new Error(`the stack sent a wrong ${view.kind} checksum`)
    const from = [view.sourceMac, view.source, view.destinationMac, view.destination].join(" ")
    const wanted = [ends.sourceMac, ends.sourceIp, ends.destinationMac, ends.destinationIp].join(" ")
    if (from !== wanted)
        return { kind: "other", what: `${view.kind} from ${view.source} to ${view.destination}` }
    const header = { tos: frame[15]!, ttl: view.ttl }
    if (view.kind === "icmp") return { kind: "icmp", ...header, type: view.type, code: view.code }
    if (view.kind !== "tcp") return { kind: "other", what: view.kind }
    const tcp = frame.subarray(14 + 4 * (frame[14]! & 15))
    const bits = tcp[13]! | ((tcp[12]! & 1) << 8)
    if ((tcp[12]! & 0x0e) !== 0) throw new Error("the stack sent reserved bits that are not 0")
    if (!view.flags.ack && view.ack !== 0)
        throw new Error("the stack sent an acknowledgment number without ACK")
    return {
        kind: "tcp",
        ...header,
        sourcePort: view.sourcePort,
        destinationPort: view.destinationPort,
        payload: Uint8Array.from(view.payload),
        segment: {
            flags: [...FLAGS].filter((_, i) => (bits & (1 << i)) !== 0).join(""),
            seq: view.seq,
            length: view.payload.length,
            ack: view.ack,
            window: view.window,
            urgent: view.urgent,
            options: optionsOf(tcp.subarray(20, (tcp[12]! >> 4) * 4)),
        },
    }
}

/** All options with no-operations and ends; what cannot be read is bytes. */
function optionsOf(bytes: Uint8Array): Opt[] {
    const options: Opt[] = []
    for (let at = 0; at < bytes.length; ) {
        const kind = bytes[at]!
        const length = kind < 2 ? 1 : (bytes[at + 1] ?? 0)
        const whole = length > 0 && at + length <= bytes.length
        const part = whole ? bytes.subarray(at, at + length) : bytes.subarray(at)
        options.push(whole ? optionOf(part) : { kind: "bytes", bytes: [...part] })
        at += part.length
    }
    return options
}

function optionOf(bytes: Uint8Array): Opt {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const shape = `${bytes[0]}/${bytes.length}`
    if (bytes[0] === 5 && bytes.length > 2 && (bytes.length - 2) % 8 === 0) {
        const blocks = Array.from({ length: (bytes.length - 2) / 8 }, (_, i) => ({
            left: view.getUint32(2 + 8 * i),
            right: view.getUint32(6 + 8 * i),
        }))
        return { kind: "sack", blocks }
    }
    switch (shape) {
        case "0/1":
            return { kind: "eol" }
        case "1/1":
            return { kind: "nop" }
        case "2/4":
            return { kind: "mss", value: view.getUint16(2) }
        case "3/3":
            return { kind: "wscale", value: bytes[2]! }
        case "4/2":
            return { kind: "sackOK" }
        case "8/10":
            return { kind: "TS", val: view.getUint32(2), ecr: view.getUint32(6) }
        default:
            return { kind: "bytes", bytes: [...bytes] }
    }
}

/**
 * ARP is none of a script's business: the reply to a frame that asks for the next hop's Ethernet address, undefined for
 * all others.
 */
export function answerArp(frame: Uint8Array, network: Network): Uint8Array | undefined {
    const { hop, localIp, localMac, remoteMac } = network
    const view = dissect(frame)
    if (view.kind !== "arp" || view.operation !== 1 || view.targetIp !== hop) return undefined
    const reply = {
        operation: 2,
        senderMac: remoteMac,
        senderIp: hop,
        targetMac: localMac,
        targetIp: localIp,
    }
    return ethernet(localMac, remoteMac, ARP, arp(reply))
}

/** The request by which the stack learns that address before a script begins. */
export function introduction({ hop, localIp, remoteMac }: Network): Uint8Array {
    const request = { operation: 1, senderMac: remoteMac, senderIp: hop, targetIp: localIp }
    return ethernet(broadcastMac, remoteMac, ARP, arp(request))
}
