// Why a host does not answer: by ARP, the router, lost frames, and the other hosts that were heard on the network.

import { networkText, sameNetwork } from "../options/address"
import { chipTrouble, LOOK_AT_CHIP, losesFrames } from "./chip"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence, Sighting } from "./evidence"
import { AFTER_LOSS } from "./line"
import { namedBy } from "./names"
import { counted } from "./words"

/** A host that wants something of another one. Times are in ms. */
export interface Attempt {
    readonly client: string
    readonly server: string
    /** What was asked, such as `10.0.0.1:7`, and how often, such as `3 SYNs`. */
    readonly name: string
    readonly asked: string
    readonly since: number
}

/** The ARP requests of a host for an address, since it was last answered. */
interface Asked {
    readonly count: number
    readonly first: number
    readonly last: number
    readonly lost: number
    /** The answers that the line lost. */
    readonly lostAnswers: number
    readonly answered: boolean
    /** The Ethernet address in the last answer. */
    readonly mac: string
}

/** Returns the ARP requests of `client` for `target` from `since` on, and whether they were answered; undefined if `client` sent none. */
export function askedFor(
    { others }: Evidence,
    client: string,
    target: string,
    since: number
): Asked | undefined {
    let [count, first, last, lost, lostAnswers, mac] = [0, 0, 0, 0, 0, ""]
    let answered = false
    for (const { view, time, lost: gone } of others) {
        if (view.kind !== "arp" || time < since) continue
        if (view.operation === 1 && view.senderIp === client && view.targetIp === target) {
            if (count === 0 || answered) [count, first, lost, lostAnswers] = [0, time, 0, 0]
            answered = false
            count++
            last = time
            if (gone !== undefined) lost++
        } else if (view.operation === 2 && view.senderIp === target) {
            if (gone !== undefined) lostAnswers++
            else {
                answered = count > 0
                mac = view.senderMac
            }
        }
    }
    return count === 0 ? undefined : { count, first, last, lost, lostAnswers, answered, mac }
}

/** Returns the addresses for which a host has asked by ARP, the latest first. */
export function targetsOf({ others }: Evidence, client: string): string[] {
    const found = others.flatMap(({ view }) =>
        view.kind === "arp" && view.operation === 1 && view.senderIp === client && view.targetIp !== client
            ? [view.targetIp]
            : []
    )
    return [...new Set(found.reverse())]
}

/** Returns which hosts do not answer the ARP of any other host. */
export function silentNeighbours(evidence: Evidence): Diagnosis[] {
    const clients = new Set(
        evidence.others.flatMap(({ view }) =>
            view.kind === "arp" && view.operation === 1 ? [view.senderIp] : []
        )
    )
    return [...clients].flatMap(client =>
        targetsOf(evidence, client).flatMap(server => {
            const asked = askedFor(evidence, client, server, 0)
            if (client === "0.0.0.0" || asked === undefined || asked.answered || asked.count < 2) return []
            return [silentHost(evidence, { client, server, name: server, asked: "", since: 0 }, asked)]
        })
    )
}

/** Returns why nobody answers ARP for the next hop to a server; undefined if ARP works, or was not needed. */
export function withoutNeighbour(evidence: Evidence, attempt: Attempt): Diagnosis | undefined {
    const { client, server, since } = attempt
    const direct = askedFor(evidence, client, server, since)
    if (direct !== undefined && !direct.answered) return silentHost(evidence, attempt, direct)
    const own = evidence.self?.()
    const gateway = own?.gateway ?? ""
    if (own === undefined || own.prefix === undefined || own.ip !== client) return undefined
    if (direct !== undefined || sameNetwork(server, own.ip, own.prefix)) return undefined
    if (gateway === "")
        return diagnosis(
            "gateway-missing",
            `${server} is outside of ${networkText(own.ip, own.prefix)}, and ${own.name} knows no router: it sent nothing.`,
            "set the router's address (gateway), or correct the address or the length of the prefix",
            [heardHere(evidence)]
        )
    const routed = askedFor(evidence, client, gateway, since)
    if (routed === undefined || routed.answered) return undefined
    const unheard = answersLost(client, gateway, routed)
    if (unheard !== undefined) return unheard
    const neighbour = onThisCable(evidence, server)
    if (neighbour !== undefined) return wrongPrefix(own.name, own.prefix, attempt, neighbour)
    return diagnosis(
        "gateway-silent",
        `The router ${gateway} does not answer ARP${evidence.ownersOf(gateway).length > 0 ? " any more" : ""}: ${requests(routed)}. ${server} is outside of ${networkText(own.ip, own.prefix)}, so everything to it has to go through the router.`,
        `is ${gateway} the router's address, and is the router on?${hint(evidence, gateway)}`,
        [lostOf(routed), heardHere(evidence, gateway)]
    )
}

function silentHost(evidence: Evidence, { server, client }: Attempt, asked: Asked): Diagnosis {
    if (asked.lost === asked.count)
        return diagnosis(
            "frames-lost",
            `The line lost every ARP request of ${client} for ${server}, ${asked.count} of ${asked.count} since ${moment(asked.first)}.`,
            "look at the cable and at the switch",
            [heardHere(evidence, server)]
        )
    const unheard = answersLost(client, server, asked)
    if (unheard !== undefined) return unheard
    const voice = evidence.voiceOf(server)
    if (voice !== undefined)
        return diagnosis(
            "peer-vanished",
            `${server} does not answer ARP any more: ${requests(asked)}. It was last heard at ${moment(voice.time)} (${voice.what}).`,
            `is ${server} still on, and is its cable in?`,
            [lostOf(asked), heardHere(evidence, server)]
        )
    const own = evidence.self?.()
    const near = [client, ...evidence.neighbours(server)]
    const prefix = own?.prefix ?? 32
    const isFar = prefix < 24 && near.every(ip => !sameNetwork(server, ip, 24))
    if (isFar)
        return diagnosis(
            "wrong-prefix",
            `No host answers ARP for ${server}: ${requests(asked)}. With the prefix /${prefix} it counts as a host on this cable, so no router was asked.`,
            `is the prefix /${prefix} right? With a longer one, such as /24, packets to ${server} go to the router`,
            [lostOf(asked), heardHere(evidence, server)]
        )
    return diagnosis(
        "host-silent",
        `No host answers ARP for ${server}: ${requests(asked)}.`,
        `is ${server} the right address, is that host on, and is it on this network?${hint(evidence, server)}`,
        [namedBy(evidence, server), lostOf(asked), heardHere(evidence, server)]
    )
}

/** Returns that the line lost every answer of a host to ARP; undefined if it lost none. */
function answersLost(
    client: string,
    server: string,
    { count, lostAnswers, lost, first }: Asked
): Diagnosis | undefined {
    if (lostAnswers === 0) return undefined
    return diagnosis(
        "frames-lost",
        `${server} answered ${lostAnswers} of ${counted(count, "ARP request")} of ${client} since ${moment(first)}, but the line lost ${lostAnswers === 1 ? "the answer" : "every answer"}.`,
        AFTER_LOSS,
        [lostOf({ lost, count })]
    )
}

function wrongPrefix(name: string, prefix: number, { server }: Attempt, mac: string): Diagnosis {
    return diagnosis(
        "wrong-prefix",
        `${server} is on this cable, but ${name} asks the router for it: with the prefix /${prefix} ${server} is on another network.`,
        "use the same length of the prefix as the other hosts of this network, such as /24",
        [`${server} was heard here at ${mac}`]
    )
}

/** Returns why a host whose next hop answers ARP does not answer; `base` is the sentence if nothing more is known. */
export function unanswered(
    evidence: Evidence,
    attempt: Attempt,
    base: string,
    sent: readonly Sighting[]
): Diagnosis {
    const { client, server, name, asked, since } = attempt
    const lost = sent.filter(one => one.lost === "loss" || one.lost === "queue")
    if (sent.length > 0 && lost.length === sent.length)
        return diagnosis(
            "frames-lost",
            `The line lost all ${asked} to ${name} since ${moment(since)}.`,
            AFTER_LOSS,
            [heardHere(evidence, server)]
        )
    const own = evidence.self?.()
    const isDropped = sent.some(one => one.lost !== undefined)
    const isDialed = sent.at(-1)?.view.kind === "tcp" && own?.dials?.(server, Number(portOf(name))) === true
    if (isDialed)
        return diagnosis(
            "unanswered",
            `${name} did not answer ${asked}: this computer, whose own connection carries that of ${own.name}, has no answer from it either.`,
            `does the program at port ${portOf(name)} still accept connections? A computer drops those for which its queue has no room; a firewall drops them, too`
        )
    const trouble = isDropped ? undefined : chipTrouble(evidence, since, losesFrames)
    if (trouble !== undefined && own?.ip === client)
        return diagnosis(
            "chip-silent",
            `${name} did not answer ${asked}, and the chip of ${own.name} is in trouble: ${trouble}.`,
            LOOK_AT_CHIP,
            [heardHere(evidence, server)]
        )
    const mac = sent.map(({ view }) => ("destinationMac" in view ? view.destinationMac : "")).at(-1)
    const macs = evidence.ownersOf(server)
    const isDirect = mac !== undefined && macs.includes(mac)
    const strange = isDirect
        ? (sharedMac(evidence, mac) ??
          misdirected(evidence, attempt, mac) ??
          elsewhere(evidence, attempt, sent) ??
          asksForRouter(evidence, attempt))
        : undefined
    if (strange !== undefined) return strange
    const [kind] = sent.map(({ view }) => view.kind).slice(-1)
    const isFiltered = sent.length > 0 && sent.every(one => one.lost === "filter")
    if (isDirect && kind === "icmp")
        return diagnosis(
            "unanswered",
            `${name} did not answer ${asked}, though it answers ARP: it does not answer pings, or a firewall drops them.`,
            "try the service itself (connect): many hosts are set to ignore pings",
            [`${server} answers ARP at ${mac}`, otherAnswers(evidence, attempt)]
        )
    if (isDirect && kind === "udp" && !isFiltered)
        return diagnosis(
            "no-answer",
            `${name} did not answer ${asked}, though ${server} answers ARP, and reports no closed port: its program does not answer, or a firewall drops them.`,
            `does that program run, and does the firewall of ${server} let port ${portOf(name)} through?`,
            [
                `${server} answers ARP at ${mac}, since ${moment(since)} nothing of port ${portOf(name)} came back`,
            ]
        )
    if (isDirect)
        return diagnosis(
            "filtered",
            `${name} did not answer ${asked}, though ${server} answers ARP: a firewall drops them.`,
            `look at the firewall of ${server}, and at the port's number`,
            [
                `${server} answers ARP at ${mac}, since ${moment(since)} nothing of port ${portOf(name)} came back`,
                otherAnswers(evidence, attempt),
            ]
        )
    const router = mac === undefined ? undefined : evidence.ipOf(mac)
    // a capture may lack what the router passed on
    if (mac === undefined || router === undefined || evidence.self === undefined)
        return diagnosis("unanswered", base, "is the host on, and is the address right?", [
            heardHere(evidence, server),
        ])
    const neighbour = onThisCable(evidence, server)
    if (neighbour !== undefined && own?.prefix !== undefined && own.ip === client)
        return wrongPrefix(own.name, own.prefix, attempt, neighbour)
    const nearer = redirectedTo(evidence, server)
    if (nearer !== undefined)
        return diagnosis(
            "gateway-wrong",
            `${nearer.by} says by ICMP redirect that ${server} is reached through ${nearer.router}, and this stack follows no redirects: ${name} did not answer ${asked} through ${router}.`,
            `set ${nearer.router} as the router (gateway), if most packets take that way`,
            [`the redirect was sent at ${moment(nearer.time)}`]
        )
    const through = forwarded(evidence, mac, router)
    if (through === undefined)
        return diagnosis(
            "gateway-wrong",
            `${name} did not answer ${asked} through ${router}: that host answers ARP, but has not passed on a single packet from another network so far.`,
            `is ${router} really the router? If it is, is ${server} the right address, and on?`,
            [heardHere(evidence, router)]
        )
    return diagnosis(
        "unanswered",
        `${name} did not answer ${asked} through the router ${router}, which passes on packets of others: the host is off or elsewhere, or a firewall drops them.`,
        `is ${server} the right address, is that host on, and does a firewall on the way let port ${portOf(name)} through?`,
        [`the router ${router} passed on a packet of ${through.ip} at ${moment(through.time)}`]
    )
}

/** Returns that a host's answer to ARP leads to a station that is not there, or back to the device. */
function misdirected(evidence: Evidence, { server, asked }: Attempt, mac: string): Diagnosis | undefined {
    const own = evidence.self?.()
    const from = evidence.answeredFrom.get(server)
    if (mac === evidence.mac)
        return diagnosis(
            "wrong-neighbour",
            `${server} answers ARP with the Ethernet address of ${own?.name ?? "the device"} itself (${mac}), so ${asked} went nowhere.`,
            `look at the stack of ${server}, and at who else answers ARP for it${from === undefined ? "" : `: the answer came from ${from}`}`
        )
    if (from === undefined || from === mac || evidence.stations.has(mac)) return undefined
    return diagnosis(
        "wrong-neighbour",
        `ARP says that ${server} is at ${mac}, but no station has that Ethernet address, so ${asked} went nowhere: the answer itself came from ${from}.`,
        `look at the stack of ${server}, and at who answers ARP for it`
    )
}

/** Returns that two stations send with one Ethernet address; undefined if only one does. */
function sharedMac({ users }: Evidence, mac: string): Diagnosis | undefined {
    const [one, another] = users.get(mac) ?? []
    return one === undefined || another === undefined ? undefined : sameMac(one, another, mac)
}

/** Returns the diagnosis of two stations with one Ethernet address. */
export function sameMac(name: string, station: string, mac: string): Diagnosis {
    return diagnosis(
        "address-taken",
        `Two stations send with the Ethernet address ${mac}: ${name} and ${station}. A switch sends frames to the one that spoke last.`,
        "give each station its own Ethernet address (macAddress)"
    )
}

/** Returns that a server looks for another host by ARP instead of answering a client, and finds none. */
function asksForRouter(
    evidence: Evidence,
    { client, server, name, asked, since }: Attempt
): Diagnosis | undefined {
    for (const target of targetsOf(evidence, server)) {
        const sought = target === client ? undefined : askedFor(evidence, server, target, since)
        if (sought === undefined || sought.answered || sought.count < 2) continue
        return diagnosis(
            "wrong-prefix",
            `${name} did not answer ${asked}, and ${server} looks for ${target} by ARP meanwhile, which no host answers: it probably takes ${client} for a host of another network, and ${target} is its router.`,
            `look at the netmask and the router in the settings of ${server}`,
            [`${server} asked for ${target} ${sought.count} times since ${moment(sought.first)}`]
        )
    }
    return undefined
}

/** Returns that SYNs were answered, but from another port or address, or in pieces. */
function elsewhere(
    evidence: Evidence,
    { client, server, name, asked, since }: Attempt,
    sent: readonly Sighting[]
): Diagnosis | undefined {
    const view = sent.at(-1)?.view
    if (view?.kind !== "tcp") return undefined
    const answer = evidence.segments.find(
        ({ view: { flags, ack }, time }) =>
            time >= since && flags.syn && flags.ack && ack === (view.seq + 1) >>> 0
    )?.view
    if (answer === undefined) return inPieces(evidence, server, since)
    const seen = [`the SYN-ACK of ${answer.source}:${answer.sourcePort} acknowledges the SYN's number`]
    if (answer.source !== server || answer.sourcePort !== view.destinationPort)
        return diagnosis(
            "wrong-source",
            `${name} did not answer ${asked}, but ${answer.source}:${answer.sourcePort} did: an answer from another ${answer.source === server ? "port" : "address"} belongs to no connection.`,
            "look at what changes addresses on the way (NAT, a redirection), and at the server's address with several interfaces",
            seen
        )
    if (answer.destination !== client || answer.destinationPort !== view.sourcePort)
        return diagnosis(
            "wrong-source",
            `${name} answered ${asked}, but to ${answer.destination}:${answer.destinationPort} instead of ${client}:${view.sourcePort}: such an answer belongs to no connection.`,
            `look at the stack of ${server}, and at what changes addresses and ports on the way (NAT)`,
            seen
        )
    return inPieces(evidence, server, since)
}

/** Returns that a host has sent fragments of packets since `since` (ms), which the device drops. */
export function inPieces(evidence: Evidence, server: string, since: number): Diagnosis | undefined {
    const pieces = evidence.others.filter(
        one => one.time >= since && one.view.kind === "fragment" && one.view.source === server
    )
    if (pieces.length === 0) return undefined
    return diagnosis(
        "fragmented",
        `${server} answers in ${counted(pieces.length, "IP fragment")}, which this stack drops: it puts no packets together.`,
        `have ${server} send whole packets: look at the MTU of its interface and of the way`
    )
}

/** ICMP redirect (RFC 792): its payload is the packet that it is about; the router is in the header's last four bytes. */
const REDIRECT = 5

/** Returns which router a redirect names for a host; undefined if none arrived. */
function redirectedTo({ others, self }: Evidence, server: string) {
    for (const { view, time, lost } of [...others].reverse()) {
        if (view.kind !== "icmp" || view.type !== REDIRECT || lost !== undefined) continue
        if (view.destination !== self?.().ip || view.payload.subarray(16, 20).join(".") !== server) continue
        return { by: view.source, router: view.rest.join("."), time }
    }
    return undefined
}

/** Returns the last packet of another network that a router passed on. */
function forwarded(
    { segments, others }: Evidence,
    mac: string,
    router: string
): { ip: string; time: number } | undefined {
    let found: { ip: string; time: number } | undefined
    for (const { view, time } of [...others, ...segments]) {
        if (!("source" in view) || view.sourceMac !== mac || view.source === router) continue
        if (found === undefined || time >= found.time) found = { ip: view.source, time }
    }
    return found
}

/** Returns what another port of the same server answered. */
function otherAnswers({ segments }: Evidence, { client, server, name }: Attempt): string | undefined {
    const port = portOf(name)
    const found = segments
        .filter(
            ({ view }) =>
                view.source === server && view.destination === client && `${view.sourcePort}` !== port
        )
        .at(-1)
    if (found === undefined) return undefined
    return `port ${found.view.sourcePort} of ${server} answered at ${moment(found.time)}`
}

/** Returns the Ethernet address at which a host was heard on this cable. */
function onThisCable(evidence: Evidence, ip: string): string | undefined {
    return evidence.ownersOf(ip).at(-1)
}

/** Returns which other hosts were heard on the network. */
export function heardHere(evidence: Evidence, ...but: string[]): string {
    const neighbours = evidence.neighbours(...but)
    const heard = but.filter(ip => evidence.ownersOf(ip).length > 0)
    if (neighbours.length === 0)
        return `no ${heard.length === 0 ? "other host" : `host but ${listed(heard)}`} was heard on this network`
    const words = neighbours.slice(0, 4).map(ip => `${ip} (${evidence.ownersOf(ip).at(-1)})`)
    return `on this network ${listed(words)} ${neighbours.length === 1 ? "was" : "were"} heard`
}

function hint(evidence: Evidence, ...but: string[]): string {
    const neighbours = evidence.neighbours(...but)
    return neighbours.length === 0 ? "" : ` Heard here: ${listed(neighbours)}`
}

function requests({ count, first, last }: Asked): string {
    if (count === 1) return `1 request at ${moment(first)}, no reply`
    return `${count} requests from ${moment(first)} to ${moment(last)}, no reply`
}

function lostOf({ lost, count }: Pick<Asked, "lost" | "count">): string | undefined {
    return lost === 0 ? undefined : `the line lost ${lost} of the ${counted(count, "request")}`
}

function portOf(name: string): string {
    return name.slice(name.lastIndexOf(":") + 1)
}
