// `npm run ladder`: reads the options, and loads what draws a capture only to draw one.

import { Answer } from "../options/command-line"
import { OptionError } from "../options/error"
import { parseLadderOptions } from "./options"

/**
 * Draws the connections that the options select and returns the exit code: 0, 1 for a file that is damaged or cannot be used, 2
 * for wrong options.
 */
export async function main(words: readonly string[]): Promise<number> {
    try {
        const options = parseLadderOptions(words)
        return await (await import("./drawing")).draw(options)
    } catch (error) {
        if (error instanceof Answer) {
            process.stdout.write(error.message)
            return 0
        }
        if (!(error instanceof OptionError)) throw error
        console.error(error.message)
        return 2
    }
}
