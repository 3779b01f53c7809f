// The entry of `npm start`: a simulated board with the stack, and a network to try it on.

import { Answer } from "./options/command-line"
import { OptionError } from "./options/error"
import { type Options, parseOptions } from "./options/options"
import { Interruption, run } from "./run/run"

/** Gives the exit code. */
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
        // who insists does not wait for a build to end
        process.on(signal, () => (interruption.happened ? process.exit(1) : interruption.happen()))
    }
    if (process.env.npm_lifecycle_event !== undefined) leaveWithParent(interruption)
    return await run(options, interruption)
}

/** npm passes signals on to its shell only, which ends without telling us. */
function leaveWithParent(interruption: Interruption): void {
    const parent = process.ppid
    const look = () => {
        if (process.ppid !== parent) interruption.happen()
    }
    setInterval(look, 500).unref()
}

process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    // whoever read our output has gone: so do we
    if (code === "EPIPE") process.exit(0)
    const why = code === "ENOSPC" || code === "EDQUOT" ? "the disk is full" : message
    process.stderr.write(`the output ends here: ${why}\n`, () => process.exit(1))
})

const code = await main(process.argv.slice(2))
// what was written is out before the process ends
process.stdout.write("", () => process.exit(code))
