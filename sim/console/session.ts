// Carries out the lines that a user types, or that come from --exec or a pipe: on the board, or here (help COMMAND, watch, exit).

import { createInterface, type Interface } from "node:readline"
import type { DeployError } from "../deploy/error"
import { Output } from "../run/output"
import type { BoardConsole } from "./board"
import {
    type ConsoleCommand,
    completerOf,
    explainCommand,
    helpLine,
    idsIn,
    readHelp,
    unknownCommand,
} from "./table"
import { watch } from "./watch"

/** The commands that the console carries out itself. */
const OWN: readonly ConsoleCommand[] = [
    { name: "watch", usage: "watch COMMAND", does: "repeats a command every second; Enter ends it" },
    { name: "help", usage: "help [COMMAND]", does: "lists the commands, or explains one" },
    { name: "exit", usage: "exit", does: "ends this console; the program on the board goes on" },
]
const HISTORY = 500

interface Streams {
    readonly input: NodeJS.ReadableStream & { isTTY?: boolean }
    readonly output: NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number }
}

/** Thrown when the user ends the console. */
class Left extends Error {}

export class Session {
    /** Commands that failed. */
    failed = 0
    private readonly out: Output
    private known: ConsoleCommand[] | undefined
    /** A command is being carried out. */
    private busy = false
    /** What the program prints while a table is redrawn, to be shown after it. */
    private later: string[] | undefined
    private endWatch: (() => void) | undefined

    constructor(
        private readonly board: Pick<BoardConsole, "execute" | "gone">,
        private readonly streams: Streams,
        looks: ConstructorParameters<typeof Output>[1]
    ) {
        this.out = new Output(streams.output, looks)
    }

    /** Shows a line that the program prints by itself. */
    print(line: string): void {
        if (this.later !== undefined) this.later.push(line)
        else this.out.line(line, "dim")
    }

    /** Carries out commands; stops at the first that fails. Rejects with a DeployError when the board is gone. */
    async run(commands: readonly string[]): Promise<void> {
        for (const command of commands) {
            this.out.line(`> ${command}`, "bold")
            await this.carryOut(command)
            if (this.failed > 0) return
        }
    }

    /** Carries out the lines of the input until it ends, or the user leaves. Rejects with a DeployError when the board is gone. */
    async serve(): Promise<void> {
        const { input, output } = this.streams
        const terminal = input.isTTY === true && output.isTTY === true
        const completer = completerOf(
            // a board carries out one command at a time
            () => (this.busy ? [] : this.commands()),
            argument => this.values(argument)
        )
        const lines = createInterface({
            input,
            ...(terminal ? { output, completer } : {}),
            prompt: "> ",
            terminal,
            historySize: HISTORY,
            removeHistoryDuplicates: true,
        })
        let gone: DeployError | undefined
        void this.board.gone.then(error => {
            gone = error
            lines.close()
        })
        lines.on("SIGINT", () => (this.endWatch === undefined ? lines.close() : this.endWatch()))
        lines.on("close", () => this.endWatch?.())
        try {
            await this.converse(lines, terminal)
        } catch (error) {
            if (!(error instanceof Left)) throw error
        } finally {
            this.out.below(undefined)
            lines.close()
        }
        if (gone !== undefined) throw gone
    }

    private async converse(lines: Interface, terminal: boolean): Promise<void> {
        const ask = () => {
            if (!terminal) return
            this.out.below(lines)
            // what the user has typed meanwhile stays, with its cursor
            lines.prompt(true)
        }
        const waiting: string[] = []
        let wake = () => {}
        let over = false
        lines.on("line", line => {
            if (this.endWatch === undefined) waiting.push(line)
            else {
                this.endWatch()
                this.endWatch = undefined
            }
            wake()
        })
        lines.on("close", () => {
            over = true
            wake()
        })
        ask()
        for (;;) {
            const line = waiting.shift()
            if (line !== undefined) {
                if (line.trim() !== "") await this.carryOut(line.trim())
                if (!over) ask()
                continue
            }
            if (over) return
            await new Promise<void>(resolve => {
                wake = resolve
            })
        }
    }

    private async carryOut(line: string): Promise<void> {
        const [name = "", ...words] = line.split(/\s+/)
        if (name === "exit" || name === "quit") throw new Left()
        if (name === "help") return await this.help(words)
        if (name === "watch") return await this.watch(line.slice(name.length).trim())
        const done = await this.execute(line, text => this.out.line(text))
        if (!done) this.failed++
    }

    private async execute(line: string, onLine: (text: string) => void): Promise<boolean> {
        this.busy = true
        try {
            return await this.board.execute(line, onLine)
        } finally {
            this.busy = false
        }
    }

    private async help([name]: readonly string[]): Promise<void> {
        const commands = await this.commands()
        const lines =
            name === undefined ? commands.map(command => helpLine(command)) : explainCommand(name, commands)
        for (const text of lines ?? []) this.out.line(text)
        if (lines !== undefined) return
        this.out.line(unknownCommand(name ?? "", commands), "red")
        this.failed++
    }

    /** Repeats a command until the user ends it, or it fails. */
    private async watch(command: string): Promise<void> {
        if (command === "" || command.startsWith("watch")) {
            this.out.line("watch: usage: watch COMMAND")
            this.failed++
            return
        }
        const { output } = this.streams
        const ended = new Promise<void>(resolve => {
            this.endWatch = resolve
        })
        const table = async () => {
            const lines: string[] = []
            if (await this.execute(command, line => lines.push(line))) return lines
            for (const line of lines) this.out.line(line)
            this.failed++
            return undefined
        }
        this.out.below(undefined)
        this.later = []
        const screen = output.isTTY ? { columns: output.columns ?? 80, rows: output.rows ?? 24 } : undefined
        try {
            await watch({ table, write: text => void output.write(text), screen, ended })
        } finally {
            this.endWatch = undefined
            const later = this.later
            this.later = undefined
            for (const line of later) this.print(line)
        }
    }

    /** Returns the commands of the board and of this console. */
    private async commands(): Promise<readonly ConsoleCommand[]> {
        if (this.known === undefined) {
            const lines: string[] = []
            await this.execute("help", line => lines.push(line))
            const own = OWN.map(({ name }) => name)
            this.known = [...readHelp(lines).filter(({ name }) => !own.includes(name)), ...OWN]
        }
        return this.known
    }

    private async values(argument: string): Promise<readonly string[]> {
        if (argument !== "ID") return []
        const rows: string[] = []
        await this.execute("connections", row => rows.push(row))
        return idsIn(rows)
    }
}
