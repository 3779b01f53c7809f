// The options of `npm run ladder`.

import { fstatSync, statSync } from "node:fs"
import { resolve } from "node:path"
import { isInstalled } from "../build/places"
import { CommandLine } from "../options/command-line"
import { OptionError } from "../options/error"

const COMMAND = isInstalled() ? "npx devicescript-tcp ladder" : "npm run ladder --"

export interface LadderToolOptions {
    /** The capture; `-` is standard input. */
    file: string
    /** The number of the connection that is drawn; undefined for a table of all and the first one. */
    stream: number | undefined
    svg: string | undefined
    html: string | undefined
    /** True when the text is written in addition to a picture or a page. */
    text: boolean
    /** False when nothing is shown in colours; undefined when the output and its environment decide. */
    color: boolean | undefined
}

/** Reads the options. Throws an OptionError of one line, or an Answer for standard output. */
export function parseLadderOptions(words: readonly string[]): LadderToolOptions {
    const command = new CommandLine(
        `${COMMAND} FILE.pcap|FILE.pcapng|- [options]: draws the TCP connections of a capture, and says what went wrong`
    )
    command.add(
        "--stream <N>",
        "the connection to draw, by Wireshark's number (a table, and the first one)",
        stream
    )
    command.add("--svg <F>", "write the ladder and the graphs as a picture", file)
    command.add("--html <F>", "write a page with everything in it, which loads nothing else", file)
    command.add("--text", "the table and ladder on the terminal, also with --svg or --html")
    command.add("--no-color", "no colours (NO_COLOR=1 does the same, FORCE_COLOR=1 the opposite)")
    const { given, args } = command.parse<Partial<LadderToolOptions>>(words, 1)
    const [path] = args
    if (path === undefined || path === "")
        throw new OptionError(`name a capture, as ${COMMAND} FILE.pcapng (--help lists the options)`)
    const { stream: number, svg, html } = given
    refuseSame(path, svg, html)
    return {
        file: path,
        stream: number,
        svg,
        html,
        color: given.color ? undefined : false,
        text: given.text === true || (svg === undefined && html === undefined),
    }
}

function stream(text: string): number {
    if (/^\d{1,6}$/.test(text)) return Number(text)
    throw new OptionError(`${text} is not the number of a connection in the table, from 0`)
}

function file(text: string): string {
    if (text === "") throw new OptionError("needs the name of a file")
    if (text === "-")
        throw new OptionError("- is no file: standard output gets the text only, so name a file")
    return text
}

/** Throws an OptionError when an output would overwrite the capture or the other output. */
function refuseSame(capture: string, svg: string | undefined, html: string | undefined): void {
    if (svg !== undefined && html !== undefined && isSameFile(svg, html))
        throw new OptionError("--svg and --html need two files")
    for (const [option, output] of Object.entries({ svg, html }))
        if (output !== undefined && isSameFile(capture, output))
            throw new OptionError(`--${option} ${output} is the capture itself: name another file`)
}

/** Returns true when two names are of one file, as by a link; `-` is standard input. Devices may be named twice. */
function isSameFile(one: string, another: string): boolean {
    const [a, b] = [one, another].map(name =>
        name === "-" ? fstatSync(0) : statSync(name, { throwIfNoEntry: false })
    )
    if (a === undefined || b === undefined) return one !== "-" && resolve(one) === resolve(another)
    return a.isFile() && a.dev === b.dev && a.ino === b.ino
}
