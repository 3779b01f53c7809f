// The options of `npm run ladder`.

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
    if (svg !== undefined && svg === html) throw new OptionError("--svg and --html need two files")
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
    if (text !== "") return text
    throw new OptionError("the name of a file is missing")
}
