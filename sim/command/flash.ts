// `devicescript-tcp flash`: DeviceScript's own command, for the board that the program is written for.

import { spawnSync } from "node:child_process"
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
    const script = join(tool.folder, "devicescript")
    const code = runTool(script, ["flash", ...choice, ...words])
    return code === 1 && hasUnknownOption(script, words) ? 2 : code
}

/** Returns true when a word is an option that DeviceScript's command does not have; it fails with the code 1 then. */
function hasUnknownOption(script: string, words: readonly string[]): boolean {
    const { stdout } = spawnSync(process.execPath, [script, "flash", "--help"], { encoding: "utf8" })
    const known = new Set(stdout.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g))
    return words.some(word => /^--/.test(word) && !known.has(word.replace(/=.*/, "")))
}
