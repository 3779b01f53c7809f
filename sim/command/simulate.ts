// `npm start` and `devicescript-tcp sim`: simulates a board with the stack, and a network to try it on.

import { parseOptions } from "../options/options"
import { Interruption, run } from "../run/run"
import { runDashboard } from "../ui/run"
import { superviseRuns, WATCH } from "./watch"

/** Runs the simulator and returns the exit code. */
export async function simulate(words: readonly string[]): Promise<number> {
    const terminal = process.stdin.isTTY && process.stdout.isTTY
    const options = parseOptions(words, { terminal })
    const interruption = new Interruption()
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        // a second signal exits at once, even during a build
        process.on(signal, () => (interruption.happened ? process.exit(1) : interruption.happen()))
    }
    if (process.env.npm_lifecycle_event !== undefined) leaveWithParent(interruption)
    if (words.includes(WATCH)) return await superviseRuns(interruption)
    if (options.ui !== undefined) {
        const settings = (stage: string | undefined) => parseOptions(words, { terminal, stage })
        return await runDashboard(options.ui, settings, interruption)
    }
    return await run(options, interruption)
}

/** Ends the run when the parent process ends: npm sends signals to its shell only, which does not pass them on. */
function leaveWithParent(interruption: Interruption): void {
    const parent = process.ppid
    const look = () => {
        if (process.ppid !== parent) interruption.happen()
    }
    setInterval(look, 500).unref()
}
