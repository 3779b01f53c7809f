// Packets as a script writes them, for messages.

import type { IcmpLine, IpInfo, Opt, Segment, TcpLine } from "./script"
import { icmpText } from "./symbols"
import type { Packet } from "./wire"

/** `S. 0:0(0) ack 1 win 1024 <mss 1460>`. */
export function segmentText(s: Segment): string {
    const words = [s.flags === "" ? "-" : s.flags, `${s.seq}:${(s.seq + s.length) >>> 0}(${s.length})`]
    if (s.flags.includes(".")) words.push(`ack ${s.ack}`)
    if (s.window !== undefined) words.push(`win ${s.window}`)
    if (s.urgent > 0) words.push(`urg ${s.urgent}`)
    if (s.options === undefined) words.push("<...>")
    else if (s.options.length > 0) words.push(`<${s.options.map(optionText).join(",")}>`)
    return words.join(" ")
}

export function optionText(option: Opt): string {
    switch (option.kind) {
        case "mss":
        case "wscale":
            return `${option.kind} ${option.value}`
        case "sack":
            return `sack ${option.blocks.map(b => `${b.left}:${b.right}`).join(" ")}`
        case "TS":
            return `TS val ${option.val} ecr ${option.ecr}`
        case "bytes":
            return `bytes ${option.bytes.map(byte => byte.toString(16).padStart(2, "0")).join("")}`
        default:
            return option.kind
    }
}

/** The line of a packet, its direction included and its time not. */
export function lineText(line: TcpLine | IcmpLine): string {
    const words = [line.direction === "in" ? "<" : ">"]
    const ip = ipText(line.ip)
    if (ip !== "") words.push(ip)
    if (line.kind === "icmp") words.push(`icmp ${icmpText(line.type, line.code)}`)
    else {
        if (line.ports !== undefined) words.push(`${line.ports.source} > ${line.ports.destination}`)
        words.push(segmentText(line.segment))
    }
    return words.join(" ")
}

/** What the stack sent; `segment` is it as the script would write it, `ports` whether they are of interest. */
export function packetText(packet: Packet, segment: Segment | undefined, ports: boolean): string {
    if (packet.kind === "other") return `> ${packet.what}`
    if (packet.kind === "icmp") return `> icmp ${icmpText(packet.type, packet.code)}`
    const between = ports ? `${packet.sourcePort} > ${packet.destinationPort} ` : ""
    return `> ${between}${segmentText(segment ?? packet.segment)}`
}

const ECN = ["noecn", "ect1", "ect0", "ce"]

function ipText({ ecn, tos, ttl }: IpInfo): string {
    if (ecn !== undefined) return `[${ecn === "ect01" ? ecn : ECN[ecn]}]`
    if (tos !== undefined) return `[tos 0x${tos.toString(16)}]`
    return ttl === undefined ? "" : `[ttl ${ttl}]`
}
