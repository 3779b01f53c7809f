// Runs another tool of the project as part of a command.

import { spawnSync } from "node:child_process"
import { ROOT } from "../build/places"

/** Runs a script with Node in the project's folder, on this terminal, and returns its exit code. */
export function runTool(script: string, words: readonly string[]): number {
    const { status } = spawnSync(process.execPath, [script, ...words], { cwd: ROOT, stdio: "inherit" })
    return status ?? 1
}
