// Which sentences a later event corrects, and when.

import { type Connection, other } from "../analysis/connection"
import { type Diagnosis, moment } from "./diagnosis"
import type { Evidence } from "./evidence"
import { arrivesBothWays } from "./sightings"

/** Causes that an answer to ARP contradicts. */
export const UNHEARD: readonly string[] = ["host-silent", "gateway-silent", "peer-vanished", "wrong-prefix"]
/** Causes for which a connection does not open. */
export const BEFORE_OPEN: readonly string[] = [
    ...[
        "cable-out",
        "corrupted",
        "filtered",
        "frames-lost",
        "gateway-wrong",
        "handshake-unfinished",
        "ignored-reset",
    ],
    ...["not-acknowledged", "peer-vanished", "stale-connection", "tables-full", "backlog-full", "unanswered"],
    ...["unreachable", "wrong-number"],
]
/** Causes that may pass while the connection stays open. */
export const PASSING: readonly string[] = [
    ...["cable-out", "corrupted", "filtered", "frames-lost", "gateway-silent", "host-silent", "mtu"],
    ...["not-acknowledged", "peer-vanished", "unreachable", "window-shut", "wrong-neighbour"],
]

/** Returns true when all that both ends of an open connection have sent is acknowledged, and no window is shut. */
export function goesOn(connection: Connection, evidence: Evidence): boolean {
    const { ends } = connection
    const isGoing = ([0, 1] as const).every(
        end =>
            ends[end].ack === ends[other(end)].next &&
            ends[end].unansweredRetransmissions + ends[end].unansweredKeepAlives === 0 &&
            ends[end].shutSince === undefined
    )
    return isGoing && arrivesBothWays(connection, evidence)
}

/** Returns when a sentence was said that another one corrects, and that sentence. */
export function replacedBy({ time, sentence }: Diagnosis & { readonly time: number }): string {
    return `at ${moment(time)} it read: ${sentence}`
}
