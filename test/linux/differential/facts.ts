// What the predicates of differences.ts are made of: where a segment lies, and what was said to it.

import { type Difference, sameStanding } from "./compare"
import type { Outcome, Stimulus } from "./conversation"

/** A difference after a segment. */
export interface Facts extends Difference {
    stimulus: Stimulus
    /** Its number less RCV.NXT; its length with SYN and FIN; the number behind its end less RCV.NXT. */
    offset: number
    size: number
    end: number
    /** RCV.WND. */
    room: number
    /** Its acknowledgment less SND.UNA, NaN without one; and SND.NXT less SND.UNA. */
    acked: number
    flight: number
    /** Its timestamp less TS.Recent, NaN where there is none. */
    newer: number
    /** What the two answer: the flags of their segments, "-" for none. */
    linux: string
    us: string
    /** Both are in the same state with the same numbers then. */
    alike: boolean
}

export function factsOf(difference: Difference): Facts | undefined {
    const { stimulus, tsRecent, kernel, ours } = difference
    if (stimulus === undefined) return undefined
    const { marks, seq, length, ack, flags, value } = stimulus
    const offset = (seq - marks.rcv) | 0
    const size = length + (flags.includes("S") ? 1 : 0) + (flags.includes("F") ? 1 : 0)
    return {
        ...difference,
        stimulus,
        offset,
        size,
        end: offset + size,
        room: marks.edge - marks.rcv,
        acked: ack === undefined ? Number.NaN : (ack - marks.una) | 0,
        flight: marks.nxt - marks.una,
        newer: value === undefined || tsRecent === undefined ? Number.NaN : (value - tsRecent) | 0,
        linux: spoken(kernel),
        us: spoken(ours),
        alike: sameStanding(kernel, ours),
    }
}

function spoken(outcome: Outcome): string {
    return outcome.answers.map(answer => answer.split(" ")[0]).join(" ") || "-"
}

/** Whether the segment has all of these flags. */
export function has(facts: Facts, flags: string): boolean {
    return [...flags].every(flag => facts.stimulus.flags.includes(flag))
}

/** Whether it has none of these. */
export function hasNone(facts: Facts, flags: string): boolean {
    return ![...flags].some(flag => facts.stimulus.flags.includes(flag))
}

/** Whether it is one of these states. */
export function inState(facts: Facts, ...states: string[]): boolean {
    return states.includes(facts.state)
}

/** RFC 9293 table 6 for an open window. */
export function acceptable({ offset, size, end, room }: Facts): boolean {
    const starts = offset >= 0 && offset < room
    return size === 0 ? starts : starts || (end > 0 && end <= room)
}

/** Some of it lies in the window, or all of the window in it: what is left when it is trimmed. */
export function overlaps(facts: Facts): boolean {
    return acceptable(facts) || (facts.offset < facts.room && facts.end > 0)
}

/** RFC 5961 section 5.2: not of what was never sent, and not older than the largest window, which was the driver's. */
export function validAck({ acked, flight }: Facts): boolean {
    return acked <= flight && acked >= -4096
}

/** A kind of difference. */
export interface DifferenceClass {
    name: string
    /** What each does. */
    linux: string
    ours: string
    verdict: Verdict
    /** Nothing is left of it: where the two stand alike afterwards, they are in the same state. */
    passes?: true
    /** The text that decides, or why none does. */
    why: string
    /** Whether it is this one, after a segment; after a call. */
    is?(facts: Facts): boolean
    isAfterCall?(difference: Difference): boolean
}

/** Who does what an RFC says; "both" where it leaves it open, or says it for neither. */
export type Verdict = "ours" | "linux" | "both"
