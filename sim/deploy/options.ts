// The options of `npm run deploy`.

import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { addBoardOptions, chosenBoard, type GivenBoard } from "../board/board-options"
import type { Board } from "../board/boards"
import { boardGiven } from "../build/board-of"
import { INSTALLED, ROOT } from "../build/places"
import { CommandLine, program } from "../options/command-line"
import { OptionError } from "../options/error"
import { parseDevice, parseRoute, parseSeconds, type Route } from "./route"

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

/** The default of --timeout, s. */
const PATIENCE = 10

/** Reads the options. Throws an OptionError of one line, or an Answer for standard output. */
export function parseDeployOptions(words: readonly string[]): DeployOptions {
    const command = new CommandLine(
        `${INSTALLED ? "npx devicescript-tcp deploy" : "npm run deploy --"} [FILE.ts|FILE.devs] [options]: sends a program (src/main.ts) and its settings to a board`
    )
    addBoardOptions(command)
    command.add("--port <P>", "serial port, devtools, or tcp://HOST:PORT (the only board on USB)", parseRoute)
    command.add("--device <ID>", "the board, if several are on the bus", parseDevice)
    command.add("--no-settings", "send the program only, not .env.defaults and .env.local")
    command.add("--timeout <SECONDS>", "the longest wait for an answer (10)", parseSeconds, PATIENCE)
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
