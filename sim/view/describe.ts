// Describes packets in the words of a ladder diagram.
import { dhcpLine, parseDhcp } from "./dhcp"
import type { TcpView, View } from "./dissect"
import { dnsLine, parseDns } from "./dns"
import { flagNames } from "./flags"
import type { TcpOption } from "./tcp-options"

/** Describes an option in one or more short texts, such as `mss 1460`. */
export function optionWords(option: TcpOption): string[] {
    switch (option.kind) {
        case "mss":
            return [`mss ${option.value}`]
        case "window-scale":
            return [`ws ${option.shift}`]
        case "sack-permitted":
            return ["sackOK"]
        case "sack":
            return option.blocks.map(block => `sack ${block.start}-${block.end}`)
        case "timestamps":
            return ["ts"]
        case "other":
            return [`option ${option.code}`]
        case "malformed":
            return [`bad option ${option.code}`]
    }
}

/**
 * Returns the data in quotes if it is text, cut to `room` columns; returns an empty string if it is not text, or if `room` is too
 * small for more than a few characters. `payload` may be the beginning of `length` bytes.
 */
export function preview(
    payload: Uint8Array,
    room: number,
    ellipsis: string,
    length = payload.length
): string {
    const pieces: string[] = []
    for (const byte of payload.subarray(0, Math.max(0, room))) {
        const piece = byte === 10 ? "\\n" : byte === 13 ? "\\r" : String.fromCharCode(byte)
        if (!/^[\x20-\x7e]+$/.test(piece)) return ""
        pieces.push(piece)
    }
    const whole = pieces.join("")
    if (pieces.length === length && whole.length + 2 <= room) return whole === "" ? "" : `"${whole}"`
    if (room < 8) return ""
    let beginning = ""
    for (const piece of pieces) {
        if (beginning.length + piece.length + 3 > room) break
        beginning += piece
    }
    return `"${beginning}${ellipsis}"`
}

/** Returns the texts above and below the arrow of a segment in a picture, the data at most 40 letters long. */
export function arrowTexts(view: TcpView): { above: string[]; below: string[] } {
    const above = [flagNames(view.flags), `seq ${view.seq}`]
    if (view.flags.ack) above.push(`ack ${view.ack}`)
    const below = [`len ${view.length}`, `win ${view.window}`]
    // after the handshake every segment has timestamps: only those of a SYN are shown
    const shown = view.options.filter(({ kind }) => kind !== "timestamps" || view.flags.syn)
    below.push(...shown.flatMap(optionWords))
    const data = preview(view.payload, 40, "…", view.length)
    if (data !== "") below.push(data)
    return { above, below }
}

/** Describes a frame that is not TCP in one line. */
export function oneLine(view: Exclude<View, TcpView>): string {
    switch (view.kind) {
        case "malformed":
            return `malformed: ${view.reason}`
        case "arp":
            return arpLine(view)
        case "udp":
            return udpLine(view)
        case "icmp":
            return icmpLine(view)
        case "fragment":
            return `IP fragment ${view.identification} at ${view.offset} len ${view.payload.length}`
        case "ip":
            return `IP protocol ${view.protocol} len ${view.payload.length}`
        case "ethernet":
            return `EtherType 0x${view.etherType.toString(16).padStart(4, "0")} len ${view.frameLength}`
    }
}

function arpLine(view: Extract<View, { kind: "arp" }>): string {
    if (view.operation === 2) return `ARP ${view.senderIp} at ${view.senderMac}`
    if (view.operation !== 1) return `ARP operation ${view.operation}`
    if (view.senderIp === view.targetIp) return `ARP announces ${view.senderIp}`
    return `ARP who has ${view.targetIp}?`
}

function udpLine(view: Extract<View, { kind: "udp" }>): string {
    const dhcp = parseDhcp(view)
    if (dhcp !== undefined) return dhcpLine(dhcp)
    const dns = parseDns(view)
    if (dns !== undefined) return dnsLine(dns)
    return `UDP ${view.sourcePort} to ${view.destinationPort} len ${view.payload.length}`
}

/** The reasons of an ICMP "unreachable" by its code. */
export const unreachable: Record<number, string> = {
    0: "network",
    1: "host",
    2: "protocol",
    3: "port",
    4: "fragmentation needed",
    13: "prohibited",
}

function icmpLine(view: Extract<View, { kind: "icmp" }>): string {
    if (view.echo !== undefined)
        return `ICMP echo ${view.type === 8 ? "request" : "reply"} ${view.echo.sequence}`
    if (view.type === 3) return `ICMP unreachable: ${unreachable[view.code] ?? `code ${view.code}`}`
    if (view.type === 11) return "ICMP time exceeded"
    return `ICMP type ${view.type} code ${view.code}`
}
