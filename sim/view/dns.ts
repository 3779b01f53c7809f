// Reads DNS messages (RFC 1035) for display.

import type { UdpView } from "./dissect"

export const DNS = 53
const HEADER = 12
const TYPE_A = 1
const NO_NAME = 3
const rcodes = ["no error", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"]

export interface DnsMessage {
    readonly id: number
    readonly isAnswer: boolean
    readonly rcode: number
    /** True when the answer was too long for its datagram (flag TC). */
    readonly isTruncated: boolean
    /** True when the message ends before the records that its header counts. */
    readonly isCut: boolean
    /** The name in the question, in lower case. */
    readonly name: string
    /** The IPv4 addresses in the answer. */
    readonly addresses: readonly string[]
}

/** Describes a DNS message in one line. */
export function dnsLine({ isAnswer, rcode, isTruncated, name, addresses }: DnsMessage): string {
    if (!isAnswer) return `DNS where is ${name}?`
    if (isTruncated) return `DNS ${name}: truncated`
    if (rcode === NO_NAME) return `DNS ${name} does not exist`
    if (rcode !== 0) return `DNS ${name}: ${rcodes[rcode] ?? `code ${rcode}`}`
    return addresses.length === 0 ? `DNS ${name} has no address` : `DNS ${name} at ${addresses.join(", ")}`
}

/** Returns the DNS message in a datagram; undefined if it is none. */
export function parseDns({ payload: bytes, sourcePort, destinationPort }: UdpView): DnsMessage | undefined {
    if (sourcePort !== DNS && destinationPort !== DNS) return undefined
    if (bytes.length < HEADER) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const flags = view.getUint16(2)
    if (view.getUint16(4) !== 1) return undefined
    const question = nameAt(bytes, HEADER)
    if (question === undefined) return undefined
    const addresses: string[] = []
    let at = question.end + 4
    let left = view.getUint16(6)
    for (; left > 0; left--) {
        const owner = nameAt(bytes, at)
        if (owner === undefined || owner.end + 10 > bytes.length) break
        const length = view.getUint16(owner.end + 8)
        const data = owner.end + 10
        if (data + length > bytes.length) break
        if (view.getUint16(owner.end) === TYPE_A && length === 4)
            addresses.push(bytes.subarray(data, data + 4).join("."))
        at = data + length
    }
    return {
        id: view.getUint16(0),
        isAnswer: (flags & 0x8000) !== 0,
        rcode: flags & 15,
        isTruncated: (flags & 0x0200) !== 0,
        isCut: left > 0,
        name: question.text,
        addresses,
    }
}

/** Reads a name and returns where it ends; the text of one that is compressed ends at its pointer. */
export function nameAt(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
    const labels: string[] = []
    for (let at = start; at < bytes.length; ) {
        const length = bytes[at]!
        if (length === 0) return { text: labels.join("."), end: at + 1 }
        if (length >= 0xc0) return { text: labels.join("."), end: at + 2 }
        if (length > 63 || at + 1 + length > bytes.length) return undefined
        labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)).toLowerCase())
        at += 1 + length
    }
    return undefined
}
