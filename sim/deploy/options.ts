// The options of `npm run deploy`.

import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { addBoardOptions, chosenBoard, type GivenBoard } from "../board/board-options"
import type { Board } from "../board/boards"
import { boardGiven } from "../build/board-of"
import { INSTALLED, ROOT } from "../build/places"
import { CommandLine, program } from "../options/command-line"
import { OptionError } from "../options/error"

/** The way to the board: a serial port, or a TCP socket. */
export type Route = { kind: "serial"; path: string | undefined } | { kind: "tcp"; host: string; port: number }

export interface DeployOptions {
    /** The board for which the program is built. */
    board: Board
    /** A program of this project to build, or an existing image. */
    file: { kind: "program" | "image"; path: string }
    route: Route
    device: string | undefined
    settings: boolean
    /** The longest wait for an answer, ms. */
    patience: number
}

interface Given extends GivenBoard {
    port?: Route
    device?: string
    settings: boolean
    timeout: number
}

/** The address on which DeviceScript's devtools listen. */
const DEVTOOLS = { kind: "tcp", host: "127.0.0.1", port: 8082 } as const
const SECONDS = { byDefault: 10, least: 1, most: 600 }

/** Reads the options. Throws an OptionError of one line, or an Answer for standard output. */
export function parseDeployOptions(words: readonly string[]): DeployOptions {
    const command = new CommandLine(
        `${INSTALLED ? "npx devicescript-tcp deploy" : "npm run deploy --"} [FILE.ts|FILE.devs] [options]: sends a program (src/main.ts) and its settings to a board`
    )
    addBoardOptions(command)
    command.add("--port <P>", "serial port, devtools, or tcp://HOST:PORT (the only board on USB)", route)
    command.add("--device <ID>", "the board, if several are on the bus", device)
    command.add("--no-settings", "send the program only, not .env.defaults and .env.local")
    command.add("--timeout <SECONDS>", "the longest wait for an answer (10)", seconds, SECONDS.byDefault)
    const { given, args } = command.parse<Given>(words, 1)
    const file = fileOf(args[0] ?? join(ROOT, "src", "main.ts"))
    return {
        board: chosenBoard(boardGiven(given, file.kind === "program" ? file.path : undefined)),
        file,
        route: given.port ?? { kind: "serial", path: undefined },
        device: given.device,
        settings: given.settings,
        patience: given.timeout * 1000,
    }
}

function fileOf(text: string): DeployOptions["file"] {
    if (text.endsWith(".ts")) return { kind: "program", path: program(text) }
    if (!text.endsWith(".devs")) {
        throw new OptionError(`${text} is neither a program (.ts) nor an image (.devs)`)
    }
    if (!existsSync(text) || !statSync(text).isFile()) throw new OptionError(`${text} does not exist`)
    return { kind: "image", path: text }
}

function route(text: string): Route {
    if (text === "devtools") return DEVTOOLS
    if (!text.includes("://")) return { kind: "serial", path: text }
    const [, host, digits] = /^tcp:\/\/([\w.-]+|\[[\da-fA-F:]+\]):(\d{1,5})$/.exec(text) ?? []
    const port = Number(digits)
    if (host === undefined || port < 1 || port > 65_535) {
        throw new OptionError(`${text} is not valid; use a serial port, devtools or tcp://HOST:PORT`)
    }
    return { kind: "tcp", host: host.replaceAll(/[[\]]/g, ""), port }
}

function device(text: string): string {
    if (/^([0-9a-fA-F]{1,16}|[A-Z]{2}\d{2})$/.test(text)) return text
    throw new OptionError(
        `${text} is neither a board's hexadecimal number nor its short name; write one as AB12`
    )
}

function seconds(text: string): number {
    const { least, most } = SECONDS
    const value = Number(text)
    if (/^\d{1,3}$/.test(text) && value >= least && value <= most) return value
    throw new OptionError(`${text} is not a whole number of seconds from ${least} to ${most}`)
}
