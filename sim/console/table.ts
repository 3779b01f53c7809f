// A console's commands: read from what `help` prints, completed by the Tab key, and explained by `help COMMAND`.

import { stateNames } from "../../src/tcp/records"

export interface ConsoleCommand {
    readonly name: string
    readonly usage: string
    readonly does: string
}

/** Returns the values that an argument can have, by its name in the usage, such as ID. */
export type Values = (argument: string) => Promise<readonly string[]>

/** The column at which `help` prints what a command does. */
const COLUMN = 34

/** Reads the lines that `help` prints: each has a usage, at least two spaces, and what the command does. */
export function readHelp(lines: readonly string[]): ConsoleCommand[] {
    return lines.flatMap(line => {
        const [, usage = "", does = ""] = /^(\S.*?) {2,}(\S.*)$/.exec(line) ?? []
        const name = usage.split(" ")[0] ?? ""
        return /^[a-z][\w-]*$/i.test(name) ? [{ name, usage, does }] : []
    })
}

/** Returns a line of `help`. */
export function helpLine({ usage, does }: Omit<ConsoleCommand, "name">): string {
    return `${`${usage}  `.padEnd(COLUMN)}${does}`
}

/**
 * Completes the last word of a line. Returns the words that it can become, and the part of the line that they replace, as readline
 * expects them. A word that is the only one has a blank after it.
 */
export async function complete(
    line: string,
    commands: readonly ConsoleCommand[],
    values: Values = async () => []
): Promise<[string[], string]> {
    const words = line.trimStart().split(/ +/)
    const last = words.at(-1) ?? ""
    const known = await possible(words.slice(0, -1), commands, values)
    const hits = [...new Set(known)].filter(word => word.startsWith(last)).sort()
    return [hits.length === 1 ? [`${hits[0]} `] : hits, last]
}

/** Returns a completer for readline. Where the values cannot be had, because the device has gone, it completes nothing. */
export function completerOf(
    commands: () => readonly ConsoleCommand[] | Promise<readonly ConsoleCommand[]>,
    values: Values
) {
    return (line: string, done: (error: Error | null, result: [string[], string]) => void): void => {
        Promise.resolve()
            .then(commands)
            .then(known => complete(line, known, values))
            .then(
                result => done(null, result),
                () => done(null, [[], line])
            )
    }
}

/** Returns the words that can follow some words. */
async function possible(
    before: readonly string[],
    commands: readonly ConsoleCommand[],
    values: Values
): Promise<readonly string[]> {
    const [name] = before
    const names = commands.map(command => command.name)
    if (name === undefined) return names
    const command = commands.find(one => one.name === name)
    const argument = command?.usage.split(" ").slice(1)[before.length - 1]
    if (argument === undefined) return []
    const choices = argument.replaceAll(/[[\]]/g, "").split("|")
    const found = choices.map(async choice => {
        if (/^[a-z]/.test(choice)) return [choice]
        if (choice === "COMMAND") return names
        if (choice === "STATE") return stateNames.split(" ")
        return await values(choice)
    })
    return (await Promise.all(found)).flat()
}

/** Returns the IDs in the rows that `connections` prints. */
export function idsIn(rows: readonly string[]): string[] {
    return rows.flatMap(row => /^(\d+) /.exec(row)?.[1] ?? [])
}

/** What a usage does not say, by command: lines of text, then examples. */
const DETAILS: { readonly [name: string]: readonly string[] } = {
    connections: [
        "Columns: ID, the two ends, the state of RFC 9293, bytes received that the program has not read, and bytes that",
        "the peer has not acknowledged. A connection has an ID once its handshake is done.",
    ],
    listen: ["Example: listen 7 echo"],
    connect: [
        "Prints the ID at once; the handshake follows. Example: connect 10.0.0.1 7, then wait ID ESTABLISHED",
    ],
    send: ["Example: send 3 GET / HTTP/1.0\\r\\n\\r\\n"],
    read: ["Prints bytes that are not printable ASCII as \\n \\r \\t \\xNN."],
    shutdown: ["The peer sees the end of the stream, and may still send: the state becomes FIN-WAIT-1."],
    close: ["A closed listener refuses new connections; its old ones stay. A connection sends a FIN."],
    abort: ["The peer gets a reset, and loses what it has not read."],
    ladder: ["Example: connections, then ladder 3. Needs events: config events=32."],
    neighbours: ["The entries of the ARP table, with the time since each was used."],
    stats: ["The counters of the stack and of the driver: what was dropped, and why."],
    trace: ["Example: trace on, then connect 10.0.0.1 7, then trace off. Needs events: config events=32."],
    ping: ["Example: ping 10.0.0.1 2. Fails if no request is answered."],
    wait: ["Example: wait 3 ESTABLISHED 2000. Fails when the time has passed."],
    status: [
        "The board's address, its Ethernet address, whether the cable has a link, and the time since start.",
    ],
    watch: [
        "Repeats a command every second and redraws its lines; Enter ends it. Example: watch connections",
    ],
    why: ["Without ID: the last failure. Example: connect 10.0.0.9 7, then why"],
    fault: ["Example: fault brown-out on. fault alone lists the names."],
    cable: ["Example: cable out, then connect 10.0.0.1 7"],
    filter: ["Example: filter 7, then connect 10.0.0.1 7"],
    help: ["Example: help connect"],
}

/** Returns what `help NAME` prints, or undefined for an unknown command. */
export function explainCommand(name: string, commands: readonly ConsoleCommand[]): string[] | undefined {
    const command = commands.find(one => one.name === name)
    if (command === undefined) return undefined
    const details = Object.hasOwn(DETAILS, name) ? (DETAILS[name] ?? []) : []
    return [`usage: ${command.usage}`, command.does, ...details]
}

/** Returns the error of `help NAME` for an unknown command. */
export function unknownCommand(name: string, commands: readonly ConsoleCommand[]): string {
    const near = commands.find(one => one.name.startsWith(name.slice(0, 2)))?.name
    return `help: unknown command "${name}"${near === undefined ? "" : `, did you mean ${near}?`}; help lists the commands`
}
