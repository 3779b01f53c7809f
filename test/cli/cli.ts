// The command line as its users start it: a process with arguments, standard input and output, and an exit code.

import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { commandWords } from "../support/command"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

export const runtimes = ["vm", "node"] as const

/** A process of the command line. Standard input stays open until `end`. */
export class Cli {
    stdout = ""
    stderr = ""
    /** The exit code, or the signal that ended it. */
    readonly ended: Promise<number | string>
    private readonly child: ChildProcess

    constructor(...words: string[]) {
        const { FORCE_COLOR: _, ...environment } = process.env
        const [program = "", ...before] = [...this.starter, process.execPath, ...commandWords("sim")]
        this.child = spawn(program, [...before, ...words], {
            cwd: ROOT,
            env: environment,
            stdio: "pipe",
        })
        this.child.stdout?.setEncoding("utf8").on("data", text => {
            this.stdout += text
        })
        this.child.stderr?.setEncoding("utf8").on("data", text => {
            this.stderr += text
        })
        // a program that has ended reads no more
        this.child.stdin?.on("error", () => {})
        this.ended = new Promise((resolve, reject) => {
            this.child.on("error", reject)
            this.child.on("close", (code, signal) => resolve(code ?? signal ?? "?"))
        })
    }

    /** What starts the process, if it is not to be started directly. */
    protected get starter(): string[] {
        return []
    }

    /** Types lines. */
    type(...lines: string[]): void {
        for (const line of lines) this.press(`${line}\n`)
    }

    /** Presses keys. */
    press(keys: string): void {
        this.child.stdin?.write(keys)
    }

    /** Ends standard input. */
    end(): void {
        this.child.stdin?.end()
    }

    signal(name: NodeJS.Signals): void {
        this.child.kill(name)
    }

    /** Waits until standard output holds something; fails when the process ends without. */
    async until(there: (stdout: string) => boolean): Promise<void> {
        let over = false
        void this.ended.then(() => {
            over = true
        })
        while (!there(this.stdout)) {
            if (over) throw new Error(`it ended and said:\n${this.stdout}${this.stderr}`)
            await new Promise(resolve => setTimeout(resolve, 5))
        }
    }

    /** Types a line and gives the line of output that comes next. */
    async ask(line: string): Promise<string> {
        const before = this.stdout.length
        this.type(line)
        await this.until(stdout => stdout.indexOf("\n", before) >= 0)
        return this.stdout.slice(before, this.stdout.indexOf("\n", before))
    }
}

/** Runs it to its end with nothing on standard input. */
export async function cli(
    ...words: string[]
): Promise<{ code: number | string; stdout: string; stderr: string }> {
    const process = new Cli(...words)
    process.end()
    const code = await process.ended
    return { code, stdout: process.stdout, stderr: process.stderr }
}

/** What a process prints, in lines. */
export function linesOf(text: string): string[] {
    return text.split("\n").slice(0, -1)
}
