// The options that choose a board, for all command lines of this project: --board, --pins, --mac.

import { Answer, type CommandLine } from "../options/command-line"
import { OptionError } from "../options/error"
import { type Board, boardNames, readBoard } from "./boards"
import { wiringWarnings } from "./wiring"

export interface GivenBoard {
    board?: string
    pins?: { [line: string]: string }
    mac?: string
}

/** Adds --board and --pins to a command line. `--board list` throws an Answer: the names of the boards, one per line. */
export function addBoardOptions(command: CommandLine): void {
    command.add("--board <NAME>", "the board, or list; --pins CS=GP5 moves its wires", boardNamed)
    // the help describes it in the line of --board
    command.add("--pins <LINE=PIN,...>", "", parsePins)
}

/** Returns the name of a board. Throws an Answer with all names, one a line, for `list`. */
export function boardNamed(text: string): string {
    if (text === "list") throw new Answer(boardNames().join("\n").concat("\n"))
    return text
}

/**
 * Returns the board of --board, the first board with the chip of --mac, or else the board in src/board.ts. Prints what to mind of its
 * wiring, a line each, on standard error.
 */
export function chosenBoard(given: GivenBoard): Board {
    const board = boardOfOptions(given)
    for (const warning of wiringWarnings(board)) console.error(`${board.name}: ${warning}`)
    return board
}

function boardOfOptions({ board, pins, mac }: GivenBoard): Board {
    const found = named("--board ", board)
    if (mac === undefined || mac === found.chip) return pins ? named("--pins: ", found.name, pins) : found
    if (board !== undefined)
        throw new OptionError(
            `--board ${board} and --mac ${mac} cannot be combined: its chip is ${found.chip}`
        )
    const all = boardNames().map(name => readBoard(name))
    const other = all.find(candidate => candidate.chip === mac)
    if (other !== undefined) return pins ? named("--pins: ", other.name, pins) : other
    const chips = [...new Set(all.map(({ chip }) => chip))]
    throw new OptionError(`--mac ${mac} is not valid; use ${chips.join(" or ")}`)
}

function named(option: string, name?: string, pins?: { [line: string]: string }): Board {
    try {
        return readBoard(name, pins)
    } catch (error) {
        if (!(error instanceof OptionError)) throw error
        throw new OptionError(`${option}${error.message}`)
    }
}

/** Reads `CS=GP5,RESET=GP6`. */
export function parsePins(text: string): { [line: string]: string } {
    const pins: { [line: string]: string } = Object.create(null)
    for (const part of text.split(",")) {
        const [, line, label] = /^(\w+)=(\w+)$/.exec(part) ?? []
        if (line === undefined || label === undefined)
            throw new OptionError(`${part} is not LINE=PIN; write one as CS=GP5`)
        if (line in pins) throw new OptionError(`${line} is given twice`)
        pins[line] = label
    }
    return pins
}
