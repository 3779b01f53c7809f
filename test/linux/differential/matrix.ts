// Every kind of segment at every place: what is asked in each state.

import type { Action, Stamp } from "./conversation"
import { WINDOW } from "./lab"
import { SYN_OPTIONS } from "./states"

/** Where a segment lies: its number, and the length of its text. */
type Place = readonly [seq: string, length: number]

/** At both edges of the window and beyond them, in it, across them, and as far off as numbers go. */
const places: Place[] = [
    ...(["rcv-1000000", "rcv-101", "rcv-1", "rcv", "rcv+1"] as const).map(seq => [seq, 0] as const),
    ...(["edge-1", "edge", "edge+1", "rcv+1000000", "rcv+2147483648"] as const).map(seq => [seq, 0] as const),
    ...(["rcv-1", "rcv", "edge-1", "edge"] as const).map(seq => [seq, 1] as const),
    ...(["rcv-1000000", "rcv-5", "rcv-1", "rcv", "rcv+1"] as const).map(seq => [seq, 5] as const),
    ...(["edge-5", "edge-4", "edge"] as const).map(seq => [seq, 5] as const),
    // all of the window, and more than that on one side or both
    ...(["rcv-1", "rcv"] as const).map(seq => [seq, WINDOW] as const),
    ...(["rcv-5", "rcv"] as const).map(seq => [seq, WINDOW + 10] as const),
]
const fewPlaces: Place[] = [
    ...(["rcv-1000000", "rcv-1", "rcv", "rcv+1", "edge"] as const).map(seq => [seq, 0] as const),
    ...(["rcv-5", "rcv-1", "rcv", "rcv+1", "edge-4"] as const).map(seq => [seq, 5] as const),
]

/** Around what is not acknowledged, at the limits of RFC 5961 section 5.2, and as far off as numbers go. */
const acknowledgments = [
    ...["una-1000000", "una-4097", "una-4096", "una-101", "una-1", "una"],
    ...["una+10", "nxt-1", "nxt", "nxt+1", "una+2147483648"],
]
const fewAcknowledgments = ["una-1000000", "una", "nxt", "nxt+1"]

/** Flags without ACK, those with it that are seen every day, others, and resets, whose ACK means little. */
const withoutAck = ["-", "S", "F", "R", "U", "SF", "SR", "FR", "SFRPU"]
const usual = ["P.", "F."]
const unusual = ["S.", "U.", "SF."]
const resets = ["R.", "SR.", "FR.", "SFRP.U"]

/** Older than TS.Recent by much or little, as old, newer, none. */
const stamps: Stamp[] = [-1_000_000, -1, 0, 10, "none"]

/** What is asked without options: less where the situation is a variant of another. */
export function plainMatrix(variant: boolean): Action[] {
    return (variant ? fewPlaces : places).flatMap(place => [
        ...withoutAck.map(flags => segment(flags, place)),
        ...usual.flatMap(flags => acknowledgments.map(ack => segment(flags, place, ack))),
        ...unusual.flatMap(flags => fewAcknowledgments.map(ack => segment(flags, place, ack))),
        ...resets.flatMap(flags => ["una-1000000", "nxt"].map(ack => segment(flags, place, ack))),
    ])
}

/** What is asked where timestamps were agreed on. */
export function stampedMatrix(): Action[] {
    return stamps.flatMap(stamp =>
        fewPlaces.flatMap(place => [
            ...["-", "S", "F", "R"].map(flags => segment(flags, place, undefined, stamp)),
            ...["P.", "S.", "F."].flatMap(flags =>
                ["una", "nxt", "nxt+1"].map(ack => segment(flags, place, ack, stamp))
            ),
        ])
    )
}

function segment(flags: string, [seq, length]: Place, ack?: string, stamp?: Stamp): Action {
    // an ACK without text has nothing to push
    const letters = flags === "P." && length === 0 ? "." : flags
    const options = stamp === undefined ? SYN_OPTIONS.off : SYN_OPTIONS.on
    const text = [
        `${letters} ${seq}${length > 0 ? `(${length})` : ""}`,
        ack === undefined ? "" : ` ack ${ack}`,
        letters.includes("S") ? ` <${options}>` : "",
    ].join("")
    return stamp === undefined ? { segment: text } : { segment: text, stamp }
}
