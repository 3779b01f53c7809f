// The console's commands that look at the stack and change nothing but the trace.

import { EVENTS } from "../features"
import { connectionHeads, connectionRow, counterLine, neighbourLine } from "../inspect/tables"
import type { Print } from "../inspect/text"
import { startTrace, stopTrace } from "../inspect/trace"
import type { Stack } from "../net/stack"
import { stateOf } from "../tcp/calls"
import { State } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import type { Device } from "./commands"

/** Runs `connections`, `neighbours` and `stats`: prints row by row. */
export async function listCommand(
    device: Pick<Device, "stack" | "mac" | "now" | "sleep">,
    name: string,
    print: Print
): Promise<string> {
    const stack = device.stack
    if (name === "connections") await print(connectionHeads(stack))
    for (let i = 0; ; i++) {
        const row =
            name === "connections"
                ? connectionRow(stack, i, false)
                : name === "stats"
                  ? counterLine(stack, device.mac.counters, i)
                  : neighbourLine(stack, i, device.now())
        if (row === undefined) return ""
        if (row === "") continue
        await print(row)
        await device.sleep(0)
    }
}

/** Runs `trace on|off`. */
export function traceCommand(stack: Stack, what: string): string {
    if (what !== "on" && what !== "off") return `"${what}" is neither on nor off`
    if (EVENTS ? !stack.events.on : true) return "no events are recorded; configure events=32"
    if (what === "on") startTrace(stack)
    else stopTrace(stack)
    return ""
}

/** Returns why there is no connection `id` any more; "" if there is one. */
export function absence(stack: Stack, id: number): string {
    if (findConnection(stack, id)) return ""
    const waits = stateOf(stack, id) === State.TimeWait
    return `connection ${id} ${waits ? "is in TIME-WAIT: both ends have closed it" : "no longer exists"}`
}
