// Console commands: from --exec, from a prompt, from a pipe.

import { createInterface } from "node:readline"
import { jsonCommand } from "./json"
import type { Output } from "./output"
import { Ended, endedBy, type World } from "./world"

/** Shows a command and what came of it. */
export type ShowReply = (line: string, lines: string[], status: number) => void

export function showText(output: Output): ShowReply {
    return (line, lines, status) => {
        output.line(`> ${line}`, "bold")
        showOutput(output, lines, status)
    }
}

export function showJson(world: World, write: (line: string) => void): ShowReply {
    return (line, lines, status) => write(jsonCommand(world.now(), line, status, lines))
}

/** At a prompt the line itself is there already. */
export function showOutput(output: Output, lines: readonly string[], status: number): void {
    for (const text of lines) output.line(text, status === 0 ? "plain" : "red")
}

/** Runs commands one after the other; throws an Ended with code 1 at the first that fails. */
export async function runCommands(world: World, commands: readonly string[], show: ShowReply): Promise<void> {
    for (const command of commands) {
        const { lines, status } = await world.command(command)
        show(command, lines, status)
        if (status !== 0) throw new Ended(1)
    }
}

/** Milliseconds of virtual time that pass after each command at a prompt, where no other time passes. */
const AFTER_COMMAND = 1000
const LEAVE = ["exit", "quit"]

/** Commands at a prompt until the user leaves, which ends the run; what happens meanwhile is kept above the prompt. */
export async function prompt(world: World, output: Output): Promise<never> {
    const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " })
    lines.on("SIGINT", () => lines.close())
    output.below(lines)
    lines.prompt()
    const converse = async () => {
        for await (const line of lines) {
            const command = line.trim()
            if (LEAVE.includes(command)) break
            if (command !== "") {
                const { lines, status } = await world.command(command)
                showOutput(output, lines, status)
                if (world.clock.virtual) await world.pass(AFTER_COMMAND)
            }
            lines.prompt()
        }
        throw new Ended(0)
    }
    try {
        return await Promise.race([converse(), world.untilEnded()])
    } finally {
        output.below(undefined)
        lines.close()
        output.line()
    }
}

/** Serves until the run ends. Lines on standard input are commands; their end ends the run only if `leaveAtEnd`. */
export async function serve(world: World, show: ShowReply, leaveAtEnd: boolean): Promise<never> {
    const lines = createInterface({ input: process.stdin })
    let queue: Promise<void> = Promise.resolve()
    lines.on("line", line => {
        const command = line.trim()
        if (command === "") return
        queue = queue.then(async () => {
            const { lines, status } = await world.command(command)
            show(command, lines, status)
        })
        queue.catch(error => world.finish(endedBy(error)))
    })
    lines.on("close", () => {
        if (leaveAtEnd) queue = queue.then(() => world.finish(new Ended(0)))
    })
    try {
        return await world.untilEnded()
    } finally {
        lines.close()
    }
}
