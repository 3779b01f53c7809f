// Reads ICMP errors (RFC 792, RFC 4443): the segment that they quote, and what they report.

import { type IpPacket, ipPacket } from "../capture/ip-packet"
import { unreachable } from "../view/describe"

export const PROTOCOL_ICMP = 1
export const PROTOCOL_ICMPV6 = 58
/** Types of ICMP for IPv4. */
const enum Type {
    Unreachable = 3,
    Quench = 4,
    Redirect = 5,
    Exceeded = 11,
    Problem = 12,
}
/** RFC 4443 section 3. */
const reasonsV6: Record<number, string> = {
    0: "no route",
    1: "prohibited",
    2: "beyond scope of source address",
    3: "address",
    4: "port",
    5: "source address failed policy",
    6: "route rejected",
}

export interface IcmpError {
    /** The packet that the error is about, cut. */
    readonly about: IpPacket
    readonly words: string
}

/** Returns what an ICMP packet reports about another packet; undefined for an ICMP packet that is not an error. */
export function icmpError({ bytes, payload, protocol }: IpPacket): IcmpError | undefined {
    if (bytes.length < payload + 8) return undefined
    const type = bytes[payload]!
    const code = bytes[payload + 1]!
    const words = protocol === PROTOCOL_ICMP ? wordsV4(type, code) : wordsV6(type, code)
    const about = ipPacket(bytes, payload + 8, bytes.length)
    return words === undefined || about === undefined ? undefined : { about, words }
}

/** Returns the meaning of an error of ICMP for IPv4; undefined for any other message. */
export function wordsV4(type: number, code: number): string | undefined {
    switch (type) {
        case Type.Unreachable:
            return `ICMP unreachable: ${unreachable[code] ?? `code ${code}`}`
        case Type.Quench:
            return "ICMP source quench"
        case Type.Redirect:
            return "ICMP redirect: another router is nearer"
        case Type.Exceeded:
            return code === 0
                ? "ICMP time exceeded: too many hops"
                : "ICMP time exceeded: a fragment is missing"
        case Type.Problem:
            return "ICMP parameter problem"
        default:
            return undefined
    }
}

function wordsV6(type: number, code: number): string | undefined {
    switch (type) {
        case 1:
            return `ICMPv6 unreachable: ${reasonsV6[code] ?? `code ${code}`}`
        case 2:
            return "ICMPv6 packet too big"
        case 3:
            return "ICMPv6 time exceeded: too many hops"
        case 4:
            return "ICMPv6 parameter problem"
        default:
            return undefined
    }
}
