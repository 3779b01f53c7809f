// Why a TCP connection did not open, ended other than by both FINs, or does not move on.

import { type Connection, endName, other } from "../analysis/connection"
import { Bit } from "../analysis/segment"
import { whyNotAcknowledged } from "./acknowledged"
import { chipTrouble, LOOK_AT_CHIP } from "./chip"
import { type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { cutShort } from "./http"
import { isRefusal, unreachable } from "./icmp"
import { AFTER_LOSS, damaged, lossesBetween, oneWay } from "./line"
import { unanswered } from "./opening"
import { refusal, unansweredRequest } from "./refusals"
import { resetOf } from "./resets"
import { areAllLost, lastHeard, STUCK, segmentsOf, sentAt } from "./sightings"
import { tablesOf } from "./tables"
import { counted, duration } from "./words"

/** A device whose connection failed and that has sent nothing for longer than this has a chip that does not send: more than the longest RTO, ms. */
const SENDLESS = 90_000
/** A connection that its server ends within this time after the handshake, without any data, was closed at once, ns. */
const AT_ONCE = 2e9
/** The first bytes of a TLS record with a handshake or an alert (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 22
const TLS_ALERT = 21

/**
 * Returns why a connection failed or does not move on; undefined if nothing is wrong with it, or it was closed by both FINs. `now` is on the
 * clock of the connection's times, ns.
 */
export function whyConnection(
    connection: Connection,
    now: number,
    evidence?: Evidence
): Diagnosis | undefined {
    return (
        cableOut(connection, now, evidence) ??
        foreignProtocol(connection, evidence) ??
        refusal(connection, evidence) ??
        (evidence && cutShort(connection, now, evidence)) ??
        unansweredRequest(connection, now, evidence) ??
        resetOf(connection, evidence) ??
        notOpened(connection, now, evidence) ??
        closedAtOnce(connection) ??
        halfClosed(connection, now, evidence) ??
        stuck(connection, now, evidence) ??
        unheard(connection, now, evidence)
    )
}

/** Returns true when both ends have sent a FIN, and no reset came before. */
export function isClosed({ ends, reset }: Connection): boolean {
    return reset === undefined && ends.every(({ fin }) => fin !== undefined)
}

function cableOut(connection: Connection, now: number, evidence?: Evidence): Diagnosis | undefined {
    const since = evidence?.cableOut
    if (since === undefined || isClosed(connection)) return undefined
    // the reset or the answer came before the cable was pulled
    if (connection.resetBy !== undefined && connection.resetBy.time < since * 1e6) return undefined
    return withoutCable(evidence?.self?.().name ?? "the device", since, now / 1e6)
}

/** Returns the diagnosis of a cable that is out. Times are in ms. */
export function withoutCable(name: string, since: number, now: number): Diagnosis {
    const start = since <= 0 ? "has been out from the beginning" : `is out since ${moment(since)}`
    const still = since > 0 && now - since >= 1 ? `, for ${duration((now - since) * 1e6)}` : ""
    return diagnosis(
        "cable-out",
        `The cable of ${name} ${start}${still}: nothing reaches the network, and nothing comes from it.`,
        "plug the cable in"
    )
}

/** A cable that was pulled out more often than this has a loose plug. */
const LOOSE = 3

/** Returns that a cable which was out, and is in again, was out; `outs` counts how often so far. Times are in ms. */
export function cableWasOut(name: string, since: number, until: number, outs: number): Diagnosis {
    const start = since <= 0 ? "the beginning" : moment(since)
    return diagnosis(
        "cable-out",
        `The cable of ${name} was out from ${start} to ${moment(until)}: meanwhile nothing reached the network, and nothing came from it.`,
        outs > LOOSE ? "look at the plugs and at the socket: the cable goes out again and again" : "",
        [outs > 1 ? `it was out ${counted(outs, "time")} so far` : undefined]
    )
}

/** Returns that one end speaks TLS and the other does not. */
function foreignProtocol(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    // two ends that go on talking understand each other
    if (evidence === undefined || (connection.closer === undefined && connection.reset === undefined))
        return undefined
    const { ends, client } = connection
    for (const from of [0, 1] as const) {
        const sent = segmentsOf(connection, from, evidence)
        const bytes = sent.find(({ view }) => view.payload.length > 2)?.view.payload
        if (bytes === undefined || !isTls(bytes) || ends[from].base === undefined) continue
        const [name, peer] = [endName(connection, from), endName(connection, other(from))]
        const isAlert = bytes[0] === TLS_ALERT
        // two ends that both speak TLS understand each other
        const answers = segmentsOf(connection, other(from), evidence)
        if (!isAlert && answers.some(({ view }) => isTls(view.payload))) continue
        return diagnosis(
            "tls",
            isAlert
                ? `${name} expects TLS, and answered the plain data of ${peer} with a TLS alert.`
                : `${name} speaks TLS (its first data is a ${from === client ? "ClientHello" : "handshake record"}), and ${peer} does not.`,
            from === client
                ? "use http instead of https: this stack has no TLS"
                : "use the server's port without TLS, or a proxy on the network that speaks TLS: this stack has none"
        )
    }
    return undefined
}

/** Returns true for data that begins as a TLS record with a handshake or an alert does. */
function isTls(data: Uint8Array): boolean {
    return (data[0] === TLS_HANDSHAKE || data[0] === TLS_ALERT) && data[1] === 3
}

/** Returns that a connection was answered after it had been explained why it was not; `isTooLate` when its client had given up. */
export function openedLate(connection: Connection, isTooLate: boolean): Diagnosis {
    const { client, ends, handshake } = connection
    const { firstSyn = 0, synAck = 0, ack = synAck } = handshake
    const server = endName(connection, other(client))
    const syns = ends[client].syns === 1 ? "" : ` (${counted(ends[client].syns, "SYN")})`
    if (isTooLate)
        return diagnosis(
            "answered-late",
            `${server} answered, but too late: its SYN-ACK came ${duration(synAck - firstSyn)} after the first SYN${syns}, when ${endName(connection, client)} had given up.`,
            "wait longer (timeout), or look at why that host is slow"
        )
    return diagnosis(
        "opened-late",
        `The connection of ${endName(connection, client)} with ${server} has opened after all: ${duration(ack - firstSyn)} after its first SYN${syns}.`,
        "",
        [`the SYN-ACK came at ${moment(synAck / 1e6)}, the ACK at ${moment(ack / 1e6)}`]
    )
}

function notOpened(connection: Connection, now: number, evidence?: Evidence): Diagnosis | undefined {
    const { ends, client, addresses, handshake, icmp, icmpBy } = connection
    const server = other(client)
    const name = endName(connection, server)
    const because = icmp === undefined ? "" : ` (${icmp})`
    if (
        connection.isSimultaneous &&
        handshake.ack === undefined &&
        ends[client].unansweredRetransmissions >= STUCK
    )
        return diagnosis(
            "handshake-unfinished",
            `${name} opened the connection at the same time (its SYN has no ACK), but never acknowledged the SYN of ${endName(connection, client)}.`,
            `look at the stack of ${name}: a SYN that crosses its own has to be answered by SYN-ACK (RFC 9293 section 3.5, figure 7)`,
            [lastHeard(connection, server, evidence)]
        )
    if (ends[client].state === "SYN-SENT" && ends[server].segments === 0) {
        const syns = ends[client].syns === 1 ? "the SYN" : counted(ends[client].syns, "SYN")
        const base = `${name} did not answer ${syns}${because || ": the host is off or elsewhere, or a firewall drops them"}.`
        if (icmp !== undefined && icmpBy !== undefined && evidence !== undefined && isRefusal(icmp))
            return unreachable(name, icmp, icmpBy, addresses[server])
        if (icmp !== undefined && evidence === undefined) return diagnosis("unreachable", base)
        const full = tablesOf(connection, evidence)
        if (full !== undefined) return full
        const bad = damaged(evidence, addresses[client], addresses[server], connection.firstTime / 1e6)
        if (bad !== undefined) return bad
        const advice = "is the host on, and is the address right?"
        if (evidence === undefined) return diagnosis("unanswered", base, advice)
        const since = (handshake.firstSyn ?? connection.firstTime) / 1e6
        const attempt = { client: addresses[client], server: addresses[server], name, asked: syns, since }
        const sent = segmentsOf(connection, client, evidence)
        const answer = segmentsOf(connection, server, evidence).filter(({ view }) => view.flags.syn)
        if (answer.length > 0)
            return diagnosis(
                "frames-lost",
                `${name} answered ${syns} by SYN-ACK, but the line lost every one of ${answer.length}.`,
                AFTER_LOSS
            )
        return unanswered(evidence, attempt, base, sent)
    }
    const odd = answeredWithoutSyn(connection, evidence)
    if (odd !== undefined) return odd
    if (ends[server].state === "SYN-RECEIVED") {
        if (isOnItsWay(connection, now, evidence)) return undefined
        const astray = sentElsewhere(connection, server, evidence)
        if (astray !== undefined) return astray
        const unheard =
            ends[client].unansweredRetransmissions < STUCK
                ? undefined
                : whyNotAcknowledged(connection, client, now, evidence)
        if (unheard !== undefined) return unheard
        const silence = now - connection.lastTime > 1e9 ? silenceOf(connection, now) : ""
        return (
            tablesOf(connection, evidence) ??
            damaged(evidence, addresses[client], addresses[server], connection.firstTime / 1e6) ??
            oneWay(connection, evidence) ??
            lossesBetween(evidence, addresses[client], addresses[server], connection.firstTime / 1e6) ??
            diagnosis(
                "handshake-unfinished",
                `${endName(connection, client)} did not complete the handshake${because}${silence}.`,
                "does the client still want the connection? A scan or a flood leaves such handshakes",
                [
                    `${endName(connection, server)} sent SYN-ACK ${counted(ends[server].syns, "time")}, and no ACK came`,
                    lastHeard(connection, client, evidence),
                ]
            )
        )
    }
    if (ends[0].segments + ends[1].segments === 0)
        return diagnosis("unreachable", `${icmp ?? "Nothing is known of it"}.`)
    return undefined
}

/** The time that the ACK of a handshake may take on a slow line, ns. */
const ON_ITS_WAY = 10e9

/** Returns true when the device has sent the ACK that completes the handshake a moment ago, and no line has lost it. */
function isOnItsWay(connection: Connection, now: number, evidence?: Evidence): boolean {
    const { client, handshake, addresses } = connection
    if (evidence?.self?.().ip !== addresses[client] || handshake.ack === undefined) return false
    const last = segmentsOf(connection, client, evidence).at(-1)
    return last !== undefined && last.lost === undefined && now - handshake.ack < ON_ITS_WAY
}

/** Returns that a server answers a SYN, but never by a SYN of its own. */
function answeredWithoutSyn(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    const { ends, client, handshake, isMidway } = connection
    const server = other(client)
    const { segments, syns, lastBits } = ends[server]
    if (handshake.firstSyn === undefined || isMidway || segments === 0 || syns > 0) return undefined
    // a reset has rules of its own, and one such segment may be of an older connection
    if (connection.reset !== undefined || lastBits & Bit.Rst || ends[client].syns < STUCK) return undefined
    const [name, peer] = [endName(connection, server), endName(connection, client)]
    return diagnosis(
        "handshake-unfinished",
        `${name} answers the SYN of ${peer} by ${counted(segments, "segment")} without SYN, which opens no connection (RFC 9293 section 3.10.7.3).`,
        `look at the stack of ${name}, and at what answers in its name on the way (a firewall, a proxy)`,
        [lastHeard(connection, server, evidence)]
    )
}

/** Returns that a host sends the device's segments to another Ethernet address. */
function sentElsewhere(connection: Connection, server: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    const own = evidence?.self?.()
    if (evidence === undefined || own?.ip !== connection.addresses[other(server)]) return undefined
    const mac = segmentsOf(connection, server, evidence).at(-1)?.view.destinationMac
    if (mac === undefined || evidence.mac === "" || mac === evidence.mac) return undefined
    return diagnosis(
        "wrong-neighbour",
        `${connection.addresses[server]} sends its answers to ${mac}, not to ${own.name} (${evidence.mac}): its ARP table is wrong.`,
        `look for a fixed entry for ${own.ip} in the ARP table of ${connection.addresses[server]}, and for another host with that address`
    )
}

/** Returns why a connection failed without a sign of it in its segments. */
export function whyDropped(connection: Connection, now: number, evidence: Evidence): Diagnosis | undefined {
    const { client, addresses } = connection
    return (
        tablesOf(connection, evidence) ??
        sendsNoMore(connection, now, evidence) ??
        whyNotAcknowledged(connection, client, now, evidence) ??
        lossesBetween(evidence, addresses[0], addresses[1], connection.firstTime / 1e6)
    )
}

/** Returns the diagnosis of a chip that has failed, because the device has sent no frame for SENDLESS; undefined if it has sent one. */
function sendsNoMore(connection: Connection, now: number, evidence: Evidence): Diagnosis | undefined {
    const { lastSent, self } = evidence
    if (lastSent === undefined || now / 1e6 - lastSent < SENDLESS) return undefined
    const name = self?.().name ?? "the device"
    return diagnosis(
        "chip-silent",
        `${name} has sent no frame since ${moment(lastSent)}, although it had to for the connection of ${endName(connection, 0)} and ${endName(connection, 1)}: ${chipTrouble(evidence, lastSent) ?? "its chip does not send any more"}.`,
        LOOK_AT_CHIP,
        lastNotes(evidence)
    )
}

/** Returns what the program printed last, and what happened last to its chip. */
export function lastNotes({ said, note }: Evidence): (string | undefined)[] {
    return [
        said === undefined ? undefined : `the program printed at ${moment(said.time)}: ${said.text}`,
        note === undefined ? undefined : `the chip at ${moment(note.time)}: ${note.text}`,
    ]
}

/** Returns that the server closed without a word. */
function closedAtOnce(connection: Connection): Diagnosis | undefined {
    const { ends, client, closer, handshake, reset } = connection
    const server = other(client)
    // what is not acknowledged afterwards is the greater trouble
    if (ends[client].unansweredRetransmissions >= STUCK) return undefined
    if (closer !== server || reset !== undefined || ends[server].bytes > 0) return undefined
    const opened = handshake.ack ?? handshake.synAck
    if (opened === undefined || connection.finTime === undefined) return undefined
    const after = connection.finTime - opened
    if (after > AT_ONCE || ends[client].bytes > MUCH) return undefined
    const name = endName(connection, server)
    return diagnosis(
        "closed-at-once",
        `${name} accepted the connection and closed it ${duration(after)} later, without sending anything${ends[client].bytes > 0 ? ` in answer to ${counted(ends[client].bytes, "byte")}` : ""}.`,
        "does that server accept this client (its address, its protocol), and does its program still run?"
    )
}

/** A server that was sent more than this has not closed at once. */
const MUCH = 2000

function halfClosed(connection: Connection, now: number, evidence?: Evidence): Diagnosis | undefined {
    const { closer, ends } = connection
    if (closer === undefined) return undefined
    const isAcknowledged = ends.every(({ state }) => state === "CLOSED" || state === "TIME-WAIT")
    if (isAcknowledged) return undefined
    for (const from of [0, 1] as const) {
        if (ends[from].unansweredRetransmissions < STUCK) continue
        const why = whyNotAcknowledged(connection, from, now, evidence)
        if (why !== undefined) return why
    }
    const [a, b] = connection.addresses
    const since = connection.firstTime / 1e6
    const line =
        damaged(evidence, a, b, since) ??
        finsLost(connection, other(closer), evidence) ??
        lossesBetween(evidence, a, b, since)
    if (line !== undefined) return line
    const silence = silenceOf(connection, now)
    const [first, second] = [endName(connection, closer), endName(connection, other(closer))]
    return ends[other(closer)].fin === undefined
        ? diagnosis(
              "half-closed",
              `${first} closed, ${second} has not yet${silence}: its side is half-open.`,
              `let the program at ${second} close its side, too`
          )
        : diagnosis(
              "half-closed",
              `Both ends have closed, ${first} first, but not every FIN was acknowledged${silence}.`
          )
}

/** Returns that an end has closed, but the line lost all of its FINs. */
function finsLost(connection: Connection, end: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    if (evidence === undefined || connection.ends[end].fin !== undefined) return undefined
    const fins = segmentsOf(connection, end, evidence).filter(({ view }) => view.flags.fin)
    if (!areAllLost(fins)) return undefined
    return diagnosis(
        "frames-lost",
        `${endName(connection, end)} has closed, too, but the line lost its FIN every time, ${fins.length} of ${fins.length}.`,
        "look at what drops segments with a FIN on the way: a firewall, or a line that loses"
    )
}

function stuck(connection: Connection, now: number, evidence?: Evidence): Diagnosis | undefined {
    const { ends, icmp, icmpBy } = connection
    const because = icmp === undefined ? "" : ` (${icmp})`
    for (const from of [0, 1] as const) {
        const { shutSince, unansweredRetransmissions, unansweredKeepAlives } = ends[from]
        const peer = endName(connection, other(from))
        if (shutSince !== undefined && !isClosed(connection))
            return windowShut(connection, from, now - shutSince, evidence)
        if (unansweredRetransmissions >= STUCK) {
            const why = whyNotAcknowledged(connection, from, now, evidence)
            if (why !== undefined) return why
            return diagnosis(
                "not-acknowledged",
                `${peer} does not acknowledge any more: ${counted(unansweredRetransmissions, "retransmission")} without an answer${because}.`,
                "is the other host still on, and is the line good?",
                [
                    lastHeard(connection, other(from), evidence),
                    icmpBy === undefined ? undefined : `${icmpBy}: ${icmp}`,
                ]
            )
        }
        if (unansweredKeepAlives >= STUCK)
            return diagnosis(
                "peer-vanished",
                `${peer} answers no more: ${counted(unansweredKeepAlives, "keep-alive")} without an answer${because}.`,
                "is the other host still on, and is its cable in?",
                [lastHeard(connection, other(from), evidence)]
            )
    }
    return undefined
}

/** Returns that an end has kept its window at 0 for `shut` ns, and whether the data that its program has not read explains it. */
function windowShut(connection: Connection, from: 0 | 1, shut: number, evidence?: Evidence): Diagnosis {
    const { ends } = connection
    const [name, peer] = [endName(connection, from), endName(connection, other(from))]
    const windows = evidence === undefined ? [] : segmentsOf(connection, from, evidence)
    const widest = Math.max(0, ...windows.map(({ view }) => view.window))
    const { base, next } = ends[other(from)]
    const taken = (ends[from].ack - (base ?? next) - 1) >>> 0
    const isOdd = widest > taken
    const { shutSince = 0 } = ends[from]
    return diagnosis(
        "window-shut",
        `The window of ${name} was shut for the last ${duration(shut)}: its program does not read${isOdd ? ", or its stack keeps the window at 0 for a reason of its own" : ""}.`,
        `let the program at ${name} read${isOdd ? ", and look at the memory of its stack" : ""}; ${peer} cannot send until then`,
        [
            `${name} advertised window 0 at ${sentAt(connection, from, shutSince, evidence)}`,
            isOdd
                ? `its window was ${counted(widest, "byte")} before, and it has taken only ${taken}: unread data alone does not fill it`
                : undefined,
            lastHeard(connection, from, evidence),
        ]
    )
}

/** Returns why segments of the peer do not arrive at the device, which notices nothing; only the network shows it. */
function unheard(connection: Connection, now: number, evidence?: Evidence): Diagnosis | undefined {
    if (evidence === undefined || isClosed(connection)) return undefined
    const one = oneWay(connection, evidence)
    if (one !== undefined) return one
    if (now - connection.lastTime < AT_ONCE) return undefined
    const late = ([0, 1] as const).flatMap(end =>
        segmentsOf(connection, end, evidence).filter(({ time }) => time * 1e6 > connection.lastTime)
    )
    const [a, b] = connection.addresses
    if (!areAllLost(late)) return undefined
    return lossesBetween(evidence, a, b, connection.firstTime / 1e6)
}

function silenceOf({ lastTime }: Connection, now: number): string {
    return now - lastTime > 1e9 ? `, and nothing came in the last ${duration(now - lastTime)}` : ""
}
