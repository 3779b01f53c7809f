// Draws the TCP connections of a capture file, of any TCP/IP stacks, as `npm run ladder` does.

import { writeFileSync } from "node:fs"
import { withProgress } from "../build/progress"
import { isKnownLink, LINKTYPE_ETHERNET, linkName } from "../capture/link-layer"
import { explain, ReadError, type ReadResult, readCapture, visible } from "../capture/reader"
import { Evidence } from "../diagnosis/evidence"
import { silentNeighbours } from "../diagnosis/opening"
import { counted, duration } from "../diagnosis/words"
import { looksOf } from "../run/output"
import { Connections, MAX_CONNECTIONS } from "./connections"
import { graphs } from "./graphs"
import type { LadderToolOptions } from "./options"
import { type PageContent, page } from "./page"
import { Recording } from "./recording"
import { ending } from "./story"
import { svgFile } from "./svg"
import { ladderDrawing } from "./svg-ladder"
import { heading, paragraph, type Terminal, writeLadder, writeSummary } from "./text"
import { Wording } from "./wording"

const ETHERTYPE_IPV4 = 0x0800
const TCP = 6
const SYN = 2

/** Returns true for a frame that may explain another one's fate: any but segments without SYN, of which there are too many. */
function isTelling(frame: Uint8Array): boolean {
    if (frame.length < 34 || ((frame[12]! << 8) | frame[13]!) !== ETHERTYPE_IPV4 || frame[23] !== TCP)
        return true
    const flags = frame[14 + (frame[14]! & 15) * 4 + 13] ?? 0
    return (flags & SYN) !== 0
}

/**
 * Draws the connections that the options select, and returns the exit code: 0, or 1 for a file that is damaged or cannot be used,
 * with the reason on standard error.
 */
export async function draw(options: LadderToolOptions): Promise<number> {
    try {
        return await drawFile(options)
    } catch (error) {
        if (!(error instanceof ReadError)) throw error
        console.error(error.message)
        return 1
    }
}

async function drawFile(options: LadderToolOptions): Promise<number> {
    const recording = new Recording(options.stream ?? 0)
    const connections = new Connections(recording)
    const evidence = new Evidence()
    let end = 0
    const read = () =>
        readCapture(options.file, packet => {
            connections.take(packet, isKnownLink(packet.linkType))
            end = connections.end
            if (packet.linkType === LINKTYPE_ETHERNET && isTelling(packet.bytes))
                evidence.sent(packet.bytes, "", end / 1e6, undefined)
        })
    const named = options.file === "-" ? "standard input" : visible(options.file)
    const result = await withProgress(`reading ${named}`, read)
    const terminal: Terminal = {
        ...looksOf(process.stdout, process.env, options.color),
        write: text => {
            process.stdout.write(text)
        },
    }
    const title = `${visible(options.file)}: ${result.format}, ${counted(result.packets, "packet")} in ${duration(end - connections.begin)}, ${counted(connections.list.length, "TCP connection")}`
    if (options.text) paragraph(terminal, title)
    const { connection } = recording
    if (connection === undefined) {
        const problem = nothingToDraw(options, connections, evidence, result.damage)
        if (problem !== undefined) throw new ReadError(problem)
    } else {
        const wording = new Wording(connection, recording)
        if (options.text) writeText(terminal, options, connections, wording, { end, evidence })
        writePictures(options, { title, connections: connections.list, wording, end, evidence })
    }
    return warn(result, connections) ? 1 : 0
}

/** Returns why there is no connection to draw. */
function nothingToDraw(
    { file, stream }: LadderToolOptions,
    { list, unread, short, reports }: Connections,
    evidence: Evidence,
    damage: string | undefined
): string | undefined {
    const [last] = list.slice(-1)
    if (last !== undefined)
        return `${file} has no connection ${stream}: ${last.number === 0 ? "it has only one, number 0" : `they are numbered from 0 to ${last.number}`}`
    const [link] = unread.keys()
    const why =
        damage !== undefined
            ? `: ${damage}`
            : link !== undefined
              ? `, as far as can be read: its ${linkName(link)} is not known here`
              : short > 0
                ? `, as far as can be read: ${tooShort(short)}`
                : ""
    const others = [...reports, ...silentNeighbours(evidence).map(({ sentence }) => sentence)]
    const seen = others.slice(0, 3).map(text => `. ${text}`)
    return `${file} has no TCP connection${why}${seen.join("")}`.replace(/\.$/, "")
}

function writeText(
    terminal: Terminal,
    { stream }: LadderToolOptions,
    { list }: Connections,
    wording: Wording,
    { end, evidence }: { end: number; evidence: Evidence }
): void {
    if (stream === undefined) {
        terminal.write("\n")
        writeSummary(terminal, list, end, evidence)
    }
    terminal.write("\n")
    for (const line of heading(wording)) paragraph(terminal, line)
    terminal.write("\n")
    writeLadder(terminal, wording)
    terminal.write("\n")
    paragraph(terminal, ending(wording.connection, end, evidence))
}

/** Writes the picture and the page. Throws a ReadError when a file cannot be written. */
function writePictures({ svg, html }: LadderToolOptions, content: PageContent): void {
    const { wording, end, evidence } = content
    if (svg !== undefined) {
        const title = `TCP connection ${wording.connection.number}`
        const description = [...heading(wording), ending(wording.connection, end, evidence)].join(" ")
        write(svg, svgFile(title, description, [ladderDrawing(wording), ...graphs(wording)]))
    }
    if (html !== undefined) write(html, page(content))
}

function write(path: string, text: string): void {
    try {
        writeFileSync(path, text)
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        const why = code === "ENOENT" ? "there is no such folder" : explain(code, message)
        throw new ReadError(`cannot write ${path}: ${why}`)
    }
    console.error(`${visible(path)} is written`)
}

/** Returns that segments were captured too short. */
function tooShort(count: number): string {
    return `${counted(count, "packet")} ${wasOrWere(count)} captured too short for a TCP header (a larger snapshot length captures it)`
}

function wasOrWere(count: number): string {
    return count === 1 ? "was" : "were"
}

/** Reports on standard error what could not be read. Returns true when the file is damaged. */
function warn({ damage }: ReadResult, { unread, ignored, short }: Connections): boolean {
    for (const [link, packets] of unread)
        console.error(
            `${counted(packets, "packet")} of ${linkName(link)} ${wasOrWere(packets)} not read: that link is not known here`
        )
    if (short > 0) console.error(tooShort(short))
    if (ignored > 0)
        console.error(
            `${counted(ignored, "segment")} of more than ${MAX_CONNECTIONS.toLocaleString("en")} connections ${wasOrWere(ignored)} not read`
        )
    if (damage !== undefined) console.error(`${damage}; what came before is drawn`)
    return damage !== undefined
}
