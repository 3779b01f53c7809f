// The console: runs one command per line, in the same way on every runtime.

import { EVENTS } from "../features"
import { ladder } from "../inspect/ladder"
import type { Print } from "../inspect/text"
import { decimal } from "../net/address"
import { abort, close } from "../tcp/calls"
import { findListener } from "../tcp/tables"
import { helpCommand, runLine } from "./command-table"
import { type Device, wasGiven } from "./commands"
import {
    connectCommand,
    endCommand,
    listenCommand,
    shutdownCommand,
    waitCommand,
} from "./commands-connection"
import { readCommand, sendCommand } from "./commands-data"
import { absence, listCommand, traceCommand } from "./commands-look"
import { pingCommand } from "./commands-ping"
import { memoryRows } from "./memory"

/** The commands, as command-table.ts reads them. */
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

/** Returns a device's console as a function for `lines.run` (command-hook.ts). */
export function consoleOf(device: Device): (line: string, print: Print) => Promise<number> {
    return async (line, print) => await runCommand(device, line, print)
}

/** Runs one line and prints its output. Returns 0, or 1 when the command failed (command-table.ts). */
export async function runCommand(device: Device, line: string, print: Print): Promise<number> {
    return await runLine(commands, dispatch, device, line, print)
}

/** Runs a command. Returns an error message, "" on success. */
async function dispatch(device: Device, line: string, words: string[], print: Print): Promise<string> {
    const name = words[0] as string
    const first = words.length > 1 ? (words[1] as string) : ""
    const second = words.length > 2 ? (words[2] as string) : ""
    const rows: string[] = []
    switch (name) {
        case "connections":
        case "neighbours":
        case "stats":
            return await listCommand(device, name, print)
        case "listen":
            return await listenCommand(device, first, second, print)
        case "connect":
            return await connectCommand(device, first, second, print)
        case "memory":
            memoryRows(device, rows)
            for (const row of rows) await print(row)
            return ""
        case "trace":
            return traceCommand(device.stack, first)
        case "ping":
            return await pingCommand(device, first, second, print)
        case "sleep":
            return await sleepCommand(device, first)
        case "help":
            return await helpCommand(commands, print)
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
    if (findListener(device.stack, id) < 0) {
        const problem = absence(device.stack, id)
        if (problem !== "") return problem
    } else if (name !== "close" && name !== "abort") return `${id} is a listener`
    switch (name) {
        case "send":
            return await sendCommand(device, id, textOf(line, first), print)
        case "read":
            return await readCommand(device, id, print)
        case "shutdown":
            return await shutdownCommand(device, id, print)
        case "close":
            return await endCommand(device, id, print, close)
        default:
            return await endCommand(device, id, print, abort)
    }
}

/** Returns the text after the ID of `send ID TEXT` and one space, unchanged. */
function textOf(line: string, id: string): string {
    const send = line.indexOf("send") + 4
    return line.slice(line.indexOf(id, send) + id.length + 1)
}

async function sleepCommand(device: Device, time: string): Promise<string> {
    const ms = decimal(time)
    if (ms < 0) return `"${time}" is not a number of milliseconds`
    await device.sleep(ms)
    return ""
}
