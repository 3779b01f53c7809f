// The grammar of packets: `< P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 200 ecr 100>` and ICMP messages.

import type { Cursor } from "./cursor"
import {
    FLAGS,
    type IcmpLine,
    type IpInfo,
    type Opt,
    type Ports,
    type SackBlock,
    type TcpLine,
} from "./script"
import { icmpCode, icmpType } from "./symbols"
import { optionBytes } from "./wire"

const MAX32 = 0xffff_ffff

/** ECN bits of the IP header by their names. */
const ECN: Readonly<Record<string, number | "ect01">> = { noecn: 0, ect1: 1, ect0: 2, ce: 3, ect01: "ect01" }

/** Encapsulations and protocols of the original that this stack has nothing to do with. */
const FOREIGN = ["ipv4", "ipv6", "udp", "gre", "GREv0", "mpls", "encap"]

/** Reads a packet from its `<` or `>` on. */
export function parsePacket(cursor: Cursor): TcpLine | IcmpLine {
    const direction = cursor.next().text === "<" ? "in" : "out"
    foreign(cursor)
    const ip = parseIpInfo(cursor)
    if (ip.ecn === "ect01" && direction === "in") cursor.fail("[ect01] is for packets that the stack sends")
    foreign(cursor)
    if (cursor.takes("icmp")) return parseIcmp(cursor, direction, ip)
    const ports = parsePorts(cursor)
    const flags = parseFlags(cursor)
    const { seq, length } = parseSequence(cursor)
    const ack = cursor.takes("ack") ? cursor.number("an acknowledgment number", 0, MAX32) : 0
    const window = cursor.takes("win") ? cursor.number("a window", 0, 0xffff) : undefined
    if (window === undefined && direction === "in")
        cursor.fail("a packet that is injected needs a window: win")
    const urgent = cursor.takes("urg") ? cursor.number("an urgent pointer", 0, 0xffff) : 0
    const options = parseOptions(cursor)
    if (options === undefined && direction === "in") cursor.fail("<...> is for packets that the stack sends")
    return {
        kind: "tcp",
        direction,
        ip,
        ports,
        segment: { flags, seq, length, ack, window, urgent, options },
    }
}

function foreign(cursor: Cursor): void {
    const { kind, text } = cursor.peek()
    if (kind === "word" && FOREIGN.includes(text))
        cursor.fail(`${text} is not supported here: TCP and ICMP over IPv4`)
}

/** `[ect0]`, `(tos 0x10)`, `[ttl 64]`. */
function parseIpInfo(cursor: Cursor): IpInfo {
    const close = cursor.sign("[") ? "]" : cursor.sign("(") ? ")" : undefined
    if (close === undefined) return {}
    cursor.next()
    const word = cursor.need("word", "ECN, tos or ttl").text
    let info: IpInfo
    if (word === "tos") info = { tos: cursor.number("a type of service", 0, 255) }
    else if (word === "ttl") info = { ttl: cursor.number("a time to live", 0, 255) }
    else {
        const ecn = ECN[word]
        if (ecn === undefined) cursor.fail(`${word} is not supported here`)
        info = { ecn }
    }
    cursor.needs(close)
    return info
}

function parsePorts(cursor: Cursor): Ports | undefined {
    if (!cursor.is("integer")) return undefined
    const source = cursor.number("a port", 0, 0xffff)
    cursor.needs(">")
    return { source, destination: cursor.number("a port", 0, 0xffff) }
}

/** Letters with a dot anywhere among them, or `-` for none. */
function parseFlags(cursor: Cursor): string {
    if (cursor.takes("-")) return ""
    let text = ""
    while (cursor.is("word") || cursor.sign(".")) {
        // what stands apart belongs to the next part of the line
        if (text !== "" && !cursor.peek().joined) break
        text += cursor.next().text
    }
    if (text === "") cursor.fail(`flags are missing before ${cursor.shown()}`)
    if (cursor.is("float") && cursor.peek().joined)
        cursor.fail("ACE numbers among the flags are not supported here")
    for (const flag of text)
        if (!FLAGS.includes(flag)) cursor.fail(`no such TCP flag: ${flag}`, cursor.last.line)
    return [...FLAGS].filter(flag => text.includes(flag)).join("")
}

/** `1:1001(1000)`. */
function parseSequence(cursor: Cursor): { seq: number; length: number } {
    const seq = cursor.number("a sequence number", 0, MAX32)
    cursor.needs(":")
    const end = cursor.number("a sequence number", 0, MAX32)
    cursor.needs("(")
    const length = cursor.number("a length", 0, 0xffff)
    cursor.needs(")")
    // numbers wrap
    if ((seq + length) % (MAX32 + 1) !== end) {
        cursor.fail(`${seq}:${end}(${length}): numbers and length do not fit`, cursor.last.line)
    }
    return { seq, length }
}

/** `<mss 1460,nop>`; none is an empty list, `<...>` is undefined. */
function parseOptions(cursor: Cursor): Opt[] | undefined {
    // behind a packet the next event begins with its time, never with a sign like this
    if (!cursor.takes("<")) return []
    if (cursor.is("ellipsis")) {
        cursor.next()
        cursor.needs(">")
        return undefined
    }
    const options: Opt[] = []
    do options.push(parseOption(cursor))
    while (cursor.takes(","))
    cursor.needs(">")
    const bytes = options.flatMap(optionBytes)
    if (bytes.length % 4 !== 0) {
        cursor.fail(
            `options have to fill words of 4 bytes, these are ${bytes.length}: add nop`,
            cursor.last.line
        )
    }
    if (bytes.length > 40) cursor.fail(`${bytes.length} bytes of options: 40 fit`, cursor.last.line)
    return options
}

function parseOption(cursor: Cursor): Opt {
    const name = cursor.need("word", "an option").text
    switch (name) {
        case "nop":
        case "eol":
        case "sackOK":
            return { kind: name }
        case "mss":
            return { kind: name, value: cursor.number("mss", 0, 0xffff) }
        case "wscale":
            return { kind: name, value: cursor.number("wscale", 0, 255) }
        case "sack":
            return { kind: name, blocks: parseBlocks(cursor) }
        case "TS": {
            cursor.needs("val")
            const val = cursor.number("val", 0, MAX32)
            cursor.needs("ecr")
            return { kind: name, val, ecr: cursor.number("ecr", 0, MAX32) }
        }
        case "md5":
            return withLength(19, parseBlob(cursor))
        case "FO":
            return withLength(34, parseBlob(cursor))
        case "FOEXP":
            return withLength(254, [0xf9, 0x89, ...parseBlob(cursor)])
        case "bytes":
            return { kind: "bytes", bytes: parseBlob(cursor) }
        default:
            return cursor.fail(`no such option: ${name}`, cursor.last.line)
    }
}

function withLength(kind: number, bytes: readonly number[]): Opt {
    return { kind: "bytes", bytes: [kind, bytes.length + 2, ...bytes] }
}

function parseBlocks(cursor: Cursor): SackBlock[] {
    const blocks: SackBlock[] = []
    do {
        const left = cursor.number("a left edge", 0, MAX32)
        cursor.needs(":")
        blocks.push({ left, right: cursor.number("a right edge", 0, MAX32) })
    } while (cursor.is("integer"))
    return blocks
}

/** Hexadecimal digits, an even number of them; none at all where nothing of the kind follows. */
function parseBlob(cursor: Cursor): number[] {
    if (!cursor.is("word") && !cursor.is("integer")) return []
    const { text, line } = cursor.next()
    if (!/^([0-9a-fA-F]{2})+$/.test(text)) cursor.fail(`not bytes in hexadecimal digits: ${text}`, line)
    return text.match(/../g)!.map(byte => Number.parseInt(byte, 16))
}

/** What follows `icmp`: type, code, mtu, and the numbers of the TCP segment that is quoted. */
function parseIcmp(cursor: Cursor, direction: "in" | "out", ip: IpInfo): IcmpLine {
    const name = cursor.need("word", "a type of ICMP").text
    const type = icmpType(name)
    if (type === undefined) cursor.fail(`no such type of ICMP: ${name}`, cursor.last.line)
    let code: number | undefined = 0
    if (cursor.is("word") && !["mtu", "id"].includes(cursor.peek().text)) {
        const word = cursor.next().text
        code = icmpCode(type, word)
        if (code === undefined) cursor.fail(`no such code of ICMP ${name}: ${word}`, cursor.last.line)
    }
    let mtu: number | undefined
    if (cursor.takes("mtu")) {
        if (type !== 3 || code !== 4) cursor.fail("mtu goes with unreachable frag_needed", cursor.last.line)
        mtu = cursor.number("an MTU", 0, 0xffff)
    }
    if (cursor.is("word", "id")) cursor.fail("echo is not supported here")
    let quoted = { seq: 0, length: 0 }
    if (cursor.takes("[")) {
        if (cursor.is("word")) cursor.fail("an ICMP message quotes a TCP segment here: [1:1461(1460)]")
        quoted = parseSequence(cursor)
        cursor.needs("]")
    }
    return { kind: "icmp", direction, ip, type, code, mtu, quoted }
}
