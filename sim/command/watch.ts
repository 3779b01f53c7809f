// `sim --watch`: runs the simulator in a process of its own, and anew after each change of the project's files.

import { type ChildProcess, spawn } from "node:child_process"
import { watch } from "node:fs"
import { basename } from "node:path"
import { ROOT } from "../build/places"
import type { Interruption } from "../run/interruption"

/** The option; the process that it is given to starts others without it. */
const WATCH = "--watch"
/** The time without a change after which the run begins anew, ms: editors write a file in several steps. */
const SETTLED = 200
/** The files whose changes count. */
const COUNTS = /\.(ts|tsx|json)$|^\.env/
/** Folders that runs and installations write. */
const OWN = /(^|[\\/])(node_modules|\.devicescript|\.git)([\\/]|$)/

/**
 * Runs the command line of this process, without `--watch`, anew after each change, until the interruption comes, or, after a run, until an
 * input ends that is no terminal. Returns the exit code: 0 after an interruption, else that of the last run.
 */
export async function superviseRuns(interruption: Interruption): Promise<number> {
    const words = process.argv.slice(1).filter(word => word !== WATCH)
    let run: ChildProcess | undefined
    let again: NodeJS.Timeout | undefined
    let code = 0
    const start = () => {
        const child = spawn(process.execPath, [...process.execArgv, ...words], { stdio: "inherit" })
        run = child
        child.on("close", status => {
            if (run !== child) return
            run = undefined
            code = status ?? 1
            if (!process.stdin.isTTY) process.stdin.resume()
            process.stderr.write("The run is over; it begins anew with the next change of a file.\n")
        })
    }
    // a program that has closed this process's input sends no signal
    const inputEnds = new Promise<void>(resolve => process.stdin.once("end", resolve).once("error", resolve))
    const restart = () => {
        const before = run
        run = undefined
        // the input is the next run's
        process.stdin.pause()
        if (before === undefined) return start()
        before.once("close", start)
        before.kill()
    }
    const watcher = watch(ROOT, { recursive: true }, (_event, name) => {
        if (name === null || OWN.test(name) || !COUNTS.test(basename(name))) return
        clearTimeout(again)
        again = setTimeout(restart, SETTLED)
    })
    start()
    await Promise.race([new Promise<void>(resolve => interruption.whenever(resolve)), inputEnds])
    watcher.close()
    clearTimeout(again)
    run?.kill()
    return interruption.happened ? 0 : code
}
