// Says of a connection in one sentence each how it began and how it ended.

import { type Connection, endName, other } from "./connection"
import { counted, duration } from "./wording"

/** Returns how the handshake went, with its times. */
export function beginning(connection: Connection): string {
    const { ends, client, handshake, isMidway, isSimultaneous } = connection
    const { firstSyn, synAck, ack } = handshake
    const syns = ends[client].syns
    const tries = syns > 1 ? ` after ${counted(syns, "SYN")}` : ""
    if (ends[0].segments + ends[1].segments === 0) return "Only an ICMP error about it was captured."
    if (firstSyn === undefined)
        return isMidway
            ? "The capture begins in the middle of this connection: both ends are taken as ESTABLISHED before, and windows are not scaled."
            : "The capture has no handshake."
    if (isSimultaneous) return "Both ends opened the connection at the same time (RFC 9293 figure 7)."
    if (synAck === undefined) return "The SYN was not answered by a SYN-ACK."
    const answer = `SYN-ACK after ${duration(synAck - firstSyn)}`
    if (ack === undefined)
        return `The handshake was not completed: ${answer}${tries}, and no ACK of the client.`
    return `Handshake in ${duration(ack - firstSyn)}${tries}: ${answer}, ACK ${duration(ack - synAck)} later.`
}

/**
 * Returns how the connection ended, or its state when the capture ended. `end` is the time of the last packet of the capture, ns.
 */
export function ending(connection: Connection, end: number): string {
    const { ends, client, reset, icmp, closer, lastTime } = connection
    const server = other(client)
    const silence = end - lastTime > 1e9 ? `, and nothing came in the last ${duration(end - lastTime)}` : ""
    const because = icmp === undefined ? "" : ` (${icmp})`
    if (reset !== undefined) return reset
    if (ends[client].state === "SYN-SENT" && ends[server].segments === 0)
        return `${endName(connection, server)} did not answer ${
            ends[client].syns === 1 ? "the SYN" : `${counted(ends[client].syns, "SYN")}`
        }${because || ": the host is off or elsewhere, or a firewall drops them"}.`
    if (ends[server].state === "SYN-RECEIVED")
        return `${endName(connection, client)} did not complete the handshake${because}${silence}.`
    if (ends[0].segments + ends[1].segments === 0) return `${icmp ?? "Nothing is known of it"}.`
    if (closer !== undefined) return closing(connection, closer, silence)
    for (const from of [0, 1] as const) {
        const { shutSince, unansweredRetransmissions, unansweredKeepAlives } = ends[from]
        if (shutSince !== undefined)
            return `The window of ${endName(connection, from)} was shut for the last ${duration(end - shutSince)}: its program does not read.`
        if (unansweredRetransmissions > 1)
            return `${endName(connection, other(from))} does not acknowledge any more: ${counted(unansweredRetransmissions, "retransmission")} without an answer${because}.`
        if (unansweredKeepAlives > 1)
            return `${endName(connection, other(from))} answers no more: ${counted(unansweredKeepAlives, "keep-alive")} without an answer${because}.`
    }
    return `Still open at the end of the capture${silence}${because}.`
}

function closing(connection: Connection, closer: 0 | 1, silence: string): string {
    const { ends } = connection
    const first = endName(connection, closer)
    const second = endName(connection, other(closer))
    if (ends[other(closer)].fin === undefined)
        return `${first} closed, ${second} has not yet${silence}: its side is half-open.`
    const isAcknowledged = ends.every(({ state }) => state === "CLOSED" || state === "TIME-WAIT")
    return isAcknowledged
        ? `Closed by both ends, ${first} first.`
        : `Both ends have closed, ${first} first, but not every FIN was acknowledged${silence}.`
}

/** Returns true when a connection went wrong: it was not opened, was reset, or lost many segments. */
export function isTroubled(connection: Connection): boolean {
    const { ends, reset, icmp, handshake } = connection
    const repeated = ends[0].retransmissions + ends[1].retransmissions
    const isUnanswered = handshake.firstSyn !== undefined && handshake.synAck === undefined
    return reset !== undefined || icmp !== undefined || isUnanswered || repeated > 0
}
