// The console's commands that open connections, end them and wait for their states.

import { wordIndex } from "../base/words"
import { failureOf } from "../inspect/ladder"
import { localText, type Print, remoteText } from "../inspect/text"
import { Address, decimal, ipv4Of } from "../net/address"
import { Kind } from "../socket/echo-discard"
import { type close, connect, errorOf, listen, shutdown, stateOf } from "../tcp/calls"
import type { Connection } from "../tcp/context"
import { State, stateName, stateNames, Tcb, TcpError } from "../tcp/records"
import { findConnection, findListener } from "../tcp/tables"
import { type Device, explain, portOf, wasGiven } from "./commands"

const enum Wait {
    /** Milliseconds that `wait` waits by default, and between two checks of the state. */
    Longest = 10000,
    Slice = 10,
}

/** Runs `listen PORT [echo|discard|http]`; `service` may be "". Like every command it returns an error message, "" on success. */
export async function listenCommand(
    device: Device,
    port: string,
    service: string,
    print: Print
): Promise<string> {
    const number = portOf(port)
    if (number < 0) return `"${port}" is not a port from 1 to 65535`
    const kind = service === "" ? Kind.Manual : wordIndex("manual echo discard http", service)
    if (kind < 0 || (kind === Kind.Manual && service !== ""))
        return `no service "${service}"; use echo, discard or http`
    const id = listen(device.stack, number, device.stack.config.connections)
    if (id < 0) return explain(device.stack, id)
    device.services.serve(id, kind)
    device.poke()
    await print(`listener ${id}: port ${number}${service === "" ? "" : `, ${service}`}`)
    return ""
}

/** Runs `connect HOST PORT`. */
export async function connectCommand(
    device: Device,
    host: string,
    port: string,
    print: Print
): Promise<string> {
    const stack = device.stack
    const ip = ipv4Of(host)
    if (ip === Address.None) return `"${host}" is not an IPv4 address, and this program has no DNS`
    const number = portOf(port)
    if (number < 0) return `"${port}" is not a port from 1 to 65535`
    const id = connect(stack, ip, number, 0, device.now())
    if (id < 0) return explain(device.stack, id)
    const ports = (findConnection(stack, id) as Connection).getAt(Tcb.Ports, "i32")
    const ends = `${localText(stack.ip, ports)} -> ${remoteText(ip, ports)}`
    device.poke()
    await print(`connection ${id}: ${ends}, ${stateName(stateOf(stack, id))}`)
    return ""
}

/** Runs `shutdown ID`. */
export async function shutdownCommand(device: Device, id: number, print: Print): Promise<string> {
    const error = shutdown(device.stack, id, device.now())
    if (error !== TcpError.None) return explain(device.stack, error, id)
    device.poke()
    await tellState(device, id, print)
    return ""
}

/** Runs `close ID`, for a connection or a listener, and `abort ID`; `call` is the TCP call that does it. */
export async function endCommand(
    device: Pick<Device, "stack" | "now" | "poke">,
    id: number,
    print: Print,
    call: typeof close
): Promise<string> {
    const listener = findListener(device.stack, id) >= 0
    call(device.stack, id, device.now())
    device.poke()
    if (listener) await print(`listener ${id}: closed`)
    else await tellState(device, id, print)
    return ""
}

async function tellState(device: Pick<Device, "stack">, id: number, print: Print): Promise<void> {
    await print(`${kindOf(device, id)} ${id}: ${stateName(stateOf(device.stack, id))}`)
}

function kindOf(device: Pick<Device, "stack">, id: number): string {
    return findListener(device.stack, id) < 0 ? "connection" : "listener"
}

/** Runs `wait ID STATE [MS]`: checks the state every 10 ms. */
export async function waitCommand(
    device: Device,
    id: number,
    state: string,
    limit: string,
    print: Print
): Promise<string> {
    const stack = device.stack
    if (!wasGiven(stack, id)) return `no connection ${id}`
    const wanted = wordIndex(stateNames, state.toUpperCase())
    if (wanted < 0) return `no state "${state}"; use ${stateNames}`
    const ms = limit === "" ? Wait.Longest : decimal(limit)
    if (ms < 0) return `"${limit}" is not a number of milliseconds`
    const end = (device.now() + ms) | 0
    for (;;) {
        const now = stateOf(stack, id)
        if (now === wanted) {
            await tellState(device, id, print)
            return ""
        }
        if (now === State.Closed) return `connection ${id} is CLOSED${reason(device, id)}`
        const left = (end - device.now()) | 0
        if (left <= 0) return `${kindOf(device, id)} ${id} is ${stateName(now)} after ${ms} ms`
        await device.sleep(Math.min(left, Wait.Slice))
    }
}

/** Returns why a connection ended, "" when it ended without an error. */
function reason(device: Device, id: number): string {
    let error = errorOf(device.stack, id)
    if (error === TcpError.None) error = failureOf(device.stack, id)
    return error === TcpError.None ? "" : `: ${explain(device.stack, error, id)}`
}
