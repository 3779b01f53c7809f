// Executes console commands from --exec, a prompt or a pipe.

import { createInterface, type Interface } from "node:readline"
import { type ConsoleCommand, completerOf } from "../console/table"
import type { Reply } from "../device/device"
import type { Options } from "../options/options"
import { Ended, endedBy } from "./ended"
import { jsonCommand } from "./json"
import type { Output } from "./output"
import type { World } from "./world"

/** Shows commands. */
interface Show {
    /** Shows a command before it is executed. */
    command(line: string): void
    /** Shows the lines that a command printed, and its status. */
    reply(line: string, lines: string[], status: number): void
}

/** Returns a Show that writes text for people; a quiet one does not repeat the command. `rest` draws the picture up to now. */
export function showText(output: Output, quiet: boolean, rest: () => void): Show {
    return {
        command: line => {
            rest()
            if (!quiet) output.line(`> ${line}`, "bold")
        },
        reply: (_, lines, status) => {
            rest()
            showOutput(output, lines, status)
        },
    }
}

/** Returns a Show that writes a line of JSON. */
export function showJson(world: World, write: (line: string) => void): Show {
    return {
        command: () => {},
        reply: (line, lines, status) => write(jsonCommand(world.now(), line, status, lines)),
    }
}

/** Shows what a command printed. At a prompt that is all, because the user has typed the command. */
function showOutput(output: Output, lines: readonly string[], status: number): void {
    for (const text of lines) output.line(text, status === 0 ? "plain" : "red")
}

/** Executes a command, shows it, and explains it if it failed. */
async function carryOut(world: World, command: string, show: Show): Promise<Reply> {
    show.command(command)
    const reply = await world.command(command)
    show.reply(command, reply.lines, reply.status)
    world.explainReply(command, reply)
    return reply
}

/** Runs commands one after the other; throws an Ended with code 1 at the first command that fails, or with `keepGoing` after the last. */
export async function runCommands(
    world: World,
    { commands, keepGoing }: Pick<Options, "commands" | "keepGoing">,
    show: Show
): Promise<void> {
    let failed = false
    for (const command of commands) {
        const { status } = await carryOut(world, command, show)
        failed ||= status !== 0
        if (failed && !keepGoing) break
    }
    world.explainRest()
    if (failed) throw new Ended(1)
}

/** Virtual time that passes after each command at a prompt, ms; between commands no time passes. */
const AFTER_COMMAND = 1000
const LEAVE = ["exit", "quit"]

/** The terminal of a user. */
interface Terminal {
    input: NodeJS.ReadableStream
    output: NodeJS.WritableStream
}

/**
 * Reads commands at a prompt. From its creation on, the keys Ctrl-C and Ctrl-D end the run. The prompt reads Ctrl-C as a key, not
 * as a signal: a shell between the terminal and this process would turn a signal into an exit code of its own.
 */
export class Prompt {
    private readonly lines: Interface
    private readonly typed: AsyncIterableIterator<string>
    /** The commands that the Tab key completes. */
    private known: readonly ConsoleCommand[] = []
    /** True when the cursor is on the line of the prompt. */
    private asks = false

    constructor(
        private readonly world: World,
        private readonly output: Output,
        terminal: Terminal
    ) {
        const completer = completerOf(
            () => this.known,
            argument => (this.asks ? world.values(argument) : Promise.resolve([]))
        )
        this.lines = createInterface({ ...terminal, completer, prompt: "> ", terminal: true })
        this.typed = this.lines[Symbol.asyncIterator]()
        this.lines.on("close", () => world.finish(new Ended(0)))
        this.lines.on("SIGINT", () => this.lines.close())
    }

    /** Reads commands until the user leaves, which ends the run. Meanwhile output appears above the prompt. */
    async run(): Promise<never> {
        this.output.below(this.lines)
        this.known = [
            ...(await this.world.commands()),
            ...LEAVE.map(name => ({ name, usage: name, does: "" })),
        ]
        this.ask()
        return await Promise.race([this.converse(), this.world.untilEnded()])
    }

    /** Releases the terminal. */
    close(): void {
        this.output.below(undefined)
        this.lines.close()
        if (this.asks) this.output.line()
    }

    private async converse(): Promise<never> {
        for await (const line of this.typed) {
            this.asks = false
            const command = line.trim()
            if (LEAVE.includes(command)) break
            if (command !== "") await this.carryOut(command)
            this.ask()
        }
        throw new Ended(0)
    }

    private ask(): void {
        this.asks = true
        // what the user has typed meanwhile stays, with its cursor
        this.lines.prompt(true)
    }

    private async carryOut(command: string): Promise<void> {
        const reply: Show["reply"] = (_, lines, status) => showOutput(this.output, lines, status)
        await carryOut(this.world, command, { command: () => {}, reply })
        if (this.world.clock.virtual) await this.world.pass(AFTER_COMMAND)
    }
}

/** Executes the lines of the input as commands until the run ends. The end of the input ends the run only if `leaveAtEnd`. */
export async function serve(
    world: World,
    show: Show,
    input: NodeJS.ReadableStream,
    leaveAtEnd: boolean
): Promise<never> {
    const lines = createInterface({ input })
    let queue: Promise<void> = Promise.resolve()
    lines.on("line", line => {
        const command = line.trim()
        if (command === "") return
        queue = queue.then(async () => {
            await carryOut(world, command, show)
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
