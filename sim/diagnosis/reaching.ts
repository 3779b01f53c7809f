// Why nothing was sent to a host at all: no cable, no address, an address that two hosts have, ARP.

import { wordsV4 } from "../analysis/icmp"
import type { Tuple } from "../device/events"
import type { IcmpView } from "../view/dissect"
import { chipTrouble, LOOK_AT_CHIP } from "./chip"
import { cableWasOut, lastNotes, withoutCable } from "./connection"
import { whyNoAddress } from "./dhcp"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { isRefusal, unreachable } from "./icmp"
import { AFTER_LOSS } from "./line"
import { askedFor, unanswered, withoutNeighbour } from "./opening"
import { counted, duration } from "./words"

/** Returns why no segment to a host left the device since `since` (ms); undefined if nothing shows it. */
export function whyNotReached(
    evidence: Evidence,
    { remoteIp, remotePort }: Tuple,
    since: number
): Diagnosis | undefined {
    const own = evidence.self?.()
    if (own === undefined) return undefined
    if (evidence.cableOut !== undefined) return withoutCable(own.name, evidence.cableOut, evidence.cableOut)
    const name = `${remoteIp}:${remotePort}`
    const attempt = { client: own.ip, server: remoteIp, name, asked: "the SYN", since }
    return (
        addressTaken(evidence) ??
        withoutNeighbour(evidence, attempt) ??
        noAddress(evidence) ??
        answerNotTaken(evidence, remoteIp, since) ??
        silentChip(evidence, since)
    )
}

/** The time for which the stack waits for the answer to its last ARP request, ms (src/net/arp.ts). */
const ARP_WAIT = 1000

/** Returns that a host has answered ARP, but so late that the device had given up. Times are in ms. */
export function lateAnswer(
    name: string,
    hop: string,
    came: number,
    { first, last }: { readonly first: number; readonly last: number }
): Diagnosis {
    return diagnosis(
        "answered-late",
        `${hop} answers ARP, but too late: its answer came at ${moment(came)}, ${duration((came - last) * 1e6)} after the last request of ${name}, which had given up.`,
        `look at why ${hop} is slow: is it asleep, overloaded, or behind a slow line? Connect again once it answers at once`,
        [
            `the first request was sent at ${moment(first)}, ${duration((came - first) * 1e6)} before that answer`,
        ]
    )
}

/** Returns that the answer to ARP was sent, but came too late or was not taken by the device's chip. */
function answerNotTaken(evidence: Evidence, server: string, since: number): Diagnosis | undefined {
    const own = evidence.self?.()
    if (own === undefined) return undefined
    for (const hop of [server, own.gateway ?? ""]) {
        const asked = askedFor(evidence, own.ip, hop, since)
        if (asked === undefined || !asked.answered) continue
        // what was sent after the answer needed it
        const isUsed = [...evidence.others, ...evidence.segments].some(
            ({ view, time }) => time > asked.first && "source" in view && view.destinationMac === asked.mac
        )
        if (isUsed) continue
        if (Number.parseInt(asked.mac.slice(0, 2), 16) & 1 || /^[0:]+$/.test(asked.mac))
            return diagnosis(
                "wrong-neighbour",
                `${hop} answers ARP with ${asked.mac}, which is no station's Ethernet address, so ${own.name} drops the answer.`,
                `look at the stack of ${hop}, and at who answers ARP for it`,
                [`the answer came from ${evidence.answeredFrom.get(hop)}`]
            )
        const came = evidence.replies.filter(({ ip, time }) => ip === hop && time >= since)
        const [first] = came
        if (first === undefined)
            return diagnosis(
                "frames-lost",
                `${hop} answered the ARP requests of ${own.name}, but no answer arrived before ${own.name} gave up: the line is too slow.`,
                "look at the rate and the delay of the line (--impair rate, delay)",
                [`the last request was sent at ${moment(asked.last)}`]
            )
        if (first.time - asked.last > ARP_WAIT) return lateAnswer(own.name, hop, first.time, asked)
        return diagnosis(
            "chip-silent",
            `${counted(came.length, "ARP reply", "ARP replies")} of ${hop} reached the port of ${own.name} since ${moment(first.time)}, but its program got none: ${chipTrouble(evidence, since) ?? "the chip drops what it receives"}.`,
            "look at the chip and its wires, and at its counters (stats)",
            [`${own.name} asked again at ${moment(asked.last)}`]
        )
    }
    return undefined
}

/** Returns that the device sent nothing at all since `since` (ms), although it had something to send. */
function silentChip(evidence: Evidence, since: number): Diagnosis | undefined {
    const { self, lastSent } = evidence
    if (lastSent !== undefined && lastSent >= since) return undefined
    const name = self?.().name ?? "the device"
    const { lastOut } = evidence
    if (lastOut !== undefined && since > lastOut.from && since < lastOut.until)
        return cableWasOut(name, lastOut.from, lastOut.until, evidence.outs)
    const last =
        lastSent === undefined
            ? "it has never sent a frame"
            : `its last frame was sent at ${moment(lastSent)}`
    return diagnosis(
        "chip-silent",
        `${name} wanted to send at ${moment(since)}, but no frame left it, not even ARP (${last}): ${chipTrouble(evidence, 0) ?? "its chip does not send, or has no link"}.`,
        LOOK_AT_CHIP,
        lastNotes(evidence)
    )
}

function noAddress(evidence: Evidence): Diagnosis | undefined {
    return evidence.voiceOf(evidence.self?.().ip ?? "") === undefined ? whyNoAddress(evidence) : undefined
}

/** Returns that another host has the device's address. */
export function addressTaken(evidence: Evidence): Diagnosis | undefined {
    const own = evidence.self?.()
    if (own === undefined) return undefined
    const others = evidence.ownersOf(own.ip).filter(mac => mac !== evidence.mac)
    const mac = others.at(-1)
    if (mac === undefined || evidence.mac === "") return undefined
    return diagnosis(
        "address-taken",
        `Two hosts have the address ${own.ip}: ${own.name} (${evidence.mac}) and the host at ${mac}. Packets for it go to the one that spoke last.`,
        "give one of them another address",
        [`ARP announced ${own.ip} at ${evidence.mac} and at ${mac}`]
    )
}

/** Returns why a host whose next hop answers ARP does not answer a ping; undefined if it was not sent one. */
export function whyNoReply(evidence: Evidence, ip: string): Diagnosis | undefined {
    const sent = evidence.others.filter(
        ({ view }) => view.kind === "icmp" && view.type === 8 && view.destination === ip
    )
    const [first] = sent
    const own = evidence.self?.()
    if (first === undefined) return undefined
    const errors = evidence.others.flatMap(({ view, lost }) => {
        if (view.kind !== "icmp" || view.source === own?.ip || lost !== undefined) return []
        const words = wordsV4(view.type, view.code)
        return words !== undefined && isRefusal(words) && quotesPing(view, ip)
            ? [{ words, by: view.source }]
            : []
    })
    const last = errors.at(-1)
    if (last !== undefined) return unreachable(ip, last.words, last.by, ip)
    const requests = counted(sent.length, "echo request")
    const base = `${ip} did not answer ${requests}: the host is off or elsewhere, or a firewall drops them.`
    const replies = evidence.others.filter(
        ({ view }) => view.kind === "icmp" && view.type === 0 && view.source === ip
    )
    const lost = replies.filter(one => one.lost !== undefined).length
    if (lost > 0 && lost === replies.length)
        return diagnosis(
            "frames-lost",
            `${ip} answered ${requests}, but the line lost ${lost === 1 ? "the answer" : `all ${lost} answers`}.`,
            AFTER_LOSS
        )
    const [reply] = replies
    if (reply !== undefined)
        return diagnosis(
            "answered-late",
            `${ip} answers pings, but too late: its first answer was sent at ${moment(reply.time)}, ${duration((reply.time - first.time) * 1e6)} after the request, and ${own?.name ?? "the device"} waits 1 s.`,
            "look at what delays packets on the way (--impair delay)",
            [reply.arrives === undefined ? undefined : `it arrives at ${moment(reply.arrives)}`]
        )
    const client = own?.ip ?? ""
    return unanswered(
        evidence,
        { client, server: ip, name: ip, asked: requests, since: first.time },
        base,
        sent
    )
}

/** Returns true for an ICMP error that quotes an echo request to a host. */
function quotesPing({ payload }: IcmpView, ip: string): boolean {
    return payload.length >= 20 && payload[9] === 1 && payload.subarray(16, 20).join(".") === ip
}
