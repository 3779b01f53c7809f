// The grammar of a script: options, commands for the start, events with their times, commands for the end.

import { Cursor } from "./cursor"
import { parseExpression, parseList } from "./expressions"
import type { Source } from "./failure"
import { parsePacket } from "./packet-lines"
import type { Action, Command, Event, Option, Script, SystemCall, Time } from "./script"
import { errorNumber } from "./symbols"

/** Reads a script. Throws a ScriptMistake that names the line where it is none. */
export function parseScript(source: Source): Script {
    const cursor = new Cursor(source)
    const options = parseOptions(cursor)
    const init = parseBareCommand(cursor)
    const events: Event[] = []
    let cleanup: Command | undefined
    while (!cursor.is("end")) {
        if (cursor.is("command")) {
            const { line } = cursor.peek()
            cleanup = parseBareCommand(cursor)
            if (!cursor.is("end"))
                cursor.fail("commands without a time stand at the start or at the end", line)
            break
        }
        events.push(parseEvent(cursor))
    }
    if (events.length === 0) cursor.fail("a script has at least one event")
    checkTimes(cursor, events)
    return { source, options, init, cleanup, events }
}

function parseOptions(cursor: Cursor): Option[] {
    const options: Option[] = []
    while (cursor.is("option")) {
        const { text, line } = cursor.next()
        const equals = text.indexOf("=")
        const name = text.slice(2, equals < 0 ? undefined : equals)
        const value = equals < 0 ? undefined : text.slice(equals + 1)
        options.push({ name, value: value === undefined ? undefined : unquoted(value), line })
        if (name === "define") define(cursor, value ?? "", line)
    }
    return options
}

/** `--define=NAME=meaning`. */
function define(cursor: Cursor, definition: string, line: number): void {
    const match = /^([a-zA-Z0-9_]+)=(.+)$/.exec(definition)
    if (match === null) cursor.fail("a definition is written --define=NAME=VALUE", line)
    cursor.define(match[1]!, match[2]!)
}

function unquoted(text: string): string {
    return /^"[\s\S]*"$/.test(text) ? text.slice(1, -1) : text
}

function parseBareCommand(cursor: Cursor): Command | undefined {
    if (!cursor.is("command")) return undefined
    const { text, line } = cursor.next()
    return { kind: "command", text, line }
}

function parseEvent(cursor: Cursor): Event {
    const { line } = cursor.peek()
    const time = parseTime(cursor)
    const action = parseAction(cursor)
    const outbound = (action.kind === "tcp" || action.kind === "icmp") && action.direction === "out"
    if (!outbound && (time.type === "any" || time.type.endsWith("range"))) {
        const what = time.type === "any" ? "*" : "a range of time"
        cursor.fail(`${what} is for packets that the stack sends`, line)
    }
    return { time, action, line, endLine: cursor.last.endLine }
}

function parseTime(cursor: Cursor): Time {
    if (cursor.takes("*")) return { type: "any" }
    const relative = cursor.takes("+")
    const usecs = parseUsecs(cursor)
    const type = relative ? "relative" : "absolute"
    if (!cursor.takes("~")) return { type, usecs }
    if (relative) cursor.needs("+")
    const end = parseUsecs(cursor)
    if (end < usecs) cursor.fail("a range of time that ends before it begins")
    return { type: `${type} range`, usecs, end }
}

/** Seconds, as microseconds. */
function parseUsecs(cursor: Cursor): number {
    const token = cursor.peek()
    if (token.kind !== "integer" && token.kind !== "float")
        cursor.fail(`a time is missing before ${cursor.shown()}`)
    if (token.text.startsWith("-")) cursor.fail(`a negative time: ${token.text}`)
    cursor.next()
    return Math.round(Number(token.text) * 1e6)
}

function parseAction(cursor: Cursor): Action {
    if (cursor.sign("<") || cursor.sign(">")) return parsePacket(cursor)
    if (cursor.is("command")) return parseBareCommand(cursor)!
    if (cursor.is("code")) return { kind: "code", text: cursor.next().text.trim() }
    if (cursor.is("word") || cursor.is("ellipsis")) return parseCall(cursor)
    return cursor.fail(`a packet, a system call or a command is missing before ${cursor.shown()}`)
}

function parseCall(cursor: Cursor): SystemCall {
    let end: number | undefined
    if (cursor.is("ellipsis")) {
        cursor.next()
        end = parseUsecs(cursor)
    }
    const mark = cursor.mark
    const name = cursor.need("word", "the name of a system call").text
    cursor.needs("(")
    const args = parseList(cursor, ")")
    cursor.needs("=")
    const result = parseExpression(cursor)
    let errno: string | undefined
    // an error, and then a note, or a note alone
    if (cursor.is("word") && /^E[A-Z0-9]+$/.test(cursor.peek().text)) {
        errno = cursor.next().text
        if (errorNumber(errno) === undefined) cursor.fail(`no such error: ${errno}`, cursor.last.line)
    }
    const text = cursor.textSince(mark)
    while (cursor.takes("(")) parseNote(cursor)
    return { kind: "call", name, arguments: args, result, errno, end, text }
}

/** `(Resource temporarily unavailable)`, `(flags O_RDWR|O_NONBLOCK)`: for people. */
function parseNote(cursor: Cursor): void {
    while (!cursor.takes(")")) {
        if (cursor.is("end")) cursor.fail('")" is missing before the end of the script')
        cursor.next()
    }
}

/** The first event is at 0, and absolute times go forward. */
function checkTimes(cursor: Cursor, events: readonly Event[]): void {
    let before: Event | undefined
    for (const event of events) {
        const { time } = event
        if (before === undefined) {
            if (time.type === "any" || time.usecs !== 0)
                cursor.fail("the first event has to be at time 0", event.line)
        } else if (time.type.startsWith("absolute") && before.time.type.startsWith("absolute")) {
            const from = usecsOf(before.time)
            if (usecsOf(time) < from) {
                cursor.fail(`time goes backward, from ${from / 1e6} to ${usecsOf(time) / 1e6} s`, event.line)
            }
        }
        before = event
    }
}

function usecsOf(time: Time): number {
    return time.type === "any" ? 0 : time.usecs
}
