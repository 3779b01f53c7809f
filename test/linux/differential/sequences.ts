// Sequences of segments and calls at random, most of them such as a peer would send.

import fc from "fast-check"
import type { Action, Stamp } from "./conversation"
import { SYN_OPTIONS } from "./states"

/** Something of a list of choices, each with its weight. */
function choice<T>(...choices: [weight: number, value: T][]): fc.Arbitrary<T> {
    return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))
}

const flags = choice(
    ...([
        [30, "."],
        [30, "P."],
        [12, "F."],
        [4, "S"],
        [4, "S."],
        [2, "R"],
        [2, "R."],
    ] as [number, string][]),
    ...([
        [2, "-"],
        [2, "F"],
        [2, "SF"],
        [2, "U."],
        [1, "FP.U"],
        [1, "SFRP.U"],
    ] as [number, string][])
)
const sequence = choice(
    ...([
        [60, "rcv"],
        [6, "rcv-1"],
        [4, "rcv-20"],
        [6, "rcv+1"],
        [6, "rcv+10"],
    ] as [number, string][]),
    ...([
        [6, "rcv+30"],
        [2, "edge-10"],
        [2, "edge-1"],
        [2, "edge"],
        [2, "edge+1"],
    ] as [number, string][]),
    ...([
        [1, "rcv-1000000"],
        [1, "rcv+1000000"],
    ] as [number, string][])
)
const acknowledgment = choice(
    ...([
        [60, "nxt"],
        [15, "una"],
        [5, "una+5"],
        [4, "nxt-1"],
        [4, "una-1"],
        [4, "nxt+1"],
    ] as [number, string][]),
    ...([
        [1, "una-5000"],
        [1, "una-1000000"],
        [1, "nxt+1000000"],
    ] as [number, string][])
)
const length = choice<number>([50, 0], [10, 1], [10, 10], [10, 20], [10, 35])
const stamp = choice<Stamp>([80, 0], [10, 10], [3, -1], [3, -1000], [3, "none"])

function segments(options: boolean): fc.Arbitrary<Action> {
    const unread = choice<boolean>([9, false], [1, true])
    return fc
        .tuple(flags, sequence, acknowledgment, length, stamp, unread)
        .map(([letters, seq, ack, size, when, notRead]) => {
            const text = size > 0 && letters !== "." ? `(${size})` : ""
            const acknowledges = letters.includes(".") ? ` ack ${ack}` : ""
            const syn = letters.includes("S") ? ` <${options ? SYN_OPTIONS.on : SYN_OPTIONS.off}>` : ""
            return {
                segment: `${letters} ${seq}${text}${acknowledges}${syn}`,
                ...(options && { stamp: when }),
                ...(notRead && { unread: true }),
            }
        })
}

/** 1 to 12 actions. */
export function sequences(options: boolean): fc.Arbitrary<Action[]> {
    const action = fc.oneof(
        { weight: 80, arbitrary: segments(options) },
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }).map(n => ({ write: n })) },
        { weight: 4, arbitrary: fc.constant<Action>({ call: "shutdown" }) },
        { weight: 3, arbitrary: fc.constant<Action>({ call: "close" }) }
    )
    return fc.array(action, { minLength: 1, maxLength: 12 })
}

/** The driver's initial sequence number: an ordinary one, and those whose successors wrap. */
export const bases = fc.constantFrom(0x5000, 0x7fff_ffe0, 0xffff_ffe0)
