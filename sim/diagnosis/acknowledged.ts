// Why the segments of an end are not acknowledged: the line, what was reported by ICMP, the stacks of both ends, a host that has vanished.

import { type Connection, endName, other, UNKNOWN } from "../analysis/connection"
import { Bit } from "../analysis/segment"
import { type Diagnosis, diagnosis } from "./diagnosis"
import type { Evidence } from "./evidence"
import { reported } from "./icmp"
import { afterTooLong, damaged, isNear, lossesBetween, oneWay, sameBytesLost } from "./line"
import { inPieces, withoutNeighbour } from "./opening"
import { lastHeard, STUCK, segmentsOf, sentAt } from "./sightings"
import { counted } from "./words"

/** Data of at least this length may be too long for a path; shorter data passes every one in use. */
const LONG = 200

/** Returns why the segments of an end are not acknowledged; undefined if nothing shows it. `now` is in ns. */
export function whyNotAcknowledged(
    connection: Connection,
    from: 0 | 1,
    now: number,
    evidence?: Evidence
): Diagnosis | undefined {
    const { ends, addresses } = connection
    const sender = ends[from]
    const receiver = ends[other(from)]
    const [name, peer] = [endName(connection, from), endName(connection, other(from))]
    const since = Math.max(connection.firstTime, receiver.time) / 1e6
    const [source, destination] = [addresses[from], addresses[other(from)]]
    const found =
        damaged(evidence, source, destination, since) ??
        oneWay(connection, evidence) ??
        lossesBetween(evidence, source, destination, since) ??
        lossesBetween(evidence, source, destination, connection.firstTime / 1e6) ??
        notAccepted(connection, other(from), evidence) ??
        reported(connection, from)
    if (found !== undefined) return found
    if (evidence?.self?.().ip === destination) return notTaken(connection, from, evidence)
    const { repeatedLength, passedLength } = sender
    const alive = evidence?.voiceOf(destination)
    const isAlive = receiver.time > sender.nextTime || (alive !== undefined && alive.time > since + 1)
    if (repeatedLength >= LONG && repeatedLength > passedLength && (isAlive || passedLength > 0))
        return diagnosis(
            "mtu",
            `Segments of ${repeatedLength} bytes from ${name} are not acknowledged, while shorter ones get through${passedLength > 0 ? ` (${passedLength} bytes)` : ""}: a link ${isNear(evidence, source, destination) ? "or switch on the way carries no packets of" : "on the way carries no packets of"} ${repeatedLength + 40} bytes${isNear(evidence, source, destination) ? "" : ", and no ICMP message says so"}.`,
            afterTooLong(isNear(evidence, source, destination)),
            [
                `${counted(sender.unansweredRetransmissions, "retransmission")} of ${repeatedLength} bytes without an answer`,
                lastHeard(connection, other(from), evidence),
            ]
        )
    if (evidence === undefined) return undefined
    const silent = withoutNeighbour(evidence, {
        client: source,
        server: destination,
        name: peer,
        asked: "",
        since,
    })
    const last = lastHeard(connection, other(from), evidence)
    if (silent !== undefined) return { ...silent, evidence: [...silent.evidence, last] }
    const same = sameNumber(connection, from, last) ?? inPieces(evidence, destination, since)
    if (same !== undefined) return same
    const tries =
        sender.unansweredRetransmissions > 0
            ? counted(sender.unansweredRetransmissions, "retransmission")
            : counted(sender.unansweredKeepAlives, "keep-alive")
    const isTried = sender.unansweredRetransmissions + sender.unansweredKeepAlives > 0
    if (now - receiver.time < 1e9 || !isTried) return undefined
    return diagnosis(
        "peer-vanished",
        `${peer} has vanished: nothing came from it since ${sentAt(connection, other(from), receiver.time, evidence)}, and ${tries} ${tries.startsWith("1 ") ? "has" : "have"} no answer${isAlive ? `, though ${destination} still answers ${alive?.what ?? "ARP"}` : ""}.`,
        isAlive
            ? `does ${destination} still have the connection? It may have restarted behind a firewall that drops resets`
            : `is ${destination} still on, and is its cable in?`,
        [last]
    )
}

/** Returns what is wrong with the segments of a peer that the device acknowledges no further; undefined if nothing shows it. */
function notTaken(connection: Connection, from: 0 | 1, evidence: Evidence): Diagnosis | undefined {
    const { ends, isReused } = connection
    const sender = ends[from]
    const receiver = ends[other(from)]
    const name = endName(connection, from)
    const own = evidence.self?.().name
    if (isReused && (sender.lastBits & (Bit.Syn | Bit.Ack)) === Bit.Syn)
        return diagnosis(
            "peer-vanished",
            `${name} has restarted: it opens the connection anew by a SYN, but does not reset the old one when ${own} answers by an ACK.`,
            "close or abort the old connection",
            [lastHeard(connection, from, evidence)]
        )
    const last = segmentsOf(connection, from, evidence)
        .filter(({ view }) => view.length > 0)
        .at(-1)?.view
    const gap = last === undefined ? 0 : (last.seq - receiver.ack) | 0
    if (gap <= 0 || sender.base === undefined || receiver.time < sender.nextTime) return undefined
    const lost = sameBytesLost(connection, from, receiver.ack, evidence)
    if (lost !== undefined) return lost
    const first = (receiver.ack - sender.base) >>> 0
    return diagnosis(
        "not-acknowledged",
        `${name} does not send ${gap === 1 ? `byte ${first}` : `bytes ${first} to ${first + gap - 1}`} again, but only what follows: ${own} asks for them in vain, and its program gets nothing beyond.`,
        `look at the stack of ${name}: it has to send again what was not acknowledged (RFC 9293 section 3.8)`,
        [lastHeard(connection, from, evidence)]
    )
}

/** Returns that an end still answers, but with the same acknowledgment number. */
function sameNumber(connection: Connection, from: 0 | 1, last: string): Diagnosis | undefined {
    const sender = connection.ends[from]
    const receiver = connection.ends[other(from)]
    const missing = (sender.next - receiver.ack) | 0
    if (sender.base === undefined || receiver.ack === UNKNOWN || missing <= 0) return undefined
    if (receiver.time <= sender.nextTime || (receiver.lastBits & Bit.Ack) === 0) return undefined
    const [name, peer] = [endName(connection, from), endName(connection, other(from))]
    const taken = (receiver.ack - sender.base - 1) >>> 0
    const isFin = sender.fin !== undefined && receiver.ack === sender.fin
    return diagnosis(
        "not-acknowledged",
        isFin
            ? `${peer} still answers, but does not acknowledge the FIN of ${name}.`
            : `${peer} still answers, but acknowledges only ${counted(taken, "byte")} of ${name}, ${counted(missing, "byte")} less than were sent.`,
        `look at the stack of ${peer}, and at what drops or changes segments on the way`,
        [last]
    )
}

/** The drops of segments whose numbers do not fit. */
const UNFIT = ["tcp-unacceptable", "tcp-bad-ack", "tcp-paws", "tcp-no-ack"]

/** Returns that the device drops what a peer sends, because its numbers do not fit. */
function notAccepted(connection: Connection, from: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    const { addresses, firstTime } = connection
    const own = evidence?.self?.()
    if (evidence === undefined || own?.ip !== addresses[other(from)]) return undefined
    const drops = evidence.drops.filter(
        ({ ip, reason, time }) => ip === own.ip && UNFIT.includes(reason) && time * 1e6 >= firstTime
    )
    const last = segmentsOf(connection, from, evidence).at(-1)
    if (drops.length < STUCK || last === undefined) return undefined
    const { ack: expected, next } = connection.ends[other(from)]
    const name = endName(connection, from)
    const isOfAck = drops.at(-1)?.reason === "tcp-bad-ack"
    if (drops.every(({ reason }) => reason === "tcp-no-ack"))
        return diagnosis(
            "wrong-number",
            `${own.name} drops the segments of ${name}, because they lack the ACK flag, which every segment after the first SYN has (RFC 9293 section 3.10.7.4).`,
            `look at the stack of ${name}`,
            [lastHeard(connection, from, evidence)]
        )
    return diagnosis(
        "wrong-number",
        isOfAck
            ? `${name} acknowledges ${last.view.ack}, but ${own.name} has sent nothing beyond ${next}, so it drops the segments of ${name}.`
            : `${own.name} drops the segments of ${name}, because their numbers do not fit: the last has sequence number ${last.view.seq}, but ${expected} comes next.`,
        `look at the stack of ${name}, and at what changes numbers on the way (a firewall, NAT); connect again only if one of them was restarted`,
        [
            isOfAck ? `that is ${counted((last.view.ack - next) >>> 0, "byte")} beyond` : undefined,
            `${own.name} reported ${counted(drops.length, "drop")}: ${[...new Set(drops.map(({ reason }) => reason))].join(", ")}`,
            lastHeard(connection, from, evidence),
        ]
    )
}
