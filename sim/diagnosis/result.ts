// What came of a run, in one line: what was not reached, or that nothing failed, and what the line lost meanwhile.

import type { Connection } from "../analysis/connection"
import { type Cause, type Diagnosis, listed } from "./diagnosis"
import { counted } from "./words"

/** A failure, and the connection that it is about; undefined if it is about none, or if nothing of the connection was sent. */
export interface Failure {
    readonly why: Diagnosis
    /** The other end, such as `10.0.0.1:7`; undefined if the failure is about no connection. */
    readonly peer: string | undefined
    readonly connection: Connection | undefined
    /** True when the device opened the connection. */
    readonly isOwn: boolean
}

/** What each cause means for a reader of this line alone. */
const words: { readonly [cause in Cause]: string } = {
    aborted: "the program aborted the connection",
    "address-taken": "two hosts have one address",
    "answered-late": "the answer came too late",
    "answered-slowly": "the answer came late",
    "backlog-full": "too many connections wait for the server's program",
    "cable-out": "the cable was out",
    "chip-silent": "the device's chip does not work",
    "closed-at-once": "the server closed at once",
    corrupted: "packets arrive damaged",
    "cut-short": "the answer was not complete",
    "dhcp-refused": "the device got no address",
    "dhcp-silent": "the device got no address",
    "dhcp-unusable": "the device got no address",
    filtered: "a firewall drops the packets",
    "foreign-protocol": "the answer is of another protocol",
    fragmented: "the answers come in IP fragments",
    "frames-lost": "the line loses packets",
    "gateway-missing": "no router is set, and the host is on another network",
    "gateway-silent": "the router does not answer",
    "gateway-wrong": "the router does not lead there",
    "half-closed": "only one end has closed",
    "handshake-unfinished": "the handshake was not completed",
    "host-silent": "no host answers at that address",
    "ignored-reset": "a reset was ignored",
    "link-down": "there is no link",
    misused: "a call or command was not valid",
    mtu: "long packets vanish on the way",
    "name-server-failed": "the name was not found",
    "name-server-silent": "the name was not found",
    "name-unknown": "the name was not found",
    "no-answer": "no answer came",
    "not-acknowledged": "the data was not acknowledged",
    "opened-late": "it opened late",
    "peer-vanished": "the host does not answer any more",
    "port-closed": "no program listens on that port",
    recovered: "it goes on",
    redirected: "the server names another address",
    reset: "an end aborted it",
    "reset-after-close": "data came after an end had closed",
    "resolver-missing": "the name was not found",
    "service-refused": "the server refuses",
    "stale-connection": "the peer does not know the connection",
    "tables-full": "all connection records are in use",
    tls: "one end speaks TLS, and the other does not",
    unanswered: "no answer came",
    unreachable: "a host or router reports that it cannot be reached",
    "window-shut": "the peer takes no more data",
    withdrawn: "the client gave up",
    "wrong-neighbour": "ARP leads to the wrong station",
    "wrong-number": "the numbers of the segments do not fit",
    "wrong-prefix": "the length of the prefix is wrong",
    "wrong-source": "the answer comes from another address or port",
}

/** What is said of connections that have not failed. */
const NO_FAILURE: readonly Cause[] = [
    "aborted",
    "answered-slowly",
    "ignored-reset",
    "opened-late",
    "recovered",
]

/** Returns the result of a run; `lost` and `damaged` are the frames that did not arrive whole. */
export function resultOf(
    failures: readonly Failure[],
    connections: readonly Connection[],
    { lost, damaged }: { readonly lost: number; readonly damaged: number }
): string {
    const replaced = failures.flatMap(({ why }) => why.replaces ?? [])
    const valid = failures.filter(
        ({ why }) => !NO_FAILURE.includes(why.cause) && !replaced.some(text => text.endsWith(why.sentence))
    )
    if (valid.length > 0) return `result: failed: ${listed([...new Set(valid.map(failure))])}.`
    const aborted = connections.filter(isReset).length
    const open = connections.filter(one => !isOver(one)).length - aborted
    const losses = [
        ...(lost > 0 ? [`${counted(lost, "frame")} lost`] : []),
        ...(damaged > 0 ? [`${counted(damaged, "frame")} damaged`] : []),
    ].join(" and ")
    const isRepaired = losses !== "" && connections.length > 0 && open + aborted === 0
    const details = [
        ...(losses === "" ? [] : [`${losses}${isRepaired ? ", all repaired by retransmission" : ""}`]),
        ...(open === 0 ? [] : [`${counted(open, "connection")} still open`]),
        ...(aborted === 0 ? [] : [`${counted(aborted, "connection")} ended by a reset`]),
    ]
    return `result: nothing failed${details.length === 0 ? "" : `: ${details.join("; ")}`}.`
}

function failure({ why: { cause }, peer, connection, isOwn }: Failure): string {
    const reason = `${words[cause]} (${cause})`
    if (peer === undefined) return reason
    if (connection?.handshake.ack !== undefined) return `the connection with ${peer}: ${reason}`
    // it was reached, and said so
    if (cause === "service-refused") return `${peer}: ${reason}`
    return isOwn ? `${peer} was not reached: ${reason}` : `${peer} did not get a connection: ${reason}`
}

/** Returns true when a reset has ended a connection, which did not open after it. */
function isReset({ resetBy, handshake, ends }: Connection): boolean {
    if (resetBy === undefined || resetBy.cause === "ignored-reset") return false
    // a reset after both FINs takes nothing away
    if (resetBy.cause === "reset-after-close" && ends.every(({ fin }) => fin !== undefined)) return false
    return !((handshake.ack ?? 0) > resetBy.time)
}

/** Returns true when both FINs were acknowledged. */
function isOver(connection: Connection): boolean {
    return (
        !isReset(connection) &&
        connection.ends.every(
            ({ fin, state }) => fin !== undefined && (state === "CLOSED" || state === "TIME-WAIT")
        )
    )
}
