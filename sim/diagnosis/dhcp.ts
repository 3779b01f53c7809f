// Why a host has no address: what its DHCP client sent, and what servers answered (RFC 2131).

import { DHCP_SERVER, Kind, Option } from "../view/dhcp"
import { type Diagnosis, diagnosis, listed, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { dhcpMessages, type Message, problemOf, secondsOf } from "./lease"
import { counted } from "./words"

/** The client starts again at the end of its lease, within this time, ms. */
const EXACT = 1000

/** Returns why the device of the evidence has no address; undefined if DHCP was not used, or worked. */
export function whyNoAddress(evidence: Evidence): Diagnosis | undefined {
    const all = dhcpMessages(evidence)
    const asked = all.filter(({ isQuestion, hardware }) => isQuestion && hardware === evidence.mac)
    const own = answersTo(evidence, all).filter(one => isChosen(one, asked))
    const bound = own.filter(one => one.kind === Kind.Ack && faultOf(one, asked) === undefined).at(-1)
    // after an ACK the client sends a DISCOVER only when it has lost its address, or was restarted
    const restart = bound && asked.find(({ kind, time }) => kind === Kind.Discover && time > bound.time)?.time
    const questions = restart === undefined ? asked : asked.filter(({ time }) => time >= restart)
    const [first] = questions
    if (first === undefined) return undefined
    const tries = `${counted(questions.length, "message")} since ${moment(first.time)}`
    const nak = own.filter(({ kind }) => kind === Kind.Nak).at(-1)
    if (nak !== undefined && !own.some(({ kind, time }) => kind === Kind.Ack && time > nak.time))
        return refused(own, nak)
    const declined = asked.filter(({ kind }) => kind === Kind.Decline).at(-1)
    if (declined !== undefined && !own.some(({ kind, time }) => kind === Kind.Ack && time > declined.time))
        return taken(evidence, own, declined)
    const last = own.filter(({ time }) => restart === undefined || time >= restart).at(-1)
    if (last === undefined) {
        const damaged = all.filter(one => !one.isQuestion && !one.isWhole && one.time >= first.time).at(-1)
        if (damaged !== undefined) return wrongChecksums(damaged, tries)
        // the cable explains the silence
        if (evidence.cableOut !== undefined) return undefined
        const ended = bound && restart !== undefined ? leaseEnded(bound, restart, asked) : undefined
        return ended ?? silent(evidence, all, tries)
    }
    const problem = faultOf(last, asked)
    const isRequested = asked.some(({ kind, time }) => kind === Kind.Request && time > last.time)
    // an offer that the device requests is good enough for it
    if (problem !== undefined && !(last.kind === Kind.Offer && isRequested))
        return diagnosis(
            "dhcp-unusable",
            `The DHCP server ${last.source} answers, but the device cannot use the answer: ${problem}.`,
            "correct the server's settings",
            [`the device sent ${tries}, and got ${counted(own.length, "answer")}`]
        )
    const requests = asked.filter(({ kind, time }) => kind === Kind.Request && time >= last.time)
    if (last.kind === Kind.Offer && requests.length > 1 && evidence.cableOut === undefined)
        return diagnosis(
            "dhcp-silent",
            `The DHCP server ${last.source} offered ${last.offered}, but does not answer the request for it since ${moment(last.time)}.`,
            "look at the server's log: it may have given the address to another client",
            [lostAnswers(evidence, all)]
        )
    return undefined
}

/** Returns how far the DHCP client of a device without an address has come; undefined if it has sent nothing. */
export function addressSoFar(evidence: Evidence, name: string): Diagnosis | undefined {
    const all = dhcpMessages(evidence)
    const asked = all.filter(({ isQuestion, hardware }) => isQuestion && hardware === evidence.mac)
    const [first] = asked
    if (first === undefined) return undefined
    const last = answersTo(evidence, all).at(-1)
    const tries = `its DHCP client has sent ${counted(asked.length, "message")} since ${moment(first.time)}`
    if (last === undefined)
        return diagnosis(
            "dhcp-silent",
            `${name} has no address so far: ${tries}, and no server has answered.`,
            "is a DHCP server on this network, and is it on? Without one set an address (ip)"
        )
    const isAck = last.kind === Kind.Ack
    return diagnosis(
        "unanswered",
        `${name} has no address so far: ${tries}, and ${last.source} ${isAck ? "acknowledged" : "offered"} ${last.offered} at ${moment(last.time)}.`,
        "let the program wait for the address, or set one (ip)",
        [isAck ? `${name} probes the address by ARP before it uses it` : undefined]
    )
}

/** Returns the answers to the device that a receiver does not drop. */
function answersTo({ mac }: Evidence, all: readonly Message[]): Message[] {
    return all.filter(
        ({ isQuestion, hardware, lost, isWhole }) =>
            !isQuestion && hardware === mac && lost === undefined && isWhole
    )
}

/** Returns true unless an ACK or NAK comes from a server that the device has not chosen, which does no harm. */
function isChosen(answer: Message, asked: readonly Message[]): boolean {
    const question = asked.filter(({ time }) => time <= answer.time).at(-1)
    const chosen = question === undefined ? "" : textOf(question, Option.Server)
    if (answer.kind === Kind.Offer || chosen === "") return true
    return answer.source === chosen || textOf(answer, Option.Server) === chosen
}

/** Returns what is wrong with an answer, in itself or to the question before it; undefined if nothing is. */
function faultOf(answer: Message, asked: readonly Message[]): string | undefined {
    const problem = answer.kind === Kind.Nak ? undefined : problemOf(answer)
    if (problem !== undefined) return problem
    const question = asked.filter(({ time }) => time <= answer.time).at(-1)
    if (question === undefined) return undefined
    if (!asked.some(({ xid }) => xid === answer.xid))
        return `its answer has the number (xid) ${answer.xid}, and the device's message ${question.xid}`
    if (answer.kind !== Kind.Ack || question.kind !== Kind.Request) return undefined
    const requested = textOf(question, Option.Requested)
    const wanted = requested === "" ? question.source : requested
    if (wanted !== answer.offered)
        return `it offers ${wanted}, but acknowledges ${answer.offered}, so the device drops the ACK`
    const [chosen, server] = [textOf(question, Option.Server), textOf(answer, Option.Server)]
    if (chosen !== "" && server !== "" && chosen !== server)
        return `its ACK comes from the server ${server} (option 54), and its offer from ${chosen}`
    return undefined
}

/** Returns the address in an option; "" if the message has none. */
function textOf({ options }: Message, option: number): string {
    const bytes = options.get(option)
    return bytes?.length === 4 ? bytes.join(".") : ""
}

function refused(own: readonly Message[], nak: Message): Diagnosis {
    const said = printable(nak.options.get(Option.Message))
    const naks = own.filter(({ kind }) => kind === Kind.Nak)
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

function taken(evidence: Evidence, own: readonly Message[], declined: Message): Diagnosis {
    const before = own.filter(({ time }) => time <= declined.time).at(-1)
    const requested = textOf(declined, Option.Requested)
    const ip = requested === "" ? (before?.offered ?? "an address") : requested
    const macs = evidence.ownersOf(ip).filter(mac => mac !== evidence.mac)
    const server = before === undefined ? "The DHCP server" : `The DHCP server ${before.source}`
    return diagnosis(
        "address-taken",
        `${server} offers ${ip}, but another host has that address${macs.length > 0 ? ` (${macs.at(-1)} answers ARP for it)` : ""}, so the device declines it.`,
        `give that host another address, or take ${ip} out of the server's range`
    )
}

function wrongChecksums({ source, time }: Message, tries: string): Diagnosis {
    return diagnosis(
        "dhcp-unusable",
        `The answers of the DHCP server ${source} have wrong checksums, so the device drops them: it sent ${tries}, and has no address.`,
        `look at the network adapter of ${source}: does it compute the checksums that its system leaves to it?`,
        [`the last such answer came at ${moment(time)}`]
    )
}

/** Returns that the lease has ended without an answer to its renewals; undefined if the client has started again before. */
function leaseEnded(bound: Message, restart: number, asked: readonly Message[]): Diagnosis | undefined {
    const request = asked.filter(({ kind, time }) => kind === Kind.Request && time <= bound.time).at(-1)
    // src/net/dhcp.ts: the lease counts from the request
    const end = (request ?? bound).time + secondsOf(bound) * 1000
    if (restart + EXACT < end) return undefined
    const renewals = asked.filter(
        ({ kind, time }) => kind === Kind.Request && time > bound.time && time < restart
    )
    const [first] = renewals
    return diagnosis(
        "dhcp-silent",
        first === undefined
            ? `The lease of ${bound.offered} ended at ${moment(restart)}, and no renewal was sent.`
            : `The lease of ${bound.offered} ended at ${moment(restart)}: ${bound.source} did not answer the renewals, ${counted(renewals.length, "request")} since ${moment(first.time)}.`,
        `is the DHCP server ${bound.source} still on, and on this network?`,
        [`${bound.source} gave the lease at ${moment(bound.time)}, for ${secondsOf(bound)} s`]
    )
}

function silent(evidence: Evidence, all: readonly Message[], tries: string): Diagnosis {
    const lost = evidence.others.filter(
        ({ view, lost: gone }) =>
            view.kind === "udp" && view.destinationPort === DHCP_SERVER && gone !== undefined
    ).length
    const others = [
        ...new Set(
            all
                .filter(({ isQuestion, hardware }) => !isQuestion && hardware !== evidence.mac)
                .map(({ source }) => source)
        ),
    ]
    const heard = evidence.neighbours()
    return diagnosis(
        "dhcp-silent",
        `No DHCP server answers: ${tries}, no reply, so the device has no address.`,
        "is a DHCP server on this network, and is it on? Without one set an address (ip)",
        [
            lost > 0 ? `the line lost ${counted(lost, "message")}` : undefined,
            lostAnswers(evidence, all),
            others.length > 0 ? `${listed(others)} answered others, not this device` : undefined,
            heard.length > 0
                ? `on this network ${listed(heard)} ${heard.length === 1 ? "was" : "were"} heard`
                : undefined,
        ]
    )
}

function lostAnswers({ mac }: Evidence, all: readonly Message[]): string | undefined {
    const lost = all.filter(one => !one.isQuestion && one.hardware === mac && one.lost !== undefined)
    return lost.length === 0 ? undefined : `the line lost ${counted(lost.length, "answer")}`
}

/** Returns the printable characters of a server's message. */
function printable(bytes: Uint8Array = new Uint8Array()): string {
    return Array.from(bytes.subarray(0, 80), byte =>
        byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ""
    ).join("")
}
