// The entry of `npx devicescript-tcp`: the commands of this package, in the folder of a DeviceScript project.

import { INSTALLED, isInstalled } from "../build/places"
import { Answer, version } from "../options/command-line"
import { OptionError } from "../options/error"
import { type Command, isWrongWords, runProcess } from "./process"

interface Entry {
    /** The command's words and what it does, for the help. */
    readonly line: readonly [words: string, what: string]
    /** Loads the command: each takes modules that others do not need. */
    load(): Promise<Command>
}

const COMMANDS: { readonly [name: string]: Entry } = {
    init: {
        line: ["init [--board NAME]", "add a board, a first program, a test and scripts to the project"],
        load: async () => (await import("./init")).init,
    },
    sim: {
        line: ["sim [FILE.ts] [options]", "simulate the program (src/main.ts) and a network"],
        load: async () => (await import("./simulate")).simulate,
    },
    build: {
        line: ["build [FILE.ts] [options]", "build the optimized image, print what it uses and has left"],
        load: async () => (await import("../budget/command")).build,
    },
    test: {
        line: ["test [FILE...]", "run the project's tests"],
        load: async () => (await import("./test")).test,
    },
    flash: {
        line: ["flash [options]", "put DeviceScript's firmware on the board, by DeviceScript's own command"],
        load: async () => (await import("./flash")).flash,
    },
    deploy: {
        line: ["deploy [FILE.ts] [options]", "send the optimized program and its settings to the board"],
        load: async () => (await import("../deploy/command")).deployProgram,
    },
    console: {
        line: ["console [options]", "give commands to the program on the board, over the USB cable"],
        load: async () => (await import("../console/command")).boardConsole,
    },
    ladder: {
        line: [
            "ladder CAPTURE [options]",
            "draw the TCP connections of a capture file, and say what went wrong",
        ],
        load: async () => (await import("../analysis/cli")).main,
    },
    features: {
        line: ["features [--list]", "leave features out of builds by DeviceScript's own commands"],
        load: async () => (await import("./features")).features,
    },
}

/** Commands that npm runs in this package, too: their messages need no name there. */
const PLAIN = ["sim", "build", "deploy", "console"]

/** Runs the command that the first word names, and returns the exit code. */
async function main([name = "", ...words]: readonly string[]): Promise<number> {
    if (name === "--help" || name === "-h") throw new Answer(help())
    if (name === "--version" || name === "-V") throw new Answer(`${version()}\n`)
    const { load } = chosen(name)
    try {
        return await (await load())(words)
    } catch (error) {
        throw isWrongWords(error) && !PLAIN.includes(name) ? wrong(error.message) : error
    }
}

/** Returns the command of this name. Throws an OptionError when the name is unknown, or when the command needs a project and this folder has none. */
function chosen(name: string): Entry {
    const names = Object.keys(COMMANDS)
    if (name === "") throw wrong(`name a command: ${names.join(", ")} (--help describes them)`)
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
    if (command === undefined) {
        throw wrong(`there is no command "${name}"; the commands are ${names.join(", ")}`)
    }
    // a capture may be anywhere, and a board needs no project
    if (name !== "ladder" && name !== "console" && !INSTALLED && isInstalled()) {
        throw wrong(
            "there is no DeviceScript project here (no devsconfig.json): npx @devicescript/cli init makes one"
        )
    }
    return command
}

function wrong(message: string): OptionError {
    return new OptionError(`devicescript-tcp: ${message}`)
}

function help(): string {
    const lines = Object.values(COMMANDS).map(({ line: [words, what] }) => `  ${words.padEnd(28)}${what}`)
    return [
        "npx devicescript-tcp COMMAND: a TCP/IP stack for DeviceScript, and a simulator for programs with it",
        ...lines,
        "COMMAND --help lists its options. Exit codes: 0 success, 1 failure, 2 wrong words.",
        "",
    ].join("\n")
}

await runProcess(main)
