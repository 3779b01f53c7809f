// Why the datagrams of a device have no answer: its peer's port is closed, or nothing comes at all.

import type { IcmpView, UdpView } from "../view/dissect"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence, Sighting } from "./evidence"
import { isWhole } from "./lease"
import { allLost } from "./line"
import { namedBy } from "./names"
import { unanswered, withoutNeighbour } from "./opening"
import { counted } from "./words"

/** DNS and DHCP have rules of their own. */
const OWN_RULES = [53, 67, 68]
const TIME = 123
/** RFC 5905 figures 8 and 11: the leap indicator of a clock that is not set, and the highest stratum of one that is. */
const ALARM = 3
const MOST_STRATUM = 15
/** RFC 5905 section 7.3: bytes of a message, and the places of the reference identifier, a code of four letters in a refusal, and of time stamps. */
const TIME_SIZE = 48
const REFERENCE = 12
const ORIGIN = 24
const TRANSMIT = 40
/** RFC 5905 figure 10: the mode of a server's answer. */
const SERVER = 4
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
export function portClosed(
    evidence: Evidence,
    view: IcmpView
): (Diagnosis & { readonly port: string }) | undefined {
    const own = evidence.self?.()
    const quoted = quotedDatagram(view)
    if (view.type !== UNREACHABLE || view.code !== PORT || quoted === undefined) return undefined
    if (quoted.source !== own?.ip || OWN_RULES.includes(quoted.port)) return undefined
    const why = diagnosis(
        "unreachable",
        `${view.source} reports that ${view.source === quoted.destination ? "its" : `${quoted.destination}'s`} UDP port ${quoted.port} is closed (ICMP unreachable: port): no program receives the datagrams of ${own.name}.`,
        "start the server, or look at the port's number"
    )
    return { ...why, port: `${quoted.destination}:${quoted.port}` }
}

/** Returns why a host does not answer the device's datagrams; undefined if it was sent none, or answered. */
export function whyNoDatagram(evidence: Evidence, ip: string): Diagnosis | undefined {
    const own = evidence.self?.()
    const sent = datagramsTo(evidence, ip).filter(({ view }) => !OWN_RULES.includes(view.destinationPort))
    const [first] = sent
    const last = sent.at(-1)?.view
    if (own === undefined || first === undefined || last === undefined) return undefined
    const { destinationPort: port } = last
    const all = answersOf(evidence, ip, port)
    const answers = all.filter(({ lost }) => lost === undefined)
    const ports = sent.map(({ view }) => view.sourcePort)
    const isForDevice = ({ view }: Datagram) => ports.includes(view.destinationPort)
    if (answers.some(one => isWhole(one.view) && isForDevice(one))) return undefined
    const wrong = answers.at(-1)
    if (wrong !== undefined) return droppedAnswers(wrong, isForDevice(wrong), ports.at(-1)!)
    for (const { view } of [...evidence.others].reverse()) {
        const closed =
            view.kind === "icmp" && quotedDatagram(view)?.destination === ip && portClosed(evidence, view)
        if (closed) return closed
    }
    const name = `${ip}:${port}`
    const asked = counted(sent.length, "datagram")
    if (all.length > 0)
        return diagnosis(
            "frames-lost",
            `${name} answered ${asked} of ${own.name}, and the answers were lost on the way: ${counted(all.length, "frame")}.`,
            "look at the cable, at the switch and at firewalls on the way, or lower the loss (--impair)"
        )
    const attempt = { client: own.ip, server: ip, name, asked, since: first.time }
    return (
        withoutNeighbour(evidence, attempt) ??
        unanswered(evidence, attempt, `${name} did not answer ${asked} since ${moment(first.time)}.`, sent)
    )
}

/** Datagrams to one port that have to be lost before it is reported. */
const LOST = 4

/** Returns that none of the device's datagrams to a port of a host arrives; undefined if one does, or if they are few. */
export function datagramsLost(evidence: Evidence, ip: string, port: number): Diagnosis | undefined {
    const own = evidence.self?.()
    const sent = datagramsTo(evidence, ip).filter(({ view }) => view.destinationPort === port)
    const [first] = sent
    if (own === undefined || first === undefined || OWN_RULES.includes(port)) return undefined
    if (sent.length < LOST || sent.some(({ lost }) => lost === undefined)) return undefined
    return allLost(
        sent,
        `${counted(sent.length, "datagram")} of ${own.name} to ${ip}:${port} since ${moment(first.time)}`,
        `let port ${port} through the firewall, or look at the port's number`,
        `${own.name} itself notices nothing: UDP acknowledges nothing`
    )
}

interface Datagram extends Sighting {
    readonly view: UdpView
}

/** Returns the datagrams that the device has sent to a host. */
function datagramsTo({ others, self }: Evidence, ip: string): Datagram[] {
    const own = self?.().ip
    return others.flatMap(one => {
        const { view } = one
        return view.kind === "udp" && view.source === own && view.destination === ip ? [{ ...one, view }] : []
    })
}

/** Returns what a port of a host has sent to the device. */
function answersOf({ others, self }: Evidence, ip: string, port: number): Datagram[] {
    const own = self?.().ip
    return others.flatMap(one => {
        const { view } = one
        if (view.kind !== "udp" || view.source !== ip || view.sourcePort !== port) return []
        return view.destination === own ? [{ ...one, view }] : []
    })
}

/** Returns why the device drops the answers of a host. */
function droppedAnswers({ view, time }: Datagram, isForDevice: boolean, port: number): Diagnosis {
    const name = `${view.source}:${view.sourcePort}`
    return isForDevice
        ? diagnosis(
              "corrupted",
              `The answers of ${name} have wrong checksums, so the device drops them.`,
              `look at the network adapter of ${view.source}: does it compute the checksums that its system leaves to it?`,
              [`the last such answer came at ${moment(time)}`]
          )
        : diagnosis(
              "unanswered",
              `${name} answers to port ${view.destinationPort}, but the datagrams of the device came from port ${port}.`,
              `let ${view.source} answer to the port that a datagram comes from`,
              [`the last such answer came at ${moment(time)}`]
          )
}

/** Returns why the answers of a time server set no clock (RFC 5905 section 7.4); undefined if it sent none, or a good one. */
export function whyNoTime(evidence: Evidence, ip: string): Diagnosis | undefined {
    const own = evidence.self?.().ip
    const answer = answersOf(evidence, ip, TIME)
        .filter(({ view, lost }) => lost === undefined && isWhole(view))
        .at(-1)
    if (answer === undefined) return undefined
    const { payload } = answer.view
    const seen = [`${ip} answered at ${moment(answer.time)}`, namedBy(evidence, ip)]
    const unusable = (what: string) =>
        diagnosis(
            "service-refused",
            `The time server ${ip} answers, but the device cannot use the answer: ${what}.`,
            "ask another time server, or look at this one's settings",
            seen
        )
    if (payload.length < TIME_SIZE) return unusable(`it has ${payload.length} bytes instead of ${TIME_SIZE}`)
    const mode = payload[0]! & 7
    if (mode !== SERVER) return unusable(`its mode is ${mode}, and that of a server's answer is ${SERVER}`)
    const stratum = payload[1]!
    if (stratum === 0) {
        const code = String.fromCharCode(...payload.subarray(REFERENCE, REFERENCE + 4)).replace(/[^ -~]/g, "")
        return code === "RATE"
            ? unusable("it asks for fewer questions (RATE)")
            : diagnosis(
                  "service-refused",
                  `The time server ${ip} refuses to answer${code === "" ? "" : ` (${code})`}.`,
                  "ask another time server, and leave this one alone",
                  seen
              )
    }
    if (payload[0]! >> 6 === ALARM || stratum > MOST_STRATUM) return unusable("the server's clock is not set")
    if (payload.subarray(TRANSMIT, TRANSMIT + 4).every(byte => byte === 0))
        return unusable("it has no time (its transmit time stamp is 0)")
    const origin = payload.subarray(ORIGIN, ORIGIN + 8).join()
    const isRepeated = evidence.others.some(
        ({ view }) =>
            view.kind === "udp" &&
            view.source === own &&
            view.destination === ip &&
            view.payload.subarray(TRANSMIT, TRANSMIT + 8).join() === origin
    )
    return isRepeated ? undefined : unusable("it does not repeat the time stamp of a request")
}
