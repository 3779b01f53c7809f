// Why a host has no address: what its DHCP client sent, and what servers answered (RFC 2131).

import { DHCP_SERVER, type DhcpMessage, Kind, Option, parseDhcp } from "../view/dhcp"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { counted } from "./words"

/** The shortest lease that the stack uses, s (src/net/dhcp.ts). */
const SHORTEST_LEASE = 60

/** A message, and the host that sent it. */
interface Message extends DhcpMessage {
    readonly time: number
    readonly source: string
}

/** Returns why the device of the evidence has no address; undefined if DHCP was not used, or worked. */
export function whyNoAddress(evidence: Evidence): Diagnosis | undefined {
    const all = messages(evidence)
    const asked = all.filter(({ kind, hardware }) => isQuestion(kind) && hardware === evidence.mac)
    const [first] = asked
    if (first === undefined) return undefined
    const own = all.filter(({ kind, hardware }) => !isQuestion(kind) && hardware === evidence.mac)
    const tries = `${counted(asked.length, "message")} since ${moment(first.time)}`
    const last = own.at(-1)
    if (last === undefined) return silent(evidence, all, tries)
    const naks = own.filter(({ kind }) => kind === Kind.Nak)
    const nak = naks.at(-1)
    if (nak !== undefined && !own.some(({ kind, time }) => kind === Kind.Ack && time > nak.time)) {
        const said = textOf(nak.options.get(Option.Message))
        return diagnosis(
            "dhcp-refused",
            `The DHCP server ${nak.source} refuses the request (NAK${said === "" ? "" : `: "${said}"`}), so the device has no address.`,
            "is the address free that the server offers, and does the server know this network? Look at its log",
            [
                naks.length === 1
                    ? `1 NAK so far, at ${moment(nak.time)}`
                    : `${naks.length} NAKs so far, the last at ${moment(nak.time)}`,
            ]
        )
    }
    const declined = asked.filter(({ kind }) => kind === Kind.Decline).at(-1)
    if (declined !== undefined && declined.time > last.time) {
        const macs = evidence.ownersOf(last.offered).filter(mac => mac !== evidence.mac)
        return diagnosis(
            "address-taken",
            `The DHCP server ${last.source} offers ${last.offered}, but another host has that address${macs.length > 0 ? ` (${macs.at(-1)} answers ARP for it)` : ""}, so the device declines it.`,
            `give that host another address, or take ${last.offered} out of the server's range`
        )
    }
    const problem = problemOf(last)
    if (problem !== undefined && !asked.some(({ kind, time }) => kind === Kind.Request && time > last.time))
        return diagnosis(
            "dhcp-unusable",
            `The DHCP server ${last.source} answers, but the device cannot use the answer: ${problem}.`,
            "correct the server's settings",
            [`the device sent ${tries}, and got ${counted(own.length, "answer")}`]
        )
    const requests = asked.filter(({ kind, time }) => kind === Kind.Request && time >= last.time)
    if (last.kind === Kind.Offer && requests.length > 1)
        return diagnosis(
            "dhcp-silent",
            `The DHCP server ${last.source} offered ${last.offered}, but does not answer the request for it since ${moment(last.time)}.`,
            "look at the server's log: it may have given the address to another client"
        )
    return undefined
}

function silent(evidence: Evidence, all: readonly Message[], tries: string): Diagnosis {
    const lost = evidence.others.filter(
        ({ view, lost: gone }) =>
            view.kind === "udp" && view.destinationPort === DHCP_SERVER && gone !== undefined
    ).length
    const others = [...new Set(all.filter(({ kind }) => !isQuestion(kind)).map(({ source }) => source))]
    const heard = evidence.neighbours()
    return diagnosis(
        "dhcp-silent",
        `No DHCP server answers: ${tries}, no reply, so the device has no address.`,
        "is a DHCP server on this network, and is it on? Without one set an address (ip)",
        [
            lost > 0 ? `the line lost ${counted(lost, "message")}` : undefined,
            others.length > 0 ? `${listed(others)} answered others, not this device` : undefined,
            heard.length > 0
                ? `on this network ${listed(heard)} ${heard.length === 1 ? "was" : "were"} heard`
                : undefined,
        ]
    )
}

/** Returns what is wrong with an offer or ACK, by the rules of src/net/dhcp.ts; undefined if nothing is. */
function problemOf({ kind, offered, options }: Message): string | undefined {
    const what = kind === Kind.Offer ? "its offer" : "its ACK"
    if (kind === Kind.Offer && options.get(Option.Server)?.length !== 4)
        return `${what} does not name the server (option 54)`
    const lease = options.get(Option.Lease)
    const seconds = lease?.length === 4 ? new DataView(lease.buffer, lease.byteOffset).getUint32(0) : 0
    if (lease === undefined) return `${what} has no lease time (option 51)`
    if (seconds < SHORTEST_LEASE) return `${what} has a lease of ${seconds} s, too short to use`
    const [a = 0, , , d = 0] = offered.split(".").map(Number)
    if (a === 0 || a === 127 || a >= 224) return `${what} has the address ${offered}, which is no host's`
    const mask = options.get(Option.Mask)
    if (mask?.length === 4 && mask[3] === 0 && d === 0)
        return `${what} has the address ${offered}, which is the network's`
    if (mask?.length === 4 && mask[3] === 0 && d === 255)
        return `${what} has the address ${offered}, which is the broadcast address`
    return undefined
}

function isQuestion(kind: number): boolean {
    return kind === Kind.Discover || kind === Kind.Request || kind === Kind.Decline || kind > Kind.Nak
}

function messages({ others }: Evidence): Message[] {
    return others.flatMap(({ view, time }) => {
        const read = view.kind === "udp" ? parseDhcp(view) : undefined
        return read === undefined || !("source" in view) ? [] : [{ ...read, time, source: view.source }]
    })
}

/** Returns the printable characters of a server's message. */
function textOf(bytes: Uint8Array = new Uint8Array()): string {
    return Array.from(bytes.subarray(0, 80), byte =>
        byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ""
    ).join("")
}
