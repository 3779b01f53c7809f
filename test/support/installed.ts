// Whether this machine has a program that a test asks for a second opinion.

import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"

/** Returns whether a program is on the path. To start it, only to see that it is there, takes up to half a second in each test file. */
export function isInstalled(program: string): boolean {
    const folders = (process.env.PATH ?? "").split(delimiter)
    return folders.some(folder => existsSync(join(folder, program)))
}
