// `devicescript-tcp flash`: DeviceScript's own command, for the board that the program is written for.

import { join } from "node:path"
import { boardOf } from "../build/board-of"
import { commandLineTool, INSTALL } from "../build/places"
import { ownProgram } from "../options/command-line"
import { OptionError } from "../options/error"
import { runTool } from "./tool"

/** Matches the options of DeviceScript's command that name a board or list the boards. */
const NAMES_BOARD = /^(-b|--board|--help|-h)(=|$)/

/** Runs `devicescript flash` in the project and returns its exit code. */
export async function flash(words: readonly string[]): Promise<number> {
    const tool = commandLineTool()
    if (tool === undefined) throw new OptionError(`@devicescript/cli is not installed: run ${INSTALL}`)
    const named = words.some(word => NAMES_BOARD.test(word))
    const board = named ? undefined : boardOf(ownProgram() ?? "src/board.ts")
    const choice = board === undefined ? [] : ["--board", board]
    return runTool(join(tool.folder, "devicescript"), ["flash", ...choice, ...words])
}
