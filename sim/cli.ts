// The entry of `npm start`: simulates a board with the stack, and a network to try it on.

import { Answer } from "./options/command-line"
import { OptionError } from "./options/error"
import { type Options, parseOptions } from "./options/options"
import { Interruption, run } from "./run/run"

/** Runs the simulator and returns the exit code. */
async function main(words: readonly string[]): Promise<number> {
    let options: Options
    try {
        options = parseOptions(words, { terminal: process.stdin.isTTY && process.stdout.isTTY })
    } catch (error) {
        if (error instanceof Answer) {
            process.stdout.write(error.message)
            return 0
        }
        if (!(error instanceof OptionError)) throw error
        process.stderr.write(`${error.message}\n`)
        return 2
    }
    const interruption = new Interruption()
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        // a second signal exits at once, even during a build
        process.on(signal, () => (interruption.happened ? process.exit(1) : interruption.happen()))
    }
    if (process.env.npm_lifecycle_event !== undefined) leaveWithParent(interruption)
    return await run(options, interruption)
}

/** Ends the run when the parent process ends: npm sends signals only to its shell, which does not pass them on. */
function leaveWithParent(interruption: Interruption): void {
    const parent = process.ppid
    const look = () => {
        if (process.ppid !== parent) interruption.happen()
    }
    setInterval(look, 500).unref()
}

process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    // the reader of our output has ended: nothing is left to do
    if (code === "EPIPE") process.exit(0)
    const why = code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : message
    process.stderr.write(`the output ends here: ${why}\n`, () => process.exit(1))
})

const code = await main(process.argv.slice(2))
// ends the process once its output is written
process.stdout.write("", () => process.exit(code))
