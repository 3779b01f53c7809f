// Why the datagrams of a device have no answer: its peer's port is closed, or nothing comes at all.

import type { IcmpView } from "../view/dissect"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { unanswered, withoutNeighbour } from "./opening"
import { counted } from "./words"

/** DNS and DHCP have rules of their own. */
const OWN_RULES = [53, 67, 68]
const UNREACHABLE = 3
const PORT = 3
const IP = 20
const UDP = 17

/** The datagram that an ICMP error quotes. */
interface Quoted {
    readonly source: string
    readonly destination: string
    readonly port: number
}

/** Returns the datagram that an ICMP error quotes (RFC 792: the IP header and 8 bytes); undefined for any other packet. */
export function quotedDatagram({ payload }: Pick<IcmpView, "payload">): Quoted | undefined {
    const length = ((payload[0] ?? 0) & 15) * 4
    if (payload.length < length + 4 || length < IP || payload[9] !== UDP) return undefined
    return {
        source: payload.subarray(12, 16).join("."),
        destination: payload.subarray(16, 20).join("."),
        port: (payload[length + 2]! << 8) | payload[length + 3]!,
    }
}

/** Returns that a host has reported a UDP port to be closed; undefined for any other ICMP message. */
export function portClosed(evidence: Evidence, view: IcmpView): Diagnosis | undefined {
    const own = evidence.self?.()
    const quoted = quotedDatagram(view)
    if (view.type !== UNREACHABLE || view.code !== PORT || quoted === undefined) return undefined
    if (quoted.source !== own?.ip || OWN_RULES.includes(quoted.port)) return undefined
    return diagnosis(
        "unreachable",
        `${view.source} reports that ${view.source === quoted.destination ? "its" : `${quoted.destination}'s`} UDP port ${quoted.port} is closed (ICMP unreachable: port): no program receives the datagrams of ${own.name}.`,
        "start the server, or look at the port's number"
    )
}

/** Returns why a host does not answer the device's datagrams; undefined if it was sent none, or answered. */
export function whyNoDatagram(evidence: Evidence, ip: string): Diagnosis | undefined {
    const own = evidence.self?.()
    const sent = evidence.others.filter(
        ({ view }) =>
            view.kind === "udp" &&
            view.source === own?.ip &&
            view.destination === ip &&
            !OWN_RULES.includes(view.destinationPort)
    )
    const [first] = sent
    const last = sent.at(-1)?.view
    if (own === undefined || first === undefined || last?.kind !== "udp") return undefined
    const { destinationPort: port } = last
    if (
        evidence.others.some(
            ({ view }) => view.kind === "udp" && view.source === ip && view.sourcePort === port
        )
    )
        return undefined
    for (const { view } of [...evidence.others].reverse()) {
        const closed =
            view.kind === "icmp" && quotedDatagram(view)?.destination === ip && portClosed(evidence, view)
        if (closed) return closed
    }
    const name = `${ip}:${port}`
    const asked = counted(sent.length, "datagram")
    const attempt = { client: own.ip, server: ip, name, asked, since: first.time }
    return (
        withoutNeighbour(evidence, attempt) ??
        unanswered(evidence, attempt, `${name} did not answer ${asked} since ${moment(first.time)}.`, sent)
    )
}
