// What routers and hosts report by ICMP about the segments of a connection.

import { type Connection, endName, other } from "../analysis/connection"
import { type Diagnosis, diagnosis } from "./diagnosis"
import { counted } from "./words"

export function unreachable(name: string, icmp: string, by: string, server: string): Diagnosis {
    const words = codeWords(icmp)
    return diagnosis(
        "unreachable",
        `${by} reports that ${name} cannot be reached: ${words} (${icmp}).`,
        codeWords(icmp) === FORBIDDEN
            ? `let it through at ${by}, or use another port`
            : by === server || icmp.endsWith("port")
              ? "start the server, or look at the port's number"
              : `is ${server} the right address, and does ${by} know the way to it?`
    )
}

/** What the codes mean (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1). */
const FORBIDDEN = "a firewall forbids it"
const codes: readonly (readonly [RegExp, string])[] = [
    [/prohibited|code (9|10|14|15)$/, FORBIDDEN],
    [/code (6|11)$/, "there is no route to its network"],
    [/code (7|12)$/, "it does not know the host, or does not reach it"],
    [/unreachable: network/, "there is no route to its network"],
    [/unreachable: host/, "the last router does not get an answer from the host"],
    [/unreachable: protocol/, "the host has no TCP"],
    [/unreachable: port/, "the port is closed"],
    [/fragmentation needed/, "a packet is too long for the path and must not be fragmented"],
    [/too many hops/, "routers send the packets in a circle, or the way is too long"],
    [/parameter problem/, "it finds an error in the IP header of the packets"],
]

function codeWords(icmp: string): string {
    return codes.find(([form]) => form.test(icmp))?.[1] ?? "the code says no more"
}

/** Returns true for an ICMP error that says why packets do not arrive: a redirection and a request to send less do not. */
export function isRefusal(icmp: string): boolean {
    return !/redirect|quench/.test(icmp)
}

/** Returns what a router or the other host has reported by ICMP about the segments of an end. */
export function reported(connection: Connection, from: 0 | 1): Diagnosis | undefined {
    const { icmp, icmpBy, addresses, ends } = connection
    if (icmp === undefined || icmpBy === undefined || !isRefusal(icmp)) return undefined
    const [name, peer] = [endName(connection, from), endName(connection, other(from))]
    if (/fragmentation needed/.test(icmp))
        return diagnosis(
            "mtu",
            `${icmpBy} reports that packets of ${name} are too long for the way (${icmp}), and ${name} still sends segments of ${counted(ends[from].repeatedLength, "byte")}.`,
            "use a smaller MSS on either end: look at the MTU that the report names"
        )
    return unreachable(peer, icmp, icmpBy, addresses[other(from)])
}
