// Says what is remarkable about a segment on its way, in words and a colour: for the ladder on a terminal, and for that of a page.

import type { Fate } from "../link/impair"
import type { TcpView } from "./dissect"
import type { Side, Style } from "./ladder-style"
import type { Repeats } from "./repeats"

/** When a frame was sent, and what happened to it on the link; a switch's Delivery fits. */
export interface Passage {
    /** Time of sending, ms. */
    readonly time: number
    /** Time of arrival, ms. */
    readonly arrives?: number
    readonly lost?: Fate["lost"]
    readonly corrupted?: boolean
    /** The check that finds the frame to be corrupted, so that its receiver drops it. */
    readonly check?: string | undefined
    readonly copies?: number
    readonly held?: boolean
    /** What is remarkable about the segment; without it the ladder itself finds retransmissions and keep-alives. */
    readonly remarks?: readonly string[]
    /** The remarks are of a loss. */
    readonly isSuspect?: boolean
    /** The sender; needed only if neither of the frame's addresses is that of a host in the ladder. */
    readonly from?: Side
    /** The Ethernet address of the host at the right lifeline, if it is known. */
    readonly mac?: string
}

/** The words for a frame that does not arrive. */
export const LOST = { loss: "lost", queue: "queue full", filter: "filtered", mtu: "too long" } as const

/** Returns the remarks on a segment, and its colour. The caller passes every segment, in the order of sending. */
export function remarksOn(
    view: TcpView,
    passage: Passage,
    repeats: Repeats
): { words: string[]; style: Style } {
    const { flags } = view
    const words: string[] = []
    let style: Style = view.length > 0 ? "cyan" : "plain"
    if (flags.fin) style = "magenta"
    if (flags.syn) style = "green"
    if (passage.remarks !== undefined) {
        words.push(...passage.remarks)
        if (passage.isSuspect) style = "yellow"
    } else {
        const kind = repeats.classify(view)
        if (kind !== "new") words.push(kind)
        if (kind === "retransmission" || kind === "zero window") style = "yellow"
    }
    if (flags.rst) style = "red"
    if (!view.checksumValid || !view.headerChecksumValid) words.push("bad checksum")
    words.push(...lineWords(passage))
    const isBad = fateOf(passage) !== undefined || passage.corrupted || !view.checksumValid
    return { words, style: isBad ? "red" : style }
}

/** Returns the words for a frame that no receiver takes; undefined for one that arrives. */
export function fateOf({ lost, check }: Passage): string | undefined {
    if (lost !== undefined) return LOST[lost]
    return check === undefined ? undefined : "corrupted"
}

/** Returns the words for what the line did to a frame that arrives. */
export function lineWords({ lost, corrupted, check, copies = 1, held }: Passage): string[] {
    if (lost !== undefined) return []
    const words: string[] = []
    if (corrupted && check === undefined) words.push("corrupted")
    if (copies > 1) words.push("duplicated")
    if (held) words.push("held back")
    return words
}
