// Runs a command as the whole process: reports its errors, and exits with its code.

import { BuildError } from "../build/error"
import { FeatureError } from "../build/features"
import { DeployError } from "../deploy/error"
import { ImageError } from "../optimizer/errors"
import { Answer } from "../options/command-line"
import { OptionError } from "../options/error"

/** Runs a command and returns the exit code. */
export type Command = (words: readonly string[]) => Promise<number>

/** Runs a command with the words of the command line, then ends the process. */
export async function runProcess(command: Command): Promise<void> {
    process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
        // the reader of our output has gone: nothing is left to do
        if (code === "EPIPE") process.exit(0)
        const why = code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : message
        process.stderr.write(`the output ends here: ${why}\n`, () => process.exit(1))
    })
    const code = await command(process.argv.slice(2)).catch(report)
    // ends the process, once its output is written, even while something waits, as the watch of a serial port
    // unless an error of that output, reported above, ends it
    process.stdout.write("", error => {
        if (!error) process.exit(code)
    })
}

/** Reports an error of the user, in the form that it has, and returns the exit code. Throws any other error. */
function report(error: unknown): number {
    if (error instanceof Answer) {
        process.stdout.write(error.message)
        return 0
    }
    const wrongWords = isWrongWords(error)
    const failed = [BuildError, DeployError, ImageError].some(kind => error instanceof kind)
    if (!wrongWords && !failed) throw error
    process.stderr.write(`${(error as Error).message}\n`)
    return wrongWords ? 2 : 1
}

/** Returns true when an error is about the words of the command line. */
export function isWrongWords(error: unknown): error is Error {
    return error instanceof OptionError || error instanceof FeatureError
}
