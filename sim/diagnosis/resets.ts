// Explains the reset of a connection: which end or which other station sent it, why, and whether the receiver has to ignore it.

import { type Connection, endName, other } from "../analysis/connection"
import { whyNotAcknowledged } from "./acknowledged"
import { type Cause, type Diagnosis, diagnosis, moment } from "./diagnosis"
import type { Evidence, SegmentSighting } from "./evidence"
import { lastHeard, STUCK, segmentsOf, sentAt } from "./sightings"
import { tablesOf } from "./tables"
import { counted, duration } from "./words"

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

export function resetOf(connection: Connection, evidence?: Evidence): Diagnosis | undefined {
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
    const inexact = notExact(connection, end, evidence)
    if (inexact !== undefined) return inexact
    if (cause === "ignored-reset") {
        const always = ignoredResets(connection, end, evidence)
        if (always !== undefined) return always
    }
    const { firstSyn } = connection.handshake
    const after =
        firstSyn !== undefined && cause === "port-closed"
            ? time === firstSyn
                ? ", at once"
                : `, ${duration(time - firstSyn)} after the SYN`
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
export function isOfOlder({ resetBy, client, handshake }: Connection): boolean {
    if (resetBy?.cause !== "stale-connection" || resetBy.end !== client) return false
    // a client that has completed the handshake resets this connection
    return handshake.ack === undefined || handshake.ack > resetBy.time
}

function resetsOf(segments: readonly SegmentSighting[]): SegmentSighting[] {
    return segments.filter(({ view }) => view.flags.rst)
}

/** Returns what to do about a peer whose numbers are those of another connection. */
function connectAgain(peer: string): string {
    return `connect again: that takes another local port, so an older connection no longer matters; if the answer is wrong again, look at the stack of ${peer}, and at what changes numbers on the way (a firewall, NAT)`
}

/** Returns that a peer keeps its older connection, though it was reset more than once. */
function uselessResets(connection: Connection, end: 0 | 1, evidence?: Evidence): string | undefined {
    if (evidence === undefined) return undefined
    const resets = resetsOf(segmentsOf(connection, end, evidence)).length
    if (resets < STUCK) return undefined
    return `${counted(resets, "RST")} have not ended it: ${endName(connection, other(end))} answers as before`
}

/** Returns that the device ignores a reset whose number is in the window, but not the next one (RFC 5961 section 3.2); undefined for any other. */
function notExact(connection: Connection, end: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    const { resetBy, ends, addresses, handshake } = connection
    const own = evidence?.self?.()
    const receiver = ends[other(end)]
    if (resetBy === undefined || own?.ip !== addresses[other(end)] || handshake.ack === undefined)
        return undefined
    if (resetBy.cause === "ignored-reset" || ((resetBy.seq - receiver.ack) | 0) <= 0) return undefined
    return diagnosis(
        "ignored-reset",
        `${own.name} ignores the RST of ${endName(connection, end)}: its number is ${resetBy.seq}, and only ${receiver.ack}, the next one, ends the connection (RFC 5961 section 3.2).`,
        `look at the stack of ${endName(connection, end)}: a host that has reset the connection answers the ACK of ${own.name} by an RST with the right number`,
        [lastHeard(connection, other(end), evidence)]
    )
}

/** Returns that an end answers by nothing but resets that have to be ignored. */
function ignoredResets(connection: Connection, end: 0 | 1, evidence?: Evidence): Diagnosis | undefined {
    if (evidence === undefined || connection.ends[other(end)].unansweredRetransmissions < STUCK)
        return undefined
    const sent = segmentsOf(connection, end, evidence)
    const resets = resetsOf(sent).length
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
    const reset = resetsOf(sent)[0]?.view.sourceMac
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
    const reset = resetsOf(segmentsOf(connection, end, evidence)).at(-1)
    if (reset === undefined) return ""
    const mac = reset.view.sourceMac
    const ip = evidence.ipOf(mac)
    if (ip === undefined || ip === connection.addresses[end]) return ` from ${mac}`
    return ` from ${mac}, which is ${ip}`
}
