// The console: runs one command per line, in the same way on every runtime.

import { EVENTS } from "../features"
import { ladder } from "../inspect/ladder"
import { connectionHeads, connectionRow, counterLine, neighbourLine } from "../inspect/tables"
import { padRight, wordsOf } from "../inspect/text"
import { startTrace, stopTrace } from "../inspect/trace"
import { decimal } from "../net/address"
import { abort, close, stateOf } from "../tcp/calls"
import { State } from "../tcp/records"
import { findConnection, findListener } from "../tcp/tables"
import { type Device, type Print, wasGiven } from "./commands"
import {
    connectCommand,
    endCommand,
    listenCommand,
    shutdownCommand,
    waitCommand,
} from "./commands-connection"
import { readCommand, sendCommand } from "./commands-data"
import { pingCommand } from "./commands-ping"
import { printMemory } from "./memory"

const enum Line {
    /** Characters of a line: the line and its parts must fit the rest of the heap several times. */
    Longest = 500,
}

/**
 * Usage of each command and what it does, with two spaces in between. It is one string because a switch over names takes more
 * code.
 */
const commands =
    "\n" +
    "connections  lists listeners and connections\n" +
    "listen PORT [echo|discard|http]  listens; without a service, for read and send\n" +
    "connect HOST PORT  opens a connection to an IPv4 address\n" +
    "send ID TEXT  sends what fits; escapes: \\n \\r \\t \\xNN \\\\\n" +
    "read ID  prints received data and the stream's state\n" +
    "shutdown ID  sends a FIN; the peer may still send\n" +
    "close ID  closes a connection or a listener\n" +
    "abort ID  resets a connection\n" +
    "ladder ID  draws its last segments and states\n" +
    "neighbours  lists Ethernet addresses\n" +
    "stats  lists all counters that are not 0\n" +
    "memory  lists the bytes of each part\n" +
    "trace on|off  prints every event as a line\n" +
    "ping HOST [COUNT]  sends a request a second, 4 by default\n" +
    "wait ID STATE [MS]  waits for an RFC 9293 state, 10000 ms at most\n" +
    "sleep MS  waits for MS milliseconds\n" +
    "help  prints this list\n"

/** Returns the line about a command; "" if not found. */
function about(name: string): string {
    const start = commands.indexOf(`\n${name} `) + 1
    return start > 0 ? commands.slice(start, commands.indexOf("\n", start)) : ""
}

/** Returns a device's console as a function for `lines.run` (command-hook.ts). */
export function consoleOf(device: Device): (line: string, print: Print) => Promise<number> {
    return async (line, print) => await runCommand(device, line, print)
}

/**
 * Runs one line and prints its output. Returns 0, or 1 when the command failed: then one line, which begins with the command's
 * name, says why, and nothing is changed. An empty line does nothing.
 */
export async function runCommand(device: Device, line: string, print: Print): Promise<number> {
    if (line.length > Line.Longest) {
        print(`a line has at most ${Line.Longest} characters, not ${line.length}`)
        return 1
    }
    const words = wordsOf(line)
    if (words.length === 0) return 0
    const name = words[0] as string
    const text = about(name)
    if (text === "") {
        print(`unknown command "${name}"; help lists the commands`)
        return 1
    }
    const usage = text.slice(0, text.indexOf("  "))
    const most = wordsOf(usage).length
    const least = usage.indexOf("[") < 0 ? most : most - 1
    if (words.length < least || (words.length > most && name !== "send")) {
        print(`${name}: usage: ${usage}`)
        return 1
    }
    const problem = await dispatch(device, line, words, print)
    if (problem === "") return 0
    print(`${name}: ${problem}`)
    return 1
}

/** Runs a command. Returns an error message, "" on success. */
async function dispatch(device: Device, line: string, words: string[], print: Print): Promise<string> {
    const name = words[0] as string
    const first = words.length > 1 ? (words[1] as string) : ""
    const second = words.length > 2 ? (words[2] as string) : ""
    switch (name) {
        case "connections":
        case "neighbours":
        case "stats":
            return await listCommand(device, name, print)
        case "listen":
            return listenCommand(device, first, second, print)
        case "connect":
            return connectCommand(device, first, second, print)
        case "memory":
            printMemory(device, print)
            return ""
        case "trace":
            return traceCommand(device, first)
        case "ping":
            return await pingCommand(device, first, second, print)
        case "sleep":
            return await sleepCommand(device, first)
        case "help":
            return helpCommand(print)
        default:
            return await withId(device, name, decimal(first), line, words, print)
    }
}

/** Runs the commands about a connection, and `close` and `abort` for a listener. */
async function withId(
    device: Device,
    name: string,
    id: number,
    line: string,
    words: string[],
    print: Print
): Promise<string> {
    const first = words[1] as string
    if (id < 0 || !wasGiven(device.stack, id)) return `no connection or listener "${first}": see connections`
    if (name === "wait") {
        return await waitCommand(
            device,
            id,
            words[2] as string,
            words.length > 3 ? (words[3] as string) : "",
            print
        )
    }
    if (name === "ladder") {
        if (EVENTS) return await ladder(device, id, print)
        return "this program was built without events (src/features.ts)"
    }
    const listener = findListener(device.stack, id) >= 0
    if (listener && name !== "close" && name !== "abort") return `${id} is a listener`
    if (!listener && findConnection(device.stack, id) < 0) {
        const waits = stateOf(device.stack, id) === State.TimeWait
        return `connection ${id} ${waits ? "is in TIME-WAIT: both ends have closed it" : "no longer exists"}`
    }
    switch (name) {
        case "send":
            return sendCommand(device, id, textOf(line, first), print)
        case "read":
            return await readCommand(device, id, print)
        case "shutdown":
            return shutdownCommand(device, id, print)
        case "close":
            return endCommand(device, id, print, close)
        default:
            return endCommand(device, id, print, abort)
    }
}

/** Returns the text after the ID of `send ID TEXT` and one space, unchanged. */
function textOf(line: string, id: string): string {
    const send = line.indexOf("send") + 4
    return line.slice(line.indexOf(id, send) + id.length + 1)
}

/** Runs `connections`, `neighbours` and `stats`: prints row by row. */
async function listCommand(device: Device, name: string, print: Print): Promise<string> {
    const stack = device.stack
    if (name === "connections") print(connectionHeads(stack))
    for (let i = 0; ; i++) {
        const row =
            name === "connections"
                ? connectionRow(stack, i, false)
                : name === "stats"
                  ? counterLine(stack, device.mac.counters, i)
                  : neighbourLine(stack, i, device.now())
        if (row === undefined) return ""
        if (row === "") continue
        print(row)
        await device.sleep(0)
    }
}

function traceCommand(device: Device, what: string): string {
    if (what !== "on" && what !== "off") return `"${what}" is neither on nor off`
    if (EVENTS ? !device.stack.events.on : true) return "no events are recorded; configure events=32"
    if (what === "on") startTrace(device.stack)
    else stopTrace(device.stack)
    return ""
}

async function sleepCommand(device: Device, time: string): Promise<string> {
    const ms = decimal(time)
    if (ms < 0) return `"${time}" is not a number of milliseconds`
    await device.sleep(ms)
    return ""
}

function helpCommand(print: Print): string {
    for (let start = 1; start < commands.length; ) {
        const end = commands.indexOf("\n", start)
        const gap = commands.indexOf("  ", start)
        print(padRight(commands.slice(start, gap), 34) + commands.slice(gap + 2, end))
        start = end + 1
    }
    return ""
}
