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

/** The failures without a connection, by their causes. */
const services: { readonly [cause in Cause]?: string } = {
    "address-taken": "two hosts have one address",
    "dhcp-refused": "the device got no address",
    "dhcp-silent": "the device got no address",
    "dhcp-unusable": "the device got no address",
    "name-server-failed": "the name was not found",
    "name-server-silent": "the name was not found",
    "name-unknown": "the name was not found",
    "resolver-missing": "the name was not found",
}

/** What is said of connections that have not failed. */
const NO_FAILURE: readonly Cause[] = ["aborted", "ignored-reset", "opened-late"]

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
    if (valid.length > 0) return `result: failed: ${listed([...new Set(valid.map(words))])}.`
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

function words({ why: { cause }, peer, connection, isOwn }: Failure): string {
    if (peer === undefined) return `${services[cause] ?? "see why"} (${cause})`
    if (connection?.handshake.ack !== undefined) return `the connection with ${peer} (${cause})`
    return isOwn ? `${peer} was not reached (${cause})` : `${peer} did not get a connection (${cause})`
}

/** Returns true when a reset has ended a connection, which did not open after it. */
function isReset({ resetBy, handshake }: Connection): boolean {
    if (resetBy === undefined || resetBy.cause === "ignored-reset") return false
    return !((handshake.ack ?? 0) > resetBy.time)
}

/** Returns true when both FINs were acknowledged. */
function isOver({ reset, ends }: Connection): boolean {
    return (
        reset === undefined &&
        ends.every(({ fin, state }) => fin !== undefined && (state === "CLOSED" || state === "TIME-WAIT"))
    )
}
