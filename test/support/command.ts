// The command line as an installed package has it: compiled, so that it starts in half the time that the sources take. The process
// of build-server.ts compiles it once for all tests.

import { join } from "node:path"
import { ROOT } from "../../sim/build/places"

/** The environment variable with the path of the compiled command line. */
export const COMMAND = "DEVICESCRIPT_TCP_COMMAND"

/** Returns the arguments of Node that start a command; from the sources where nobody has compiled them. */
export function commandWords(command: string): string[] {
    const compiled = process.env[COMMAND]
    const sources = ["--import", "tsx", join(ROOT, "sim", "command", "main.ts")]
    return [...(compiled === undefined ? sources : [compiled]), command]
}
