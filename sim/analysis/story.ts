// Says of a connection in one sentence each how it began and how it ended.

import { whyConnection } from "../diagnosis/connection"
import type { Evidence } from "../diagnosis/evidence"
import { counted, duration } from "../diagnosis/words"
import { type Connection, endName, other, unseenEnd } from "./connection"

const ONLY_MALFORMED = "Only malformed segments of it were captured."

/** Returns how the handshake went, with its times. */
export function beginning(connection: Connection): string {
    const { ends, client, handshake, isMidway, isSimultaneous, icmp, backwardsAfter } = connection
    const { firstSyn, synAck, ack } = handshake
    const syns = ends[client].syns
    const tries = syns > 1 ? ` after ${counted(syns, "SYN")}` : ""
    if (ends[0].segments + ends[1].segments === 0) {
        return icmp === undefined ? ONLY_MALFORMED : "Only an ICMP error about it was captured."
    }
    const unseen = unseenEnd(connection)
    if (unseen !== undefined)
        return `Only one direction was captured: nothing that ${endName(connection, unseen)} sent.`
    if (firstSyn === undefined)
        return isMidway
            ? "The capture begins in the middle of this connection: both ends are taken as ESTABLISHED before, and windows are not scaled."
            : "The capture has no handshake."
    if (isSimultaneous) return "Both ends opened the connection at the same time (RFC 9293 figure 7)."
    if (synAck === undefined) return "The SYN was not answered by a SYN-ACK."
    const isTimed = backwardsAfter === undefined
    const answer = isTimed ? `SYN-ACK after ${duration(synAck - firstSyn)}` : "SYN-ACK"
    if (ack === undefined)
        return `The handshake was not completed: ${answer}${tries}, and no ACK of the client.`
    if (!isTimed) return `The handshake was completed${tries}.`
    return `Handshake in ${duration(ack - firstSyn)}${tries}: ${answer}, ACK ${duration(ack - synAck)} later.`
}

/**
 * Returns how the connection ended, why it failed, or its state when the capture ended. `end` is the time of the last packet of the
 * capture, ns; `evidence` is the other frames of the capture.
 */
export function ending(connection: Connection, end: number, evidence?: Evidence): string {
    const { ends, icmp, closer, lastTime, refutedReset } = connection
    if (icmp === undefined && ends[0].segments + ends[1].segments === 0) return ONLY_MALFORMED
    const unseen = unseenEnd(connection)
    if (unseen !== undefined) return endingOfOne(connection, other(unseen))
    const why = whyConnection(connection, end, evidence)
    if (why !== undefined) return why.sentence
    const ignored =
        refutedReset === undefined
            ? ""
            : ` An RST in the name of ${endName(connection, refutedReset)} was ignored: something on the way probably sent it.`
    if (closer !== undefined) return `Closed by both ends, ${endName(connection, closer)} first.${ignored}`
    const silence = end - lastTime > 1e9 ? `, and nothing came in the last ${duration(end - lastTime)}` : ""
    return `Still open at the end of the capture${silence}${icmp === undefined ? "" : ` (${icmp})`}.${ignored}`
}

/** Returns how a connection ended of which one direction was captured: nothing is said about the other end. */
function endingOfOne(connection: Connection, seen: 0 | 1): string {
    const name = endName(connection, seen)
    const { fin } = connection.ends[seen]
    const did =
        connection.resetBy !== undefined
            ? "reset the connection"
            : fin !== undefined
              ? "closed"
              : "had not closed at the end of the capture"
    return `${name} ${did}; what ${endName(connection, other(seen))} sent was not captured.`
}

/** Returns true when a connection went wrong: it was not opened, was reset, or lost many segments. */
export function isTroubled(connection: Connection): boolean {
    const { ends, reset, refutedReset, icmp, handshake } = connection
    const repeated = ends[0].retransmissions + ends[1].retransmissions
    const isUnanswered =
        handshake.firstSyn !== undefined &&
        handshake.synAck === undefined &&
        unseenEnd(connection) === undefined
    return (reset ?? refutedReset) !== undefined || icmp !== undefined || isUnanswered || repeated > 0
}
