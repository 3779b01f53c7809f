// Why a TCP connection did not open, ended other than by both FINs, or does not move on.

import { type Connection, type End, endName, other, UNKNOWN } from "../analysis/connection"
import { Bit } from "../analysis/segment"
import { type Cause, type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { afterTooLong, damaged, isNear, lossesBetween } from "./line"
import { inPieces, unanswered, withoutNeighbour } from "./opening"
import { refusal } from "./refusals"
import { segmentsOf, sentAt } from "./sightings"
import { counted, duration } from "./words"

/** Retransmissions and keep-alives without an answer from which on a connection is stuck. */
const STUCK = 2
/** A device whose connection failed and that has sent nothing for longer than this has a chip that does not send: more than the longest RTO, ms. */
const SENDLESS = 90_000
/** A connection that its server ends within this time after the handshake, without any data, was closed at once, ns. */
const AT_ONCE = 2e9
/** Data of at least this length may be too long for a path; shorter data passes every one in use. */
const LONG = 200
/** The first bytes of a TLS record with a handshake or an alert (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 22
const TLS_ALERT = 21

/** What to do about a reset, by its cause. */
const afterReset: { readonly [cause in Cause]?: string } = {
    "port-closed": "start the server, or look at the port's number",
    withdrawn: "nothing, if the client only looked; else look why it gave up",
    "stale-connection": "connect again",
    "reset-after-close": "nothing, if all data had arrived; else let the other end read until the FIN",
    "peer-vanished": "is the other host still on, and is its cable in?",
    "not-acknowledged": "is the other host still on, and is the line good?",
    "ignored-reset": "nothing: the connection goes on",
    reset: "look at what the program at that end does: it aborted, ended, or closed with data unread",
}

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

function resetOf(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    const { reset, resetBy, ends } = connection
    if (reset === undefined || resetBy === undefined) return undefined
    const { end, cause, time } = resetBy
    // a reset after both FINs takes nothing away, and an older connection of the peer's is over once the peer answers the SYN
    const isClosed = cause === "reset-after-close" && ends.every(({ fin }) => fin !== undefined)
    const { synAck = 0, ack = 0 } = connection.handshake
    const isRepaired =
        (isOfOlder(connection) && synAck > time) ||
        (connection.client === end && cause === "wrong-number" && ack > time)
    if (isClosed || isRepaired) return undefined
    const deeper =
        cause === "not-acknowledged" || cause === "peer-vanished"
            ? whyNotAcknowledged(connection, end, time, evidence)
            : undefined
    if (deeper !== undefined) return { ...deeper, evidence: [reset, ...deeper.evidence] }
    const full = tablesOf(connection, evidence) ?? byAnotherStation(connection, end, evidence)
    if (full !== undefined) return full
    if (cause === "ignored-reset") {
        const always = ignoredResets(connection, end, evidence)
        if (always !== undefined) return always
    }
    const { firstSyn } = connection.handshake
    const after =
        firstSyn !== undefined && cause === "port-closed"
            ? `, ${duration(time - firstSyn)} after the SYN`
            : ""
    const isOwn = evidence?.self?.().ip === connection.addresses[end]
    const at = `${sentAt(connection, end, time, evidence)}${after}`
    const advice =
        cause === "wrong-number" || isOfOlder(connection)
            ? connectAgain(endName(connection, other(end)))
            : afterReset[cause]
    return diagnosis(cause, reset, advice, [
        isOwn
            ? `${evidence?.self?.().name} sent the RST at ${at}`
            : `the RST${stationOf(connection, end, evidence)} was sent at ${at}`,
        isOfOlder(connection) ? uselessResets(connection, end, evidence) : undefined,
        ends[end].segments > 1 || ends[other(end)].segments > 1
            ? lastHeard(connection, other(end), evidence)
            : undefined,
    ])
}

/** Returns true when the client has reset an older connection of the peer, which had answered its SYN (RFC 9293 section 3.5.1, figure 10). */
export function isOfOlder({ resetBy, client }: Connection): boolean {
    return resetBy?.cause === "stale-connection" && resetBy.end === client
}

/** Returns what to do about a peer whose numbers are those of another connection. */
function connectAgain(peer: string): string {
    return `connect again: that takes another local port, so an older connection no longer matters; if the answer is wrong again, look at the stack of ${peer}, and at what changes numbers on the way (a firewall, NAT)`
}

/** Returns that a peer keeps its older connection, though it was reset more than once. */
function uselessResets(connection: Connection, end: 0 | 1, evidence?: Evidence): string | undefined {
    if (evidence === undefined) return undefined
    const resets = segmentsOf(connection, end, evidence).filter(({ view }) => view.flags.rst).length
    if (resets < STUCK) return undefined
    return `${counted(resets, "RST")} have not ended it: ${endName(connection, other(end))} answers as before`
}

/** Returns that an end answers by nothing but resets that have to be ignored. */
function ignoredResets(connection: Connection, end: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    if (evidence === undefined || connection.ends[other(end)].unansweredRetransmissions < STUCK)
        return undefined
    const sent = segmentsOf(connection, end, evidence)
    const resets = sent.filter(({ view }) => view.flags.rst).length
    const [name, peer] = [endName(connection, end), endName(connection, other(end))]
    if (resets < STUCK || sent.at(-1)?.view.flags.rst !== true) return undefined
    const isOpen = connection.handshake.ack !== undefined
    return diagnosis(
        "wrong-number",
        `${name} answers ${peer} by RSTs with a wrong number, ${resets} so far, which have to be ignored (${isOpen ? "RFC 5961 section 3.2" : "RFC 9293 section 3.10.7.3"}), and by nothing else.`,
        `look at the stack of ${name}, and at what changes numbers on the way (a firewall, NAT)`,
        [lastHeard(connection, end, evidence)]
    )
}

/** Returns that a reset came from another Ethernet address than the segments of its end before. */
function byAnotherStation(connection: Connection, end: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    if (evidence === undefined || evidence.self?.().ip === connection.addresses[end]) return undefined
    const sent = segmentsOf(connection, end, evidence)
    const reset = sent.find(({ view }) => view.flags.rst)?.view.sourceMac
    const before = sent.find(({ view }) => !view.flags.rst)?.view.sourceMac
    if (reset === undefined || before === undefined || reset === before) return undefined
    const [name, address] = [endName(connection, end), connection.addresses[end]]
    const hasMoved = evidence.ownersOf(address).at(-1) === reset
    return diagnosis(
        "reset",
        hasMoved
            ? `${address} has moved from ${before} to ${reset}, whose host does not know the connection with ${name}: it sent an RST.`
            : `The RST was not sent by ${name}, whose segments come from ${before}, but by the station at ${reset}.`,
        hasMoved
            ? "connect again; if both hosts are on, give one of them another address"
            : "look at that station: a firewall that ends connections, or somebody who forges segments",
        [`the RST was sent at ${moment((connection.resetBy?.time ?? 0) / 1e6)}`]
    )
}

/** Returns words for the Ethernet address of a reset's sender, and whose it is in ARP. */
function stationOf(connection: Connection, end: 0 | 1, evidence?: Evidence): string {
    if (evidence === undefined) return ""
    const reset = segmentsOf(connection, end, evidence)
        .filter(({ view }) => view.flags.rst)
        .at(-1)
    if (reset === undefined) return ""
    const mac = reset.view.sourceMac
    const ip = evidence.ipOf(mac)
    if (ip === undefined || ip === connection.addresses[end]) return ` from ${mac}`
    return ` from ${mac}, which is ${ip}`
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
        if (icmp !== undefined && icmpBy !== undefined && evidence !== undefined && !/redirect/.test(icmp))
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
                "look at the cable and at the switch, or lower the loss (--impair)"
            )
        return unanswered(evidence, attempt, base, sent)
    }
    if (ends[server].state === "SYN-RECEIVED") {
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

function unreachable(name: string, icmp: string, by: string, server: string): Diagnosis {
    const words = codeWords(icmp)
    return diagnosis(
        "unreachable",
        `${by} reports that ${name} cannot be reached: ${words} (${icmp}).`,
        icmp.includes("prohibited")
            ? `a firewall forbids it: let it through at ${by}, or use another port`
            : by === server || icmp.endsWith("port")
              ? "start the server, or look at the port's number"
              : `is ${server} the right address, and does ${by} know the way to it?`
    )
}

const codes: readonly (readonly [RegExp, string])[] = [
    [/unreachable: network/, "there is no route to its network"],
    [/unreachable: host/, "the last router does not get an answer from the host"],
    [/unreachable: protocol/, "the host has no TCP"],
    [/unreachable: port/, "the port is closed"],
    [/fragmentation needed/, "a packet is too long for the path and must not be fragmented"],
    [/prohibited|code 9|code 10|code 13/, "a firewall forbids it"],
    [/too many hops/, "routers send the packets in a circle, or the way is too long"],
]

function codeWords(icmp: string): string {
    return codes.find(([form]) => form.test(icmp))?.[1] ?? "the code says no more"
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
        `${name} has sent no frame since ${moment(lastSent)}, although it had to for the connection of ${endName(connection, 0)} and ${endName(connection, 1)}: its chip does not send any more.`,
        "look at the chip and its wires; the self test of a board names what is wrong",
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

/** Returns whose tables were full when the segments of a connection were dropped. */
function tablesOf(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
    const { addresses, firstTime, client } = connection
    const drops = evidence?.drops.filter(
        ({ ip, reason, time }) =>
            (reason === "backlog-full" || reason === "connections-full") &&
            time * 1e6 >= firstTime &&
            ip === addresses[other(client)]
    )
    const drop = drops?.at(-1)
    if (drops === undefined || drop === undefined) return undefined
    const name = endName(connection, other(client))
    const own = evidence?.self?.()
    const whose = drop.ip === own?.ip ? own.name : drop.ip
    const seen = [
        `${whose} reported ${drop.reason} ${counted(drops.length, "time")}, last at ${moment(drop.time)}`,
    ]
    return drop.reason === "backlog-full"
        ? diagnosis(
              "backlog-full",
              `The backlog of ${name} is full: connections wait there that its program has not accepted, so ${whose} drops the handshake of ${endName(connection, client)}.`,
              "let the program accept connections, or listen with a larger backlog",
              seen
          )
        : diagnosis(
              "tables-full",
              `All connection records of ${whose} are in use, so it drops the handshake of ${endName(connection, client)}.`,
              "close connections there, or configure more (connections)",
              seen
          )
}

/** Returns that the server closed without a word. */
function closedAtOnce(connection: Connection): Diagnosis | undefined {
    const { ends, client, closer, handshake, reset } = connection
    const server = other(client)
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
    if (fins.length < STUCK || fins.some(({ lost }) => lost === undefined)) return undefined
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
        if (shutSince !== undefined) return windowShut(connection, from, now - shutSince, evidence)
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
    if (evidence === undefined || isClosed(connection) || now - connection.lastTime < AT_ONCE)
        return undefined
    const late = ([0, 1] as const).flatMap(end =>
        segmentsOf(connection, end, evidence).filter(({ time }) => time * 1e6 > connection.lastTime)
    )
    if (late.length < STUCK || late.some(({ lost }) => lost === undefined)) return undefined
    const [a, b] = connection.addresses
    return lossesBetween(evidence, a, b, connection.firstTime / 1e6)
}

/** Returns why the segments of an end are not acknowledged; undefined if nothing shows it. `now` is in ns. */
function whyNotAcknowledged(
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
        lossesBetween(evidence, source, destination, since) ??
        lossesBetween(evidence, source, destination, connection.firstTime / 1e6) ??
        answersLost(connection, other(from), since, evidence) ??
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

/** Returns that an end answers, but the line loses all that it sends since `since`, ms. */
function answersLost(
    connection: Connection,
    end: 0 | 1,
    since: number,
    evidence?: Evidence
): Diagnosis | undefined {
    if (evidence === undefined) return undefined
    const sent = segmentsOf(connection, end, evidence).filter(({ time }) => time > since)
    if (sent.length < STUCK || sent.some(({ lost }) => lost === undefined)) return undefined
    return diagnosis(
        "frames-lost",
        `${endName(connection, end)} answers, but the line lost all ${counted(sent.length, "segment")} that it sent since ${moment(since)}.`,
        "look at the cable and at the switch, or lower the loss (--impair)",
        [lastHeard(connection, end, evidence)]
    )
}

/** Returns what a router or the other host has reported by ICMP about the segments of an end. */
function reported(connection: Connection, from: 0 | 1): Diagnosis | undefined {
    const { icmp, icmpBy, addresses, ends } = connection
    if (icmp === undefined || icmpBy === undefined || /redirect/.test(icmp)) return undefined
    const [name, peer] = [endName(connection, from), endName(connection, other(from))]
    if (/fragmentation needed/.test(icmp))
        return diagnosis(
            "mtu",
            `${icmpBy} reports that packets of ${name} are too long for the way (${icmp}), and ${name} still sends segments of ${counted(ends[from].repeatedLength, "byte")}.`,
            "use a smaller MSS on either end: look at the MTU that the report names"
        )
    return unreachable(peer, icmp, icmpBy, addresses[other(from)])
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

/** Returns what was heard last from both ends of a connection. */
export function lastWords(connection: Connection, evidence?: Evidence): string[] {
    const { client } = connection
    return [client, other(client)].map(end => lastHeard(connection, end, evidence))
}

/** Returns what was heard last from an end. */
function lastHeard(connection: Connection, end: 0 | 1, evidence?: Evidence): string {
    const one = connection.ends[end]
    if (one.segments === 0) return `nothing was ever heard from ${endName(connection, end)}`
    return `last from ${endName(connection, end)}: ${segmentWords(one)} at ${sentAt(connection, end, one.time, evidence)}`
}

function segmentWords({ lastBits, lastLength, window }: End): string {
    const flags = [
        ...(lastBits & Bit.Rst ? ["RST"] : []),
        ...(lastBits & Bit.Syn ? ["SYN"] : []),
        ...(lastBits & Bit.Fin ? ["FIN"] : []),
        ...(lastBits & Bit.Ack ? ["ACK"] : []),
    ].join("-")
    const data = lastLength > 0 ? ` with ${counted(lastLength, "byte")}` : ""
    return `${flags || "a segment"}${data}, window ${Math.max(0, window)}`
}

function silenceOf({ lastTime }: Connection, now: number): string {
    return now - lastTime > 1e9 ? `, and nothing came in the last ${duration(now - lastTime)}` : ""
}
