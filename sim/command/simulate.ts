// `npm start` and `devicescript-tcp sim`: simulates a board with the stack, and a network to try it on.

import { simulatorOptions } from "../options/simulator-options"
import { Interruption } from "../run/interruption"

/** The words that ask for a text only. */
const TEXTS = ["--help", "-h", "--version", "-V"]

/** Runs the simulator and returns the exit code. */
export async function simulate(words: readonly string[]): Promise<number> {
    // the text comes at once: what runs a device is loaded only to run one
    if (words.length === 1 && words.some(word => TEXTS.includes(word))) simulatorOptions().parse(words)
    const { parseOptions } = await import("../options/options")
    const terminal = process.stdin.isTTY && process.stdout.isTTY
    const options = parseOptions(words, { terminal })
    const interruption = new Interruption()
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        // a second signal exits at once, even during a build
        process.on(signal, () => (interruption.happened ? process.exit(1) : interruption.happen()))
    }
    if (process.env.npm_lifecycle_event !== undefined) leaveWithParent(interruption)
    if (words.includes("--watch")) return await (await import("./watch")).superviseRuns(interruption)
    if (options.ui !== undefined) {
        const settings = (stage: string | undefined, own?: boolean) =>
            parseOptions(words, { terminal, stage, own })
        return await (await import("../ui/run")).runDashboard(options.ui, settings, interruption)
    }
    return await (await import("../run/run")).run(options, interruption)
}

/** Ends the run when the parent process ends: npm sends signals to its shell only, which does not pass them on. */
function leaveWithParent(interruption: Interruption): void {
    const parent = process.ppid
    const look = () => {
        if (process.ppid !== parent) interruption.happen()
    }
    setInterval(look, 500).unref()
}
