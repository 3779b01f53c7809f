// Writes a capture's connections as a table, and one of them as a ladder, for a terminal of 60 columns and more.

import { table } from "../budget/table"
import type { Evidence } from "../diagnosis/evidence"
import { counted, duration } from "../diagnosis/words"
import { Ladder } from "../view/ladder"
import { wrap } from "../view/ladder-style"
import { type Connection, endName, other } from "./connection"
import { countedMarks } from "./marks"
import type { Row } from "./recording"
import { beginning, ending, isTroubled } from "./story"
import type { Wording } from "./wording"

/** The capabilities of a terminal, and its output. */
export interface Terminal {
    write(text: string): void
    readonly color: boolean
    readonly unicode: boolean
    readonly width: number
}

/** The number of connections in the table; if the capture has more, those that went wrong are shown first. */
const MOST_LINES = 40

/** Writes text of any length in lines that fit, indented. */
export function paragraph({ write, width }: Terminal, text: string, indent = ""): void {
    const room = Math.max(60, width) - indent.length - 1
    for (const line of wrap(text.split(" "), room, "~")) write(`${indent}${line}\n`)
}

/** Writes the connections, each with a line of numbers and a sentence. `end` is the time of the last packet, ns. */
export function writeSummary(
    terminal: Terminal,
    connections: readonly Connection[],
    end: number,
    evidence?: Evidence
): void {
    const chosen = choice(connections)
    const rows = chosen.map(connection => {
        const { number, ends, client, firstTime, lastTime } = connection
        const server = other(client)
        return [
            number,
            endName(connection, client),
            endName(connection, server),
            ends[0].segments + ends[1].segments,
            ends[client].bytes,
            ends[server].bytes,
            ((lastTime - firstTime) / 1e9).toFixed(3),
            ends[0].retransmissions + ends[1].retransmissions,
        ]
    })
    const titles = ["#", "client", "server", "segments", "bytes >", "bytes <", "seconds", "repeated"]
    const [head = "", ...lines] = table([titles, ...rows])
    const fits = Math.max(head.length, ...lines.map(line => line.length)) < Math.max(60, terminal.width)
    if (fits) terminal.write(`${head}\n`)
    chosen.forEach((connection, i) => {
        if (fits) terminal.write(`${lines[i]}\n`)
        else paragraph(terminal, numbersOf(connection))
        paragraph(terminal, ending(connection, end, evidence), "     ")
    })
    const more = connections.length - chosen.length
    if (more > 0)
        paragraph(terminal, `and ${counted(more, "more connection")}; --stream N draws one by its number`)
}

function choice(connections: readonly Connection[]): Connection[] {
    if (connections.length <= MOST_LINES) return [...connections]
    const troubled = connections.filter(isTroubled).slice(0, MOST_LINES)
    const others = connections.filter(one => !isTroubled(one)).slice(0, MOST_LINES - troubled.length)
    return [...troubled, ...others].sort((a, b) => a.number - b.number)
}

function numbersOf(connection: Connection): string {
    const { number, ends, client, firstTime, lastTime } = connection
    const server = other(client)
    const repeated = ends[0].retransmissions + ends[1].retransmissions
    return (
        `${number}  ${endName(connection, client)} > ${endName(connection, server)}: ` +
        `${counted(ends[0].segments + ends[1].segments, "segment")}, ${ends[client].bytes} bytes there, ` +
        `${ends[server].bytes} back, ${duration(lastTime - firstTime)}, ${counted(repeated, "retransmission")}`
    )
}

/** Returns lines that describe the connection: its ends, handshake, numbers and findings. */
export function heading(wording: Wording): string[] {
    const { connection, names, recording } = wording
    const { client, ends } = connection
    const lines = [
        `Connection ${connection.number}: ${names[client]} (client), ${names[other(client)]} (server).`,
        beginning(connection),
    ]
    if (connection.backwardsAfter !== undefined)
        lines.push(`Time goes backwards after packet ${connection.backwardsAfter}.`)
    if (connection.malformed > 0)
        lines.push(`${counted(connection.malformed, "malformed segment")}, of which nothing is concluded.`)
    const starts = ([client, other(client)] as const)
        .filter(end => ends[end].syns > 0 || (connection.isMidway && ends[end].base !== undefined))
        .map(end => `${wording.role(end)} ${ends[end].base}`)
    if (starts.length > 0) lines.push(`Sequence numbers count from the first: ${starts.join(", ")}.`)
    for (const end of [client, other(client)] as const) {
        const { partial, wrong } = recording.checksums[end]
        if (wrong > 0) lines.push(`The ${wording.role(end)} sent ${counted(wrong, "wrong checksum")}.`)
        if (partial > 0)
            lines.push(
                `The ${wording.role(end)}'s checksums are not computed yet in the capture: its network card does that (offloading).`
            )
    }
    const found = counts(wording)
    if (found !== "") lines.push(found)
    if (recording.omitted > 0)
        lines.push(`${counted(recording.omitted, "segment")} in the middle are not drawn, but counted.`)
    return lines
}

/** Returns how often each mark occurred, for each end. */
function counts(wording: Wording): string {
    const { client } = wording.connection
    return ([client, other(client)] as const)
        .map(end => ({ role: wording.role(end), list: countedMarks(wording.recording.counts[end]) }))
        .filter(({ list }) => list !== "")
        .map(({ role, list }) => `The ${role} sent ${list}.`)
        .join(" ")
}

/** Writes the ladder of the connection. */
export function writeLadder(terminal: Terminal, wording: Wording): void {
    const { connection, recording } = wording
    const { client } = connection
    const room = terminal.width >= 80 ? 21 : 17
    const host = (end: 0 | 1) => ({
        name: wording.role(end),
        ip: shortened(connection.addresses[end], room),
    })
    const ladder = new Ladder({
        write: text => terminal.write(text),
        width: terminal.width,
        color: terminal.color,
        unicode: terminal.unicode,
        left: host(client),
        right: host(other(client)),
    })
    const shown = [host(0).ip, host(1).ip] as const
    const draw = (row: Row) => drawRow(ladder, wording, row, shown)
    recording.first.forEach(draw)
    if (recording.omitted > 0) ladder.note(`${counted(recording.omitted, "segment")} are not drawn`)
    recording.last.forEach(draw)
    ladder.flush()
}

/** Draws a row; `shown` are the addresses in the form of the ladder's hosts. */
function drawRow(ladder: Ladder, wording: Wording, row: Row, shown: readonly [string, string]): void {
    const time = row.time / 1e6
    if (row.kind === "note") {
        ladder.note(row.text)
        return
    }
    const side = wording.side(row.from)
    const remarks = wording.remarks(row)
    const view = { ...wording.view(row), source: shown[row.from], destination: shown[other(row.from)] }
    ladder.segment(view, { time, from: side, remarks, isSuspect: wording.isTrouble(row) })
    for (const { end, from, to } of row.changes) ladder.state(wording.side(end), from, to, time)
    if (row.explanation !== undefined) ladder.note(row.explanation)
}

/** Returns an IPv6 address; one that is too long loses its middle, which identifies a host the least. */
function shortened(address: string, room: number): string {
    if (address.length <= room) return address
    const tail = Math.floor((room - 2) / 2)
    return `${address.slice(0, room - 2 - tail)}..${address.slice(-tail)}`
}
