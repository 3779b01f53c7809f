// The data that an end of a connection has sent, put together from its segments.

import type { Connection } from "../analysis/connection"
import type { Evidence, SegmentSighting } from "./evidence"
import { segmentsOf } from "./sightings"

/** The most bytes that are put together. */
const MOST = 65_536

interface Data {
    /** The bytes that arrived, from the first on, up to MOST. */
    readonly bytes: Uint8Array
    /** The number of bytes that arrived. */
    readonly length: number
    /** True when `bytes` are all of them, without a gap. */
    readonly isWhole: boolean
}

/** Returns the data that arrived of an end; undefined if its first bytes are not known. */
export function dataOf(connection: Connection, from: 0 | 1, evidence: Evidence): Data | undefined {
    const { base } = connection.ends[from]
    if (base === undefined || connection.isMidway) return undefined
    const start = base + 1
    const pieces = segmentsOf(connection, from, evidence)
        .filter(({ view, lost }) => view.length > 0 && lost === undefined && view.checksumValid)
        .map(({ view }) => ({ at: (view.seq - start) | 0, view }))
        .sort((a, b) => a.at - b.at)
    const bytes = new Uint8Array(
        Math.min(MOST, Math.max(0, ...pieces.map(({ at, view }) => at + view.length)))
    )
    let length = 0
    let isWhole = true
    for (const { at, view } of pieces) {
        if (at > length) isWhole = false
        if (at < 0 || at > length || at + view.length <= length) continue
        if (view.payload.length < view.length || at + view.length > MOST) isWhole = false
        if (at < MOST) bytes.set(view.payload.subarray(0, MOST - at), at)
        length = at + view.length
    }
    return { bytes: bytes.subarray(0, length), length, isWhole }
}

/** Returns the first data of an end that arrived. */
export function firstData(
    connection: Connection,
    from: 0 | 1,
    evidence: Evidence
): SegmentSighting | undefined {
    return segmentsOf(connection, from, evidence).find(
        ({ view, lost }) => view.length > 0 && lost === undefined
    )
}

/** Returns the first `most` bytes as Latin-1, so that each is a character. */
export function latin1(bytes: Uint8Array, most = 400): string {
    let text = ""
    // in pieces, because a call takes a limited number of arguments
    for (let at = 0; at < Math.min(bytes.length, most); at += 1000)
        text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 1000, most)))
    return text
}

/** Returns the first line of a text in quotes, at most `most` characters, without what cannot be printed. */
export function quoted(answer: Uint8Array | string, most = 40): string {
    const [line = ""] = (typeof answer === "string" ? answer : latin1(answer)).split(/\r?\n/)
    const tame = line.replaceAll(/[^\x20-\x7e]/g, "?")
    return `"${tame.length > most ? `${tame.slice(0, most)}...` : tame}"`
}
