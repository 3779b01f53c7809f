// A console over the USB cable for any program: `serialConsole(net)`.

import * as ds from "@devicescript/core"
import { EVENTS } from "../features"
import { ladder } from "../inspect/ladder"
import type { Print } from "../inspect/text"
import type { Mac } from "../mac/mac"
import { decimal, macText } from "../net/address"
import type { Stack } from "../net/stack"
import type { NetworkInterface } from "../socket/interface"
import { abort, close } from "../tcp/calls"
import { findListener } from "../tcp/tables"
import { helpCommand, runLine } from "./command-table"
import { wasGiven } from "./commands"
import { endCommand } from "./commands-connection"
import { absence, listCommand, traceCommand } from "./commands-look"
import { startSerialConsole } from "./serial-console"

/** The commands, as command-table.ts reads them. */
const COMMANDS =
    "\n" +
    "status  prints addresses, link and uptime\n" +
    "connections  lists listeners and connections\n" +
    "close ID  closes a connection or a listener\n" +
    "abort ID  resets a connection\n" +
    "neighbours  lists Ethernet addresses\n" +
    "stats  lists all counters that are not 0\n" +
    (EVENTS
        ? "ladder ID  draws a connection's last segments and states\n" +
          "trace on|off  prints every event as a line\n"
        : "") +
    "help  prints this list\n"

/** Commands of the program itself, beside those that every serial console has. */
export interface OwnCommands {
    /**
     * A line for each: its usage, two spaces, what it does, and a line feed, as in "led on|off  switches the light\n". Arguments in brackets
     * may be left out.
     */
    usage: string
    /** Runs a command; `words` begin with its name. Returns why it failed, "" on success. */
    run(words: string[], print: Print): Promise<string>
}

/** The network of a program, as the commands need it. */
class Console {
    readonly stack: Stack
    readonly mac: Mac
    readonly usage: string

    constructor(
        readonly net: NetworkInterface,
        readonly own: OwnCommands | undefined
    ) {
        this.stack = net.stack
        this.mac = net.mac
        this.usage = own ? COMMANDS + own.usage : COMMANDS
    }

    poke(): void {
        this.net.poke()
    }

    now(): number {
        return this.net.now()
    }

    async sleep(ms: number): Promise<void> {
        await ds.sleep(ms)
    }
}

/**
 * Starts a console for the board's USB cable, for `npx devicescript-tcp console`: it shows the network's connections, counters and events,
 * closes connections, and runs the program's own commands. It needs services/networkconsole.md in the project, which
 * `npx devicescript-tcp init` puts there.
 */
export function serialConsole(net: NetworkInterface, own?: OwnCommands): void {
    const device = new Console(net, own)
    startSerialConsole(async (line, print) => await runLine(device.usage, dispatch, device, line, print))
}

/** Runs a command. Returns an error message, "" on success. */
async function dispatch(device: Console, _line: string, words: string[], print: Print): Promise<string> {
    const { stack, mac, net } = device
    const name = words[0] as string
    const first = words.length > 1 ? (words[1] as string) : ""
    switch (name) {
        case "status":
            await print(
                `${net.address()}, ${macText(stack.mac, 0)}, ${mac.linkUp ? "link up" : mac.noLink || "no link"}, up ${Math.idiv(ds.millis(), 1000)} s`
            )
            return ""
        case "connections":
        case "neighbours":
        case "stats":
            return await listCommand(device, name, print)
        case "help":
            return await helpCommand(device.usage, print)
        case "close":
        case "abort": {
            const id = decimal(first)
            const problem = findListener(stack, id) < 0 ? absenceOf(device, id, first) : ""
            return problem || (await endCommand(device, id, print, name === "close" ? close : abort))
        }
        default:
            break
    }
    if (EVENTS) {
        if (name === "trace") return traceCommand(stack, first)
        if (name === "ladder") {
            const id = decimal(first)
            return wasGiven(stack, id) ? await ladder(device, id, print) : absenceOf(device, id, first)
        }
    }
    return await (device.own as OwnCommands).run(words, print)
}

/** Returns why no connection has this id; "" if one has. */
function absenceOf(device: Console, id: number, text: string): string {
    if (!wasGiven(device.stack, id)) return `no connection or listener "${text}": see connections`
    return absence(device.stack, id)
}
