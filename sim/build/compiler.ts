// Runs DeviceScript's compiler in processes that stay for the next build, as a compiler that has run once takes half the time.

import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import { PACKAGE } from "./places.ts"

/** Node's option for a process that makes many short-lived objects: MB for the young ones, with which it takes an eighth less time. */
export const YOUNG_SPACE = "--max-semi-space-size=64"

/** What the compiler printed, and whether it failed. */
export interface Compiled {
    output: string
    failed: boolean
}

/** The program of such a process. */
const PROGRAM = join(PACKAGE, "bin", "compiler.js")

/** The processes that wait for a job. They end with this process. */
const waiting: ChildProcess[] = []

/**
 * Runs the compiler in `folder` and returns its output. `tool` is the module of DeviceScript's command line tool. The compiler does
 * not verify the image, which may be above the VM's limit.
 */
export function runCompiler(tool: string, entry: string, folder: string): Promise<Compiled> {
    const compiler = waiting.pop() ?? start(tool)
    return new Promise(resolve => {
        const end = (compiled: Compiled) => {
            compiler.removeAllListeners()
            // a process that waits does not keep this one from ending
            compiler.unref()
            compiler.channel?.unref()
            resolve(compiled)
        }
        compiler.ref()
        compiler.channel?.ref()
        compiler.on("message", message => {
            const compiled = message as Compiled
            if (!compiled.failed) waiting.push(compiler)
            end(compiled)
        })
        compiler.on("error", error => end({ output: error.message, failed: true }))
        compiler.on("exit", (code, signal) =>
            end({ output: `the compiler ended with ${signal ?? `exit code ${code}`}`, failed: true })
        )
        compiler.send({ folder, args: ["build", "--no-verify", entry] })
    })
}

function start(tool: string): ChildProcess {
    return fork(PROGRAM, [tool], {
        execArgv: [YOUNG_SPACE],
        env: { ...process.env, NO_UPDATE_NOTIFIER: "1" },
        stdio: ["ignore", "ignore", "ignore", "ipc"],
    })
}
