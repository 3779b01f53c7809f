// The command line of a program of this project, built on commander. Each mistake in the options is reported in one line.

import { existsSync, readFileSync, realpathSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { Command, CommanderError, Option } from "commander"
import { FeatureError, featuresFile, leftOut } from "../build/features"
import { INSTALLED, isInside, PACKAGE, ROOT } from "../build/places"
import { OptionError } from "./error"

/** Thrown when the user asks for a text (--help, --version) instead of a run; the message is the text. */
export class Answer extends Error {}

/**
 * The command line of one program. This class prints nothing: `parse` throws the texts. `title` is the first line of the help.
 */
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

    /** Adds an option. `parse` checks and converts its value; an option without a description is not in the help. */
    add(flags: string, description: string, parse?: (text: string) => unknown, byDefault?: unknown): void {
        const option = new Option(flags, description).default(byDefault)
        if (parse !== undefined) option.argParser(text => checked(option, text, parse))
        this.command.addOption(option)
    }

    /** Returns the options, and at most `most` other words. Throws an OptionError of one line, or an Answer. */
    parse<Given>(words: readonly string[], most = 0): { given: Given; args: string[] } {
        const { command } = this
        try {
            command.parse(words, { from: "user" })
        } catch (error) {
            if (!(error instanceof CommanderError)) throw error
            if (error.exitCode === 0) throw new Answer(error.message)
            const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ")
            throw new OptionError(`${message} (--help lists the options)`)
        }
        if (command.args.length > most) {
            throw new OptionError(`unexpected argument "${command.args[most]}" (--help lists the options)`)
        }
        return { given: command.opts() as Given, args: command.args }
    }

    /** Returns the help: one line per option, so that it fits a screen together with the lines that npm prints before it. */
    private help(command: Command): string {
        const rows: [string, string][] = command.options
            .filter(option => option.long !== "--version" && option.description !== "")
            .map(option => [option.flags, option.description])
        rows.push(["-h, --help, -V, --version", "exit codes: 0 success, 1 failure, 2 wrong option"])
        const width = Math.max(...rows.map(([flags]) => flags.length)) + 2
        const lines = rows.map(([flags, text]) => `  ${flags.replaceAll(/[<>]/g, "").padEnd(width)}${text}`)
        return [this.title, ...lines, ""].join("\n")
    }
}

/** Parses an option's value; an OptionError gets the name of the option. */
function checked(option: Option, text: string, parse: (text: string) => unknown): unknown {
    try {
        return parse(text)
    } catch (error) {
        if (!(error instanceof OptionError)) throw error
        const named = error.message.startsWith(`${option.name()}`) ? "--" : `--${option.name()} `
        throw new OptionError(`${named}${error.message}`)
    }
}

/** Returns the beginning of a command's help: as npm runs it here, or as users run it, with the words that it takes. */
export function usage(script: string, command: string): string {
    return `${INSTALLED ? `npx devicescript-tcp ${command} [FILE.ts]` : `npm ${script} --`} [options]`
}

/** The number of words that a command takes besides options: users name their program; in this package --program does it. */
export const WORDS = INSTALLED ? 1 : 0

/** The program of a project that names none. */
const MAIN = "src/main.ts"

/** Returns the program of the project when the user names none; undefined in this package, whose main program has more options. */
export function ownProgram(): string | undefined {
    if (!INSTALLED) return undefined
    if (existsSync(join(ROOT, MAIN))) return MAIN
    throw new OptionError(`the project has no ${MAIN}: name your program, as src/app.ts`)
}

/**
 * Returns the path of a program in the project. Throws an OptionError for any other file, which the compiler would not accept.
 */
export function program(text: string): string {
    if (!text.endsWith(".ts")) throw new OptionError(`${text} is not a TypeScript file (.ts)`)
    const found = existsSync(text)
    const path = relative(ROOT, found ? realpathSync(text) : resolve(text)).replaceAll("\\", "/")
    if (!isInside(path)) {
        throw new OptionError(
            `${text} is not in this project; the compiler accepts only files of this project`
        )
    }
    if (!found) throw new OptionError(`${text} does not exist`)
    return path
}

/** Returns the names of the features to leave out; without `text`, those in this project's package.json. */
export function without(text?: string): readonly string[] {
    try {
        const names = text === undefined ? leftOut() : text.split(",").filter(name => name !== "")
        featuresFile(names)
        return names
    } catch (error) {
        if (!(error instanceof FeatureError)) throw error
        throw new OptionError(error.message)
    }
}

export function version(): string {
    const manifest = readFileSync(join(PACKAGE, "package.json"), "utf8")
    return (JSON.parse(manifest) as { version: string }).version
}
