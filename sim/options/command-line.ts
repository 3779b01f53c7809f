// What the command lines of this project have in common: options by commander, each mistake told in one line.

import { existsSync, readFileSync } from "node:fs"
import { isAbsolute, relative, resolve } from "node:path"
import { Command, CommanderError, Option } from "commander"
import { ROOT } from "../build/build"
import { FeatureError, featuresFile, leftOut } from "../build/features"
import { OptionError } from "./error"

/** The user asked for a text (--help, --version) instead of a run. */
export class Answer extends Error {}

/** A command of which nothing is printed but what `parse` throws. `title` is the first line of its help. */
export class CommandLine {
    private readonly command: Command
    private readonly answer: string[] = []

    constructor(private readonly title: string) {
        this.command = new Command(title)
            .allowExcessArguments(true)
            .showSuggestionAfterError(true)
            .configureOutput({ writeOut: text => this.answer.push(text), writeErr: () => {} })
            .configureHelp({ formatHelp: command => this.help(command) })
            .exitOverride(error => {
                throw error.exitCode === 0 ? new CommanderError(0, error.code, this.answer.join("")) : error
            })
            .version(version(), "-V, --version", "print the version")
            .helpOption("-h, --help", "print this")
    }

    add(flags: string, description: string, parse?: (text: string) => unknown, byDefault?: unknown): void {
        const option = new Option(flags, description).default(byDefault)
        if (parse !== undefined) option.argParser(text => checked(option, text, parse))
        this.command.addOption(option)
    }

    /** The options, and at most so many words besides them. Throws an OptionError of one line, or an Answer. */
    parse<Given>(words: readonly string[], most = 0): { given: Given; args: string[] } {
        const { command } = this
        try {
            command.parse(words, { from: "user" })
        } catch (error) {
            if (!(error instanceof CommanderError)) throw error
            if (error.exitCode === 0) throw new Answer(error.message)
            const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ")
            throw new OptionError(`${printable(message)} (--help lists the options)`)
        }
        if (command.args.length > most) {
            const extra = printable(command.args[most])
            throw new OptionError(`unexpected argument "${extra}" (--help lists the options)`)
        }
        return { given: command.opts() as Given, args: command.args }
    }

    /** One line for each option that has a description, so that it fits a screen together with what npm prints before it. */
    private help(command: Command): string {
        const rows: [string, string][] = command.options
            .filter(option => option.long !== "--version" && option.description !== "")
            .map(option => [option.flags, option.description])
        rows.push(["-h, --help, -V, --version", "this; exit code: 0 well, 1 failed, 2 wrong option"])
        const width = Math.max(...rows.map(([flags]) => flags.length)) + 2
        const lines = rows.map(([flags, text]) => `  ${flags.replaceAll(/[<>]/g, "").padEnd(width)}${text}`)
        return [this.title, ...lines, ""].join("\n")
    }
}

/** Says which option a value was for when it does not fit. */
function checked(option: Option, text: string, parse: (text: string) => unknown): unknown {
    try {
        return parse(text)
    } catch (error) {
        if (!(error instanceof OptionError)) throw error
        const named = error.message.startsWith(`${option.name()}`) ? "--" : `--${option.name()} `
        throw new OptionError(`${named}${error.message}`)
    }
}

/** A program of this project, as a path in it: the compiler takes no other. */
export function program(text: string): string {
    const path = relative(ROOT, resolve(text))
    if (!text.endsWith(".ts")) throw new OptionError(`${printable(text)} is no TypeScript file`)
    if (path.startsWith("..") || isAbsolute(path)) {
        throw new OptionError(`${printable(text)} is not in this project, where the compiler looks`)
    }
    if (!existsSync(text)) throw new OptionError(`${printable(text)} does not exist`)
    return path.replaceAll("\\", "/")
}

/** Names of features that a program can do without; of this project's package.json unless given. */
export function without(text?: string): readonly string[] {
    try {
        const names = text === undefined ? leftOut() : text.split(",").filter(name => name !== "")
        featuresFile(names)
        return names
    } catch (error) {
        if (!(error instanceof FeatureError)) throw error
        throw new OptionError(printable(error.message))
    }
}

export function printable(text: string): string {
    return text.replaceAll(/[^\x20-\x7e]/g, "?")
}

function version(): string {
    const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
    return (JSON.parse(manifest) as { version: string }).version
}
