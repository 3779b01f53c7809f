// The options of `npm run console`.

import { INSTALLED } from "../build/places"
import { parseDevice, parseRoute, parseSeconds, type Route, SIMULATOR } from "../deploy/route"
import { CommandLine } from "../options/command-line"
import { splitCommands } from "../options/commands"

export interface ConsoleOptions {
    /** The way to the board; undefined: the console finds it. */
    route: Route | undefined
    /** The board, if several are on the bus. */
    device: string | undefined
    /** The commands of --exec; undefined: those of standard input. */
    commands: string[] | undefined
    /** The longest wait for the board to appear, ms. */
    patience: number
}

interface Given {
    port?: Route
    device?: string
    exec?: string[]
    timeout: number
}

/** The default of --timeout, s. */
const PATIENCE = 5

/** Reads the options. Throws an OptionError of one line, or an Answer for standard output. */
export function parseConsoleOptions(words: readonly string[]): ConsoleOptions {
    const command = new CommandLine(
        `${INSTALLED ? "npx devicescript-tcp console" : "npm run console --"} [options]: commands for a board on the USB cable, whose program has the serial console`
    )
    command.add(
        "--port <P>",
        "serial port, devtools, sim or tcp://HOST:PORT (without it the console looks for them)",
        text => (text === "sim" ? SIMULATOR : parseRoute(text))
    )
    command.add("--device <ID>", "the board, if several are on the bus", parseDevice)
    command.add("--exec <'C; C'>", "run these commands only, as connections; help lists them", splitCommands)
    command.add(
        "--timeout <SECONDS>",
        `the longest wait for the board to appear (${PATIENCE})`,
        parseSeconds,
        PATIENCE
    )
    const { given } = command.parse<Given>(words)
    return {
        route: given.port,
        device: given.device,
        commands: given.exec,
        patience: given.timeout * 1000,
    }
}
