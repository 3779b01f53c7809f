// What all commands share: the device they work on, how their arguments are read, how errors are told.

import type { Mac } from "../mac/mac"
import { decimal } from "../net/address"
import type { Stack } from "../net/stack"
import type { Services } from "../socket/echo-discard"
import { explained, whyNot } from "../socket/errors"
import { errorName, Tcb, type TcpError } from "../tcp/records"
import { findConnection, findListener } from "../tcp/tables"

/** What commands work on; device.ts has the real one. */
export interface Device {
    readonly stack: Stack
    readonly mac: Mac
    readonly services: Services
    /** The stack has been given something to do. */
    poke(): void
    /** Milliseconds as the stack counts them. */
    now(): number
    sleep(ms: number): Promise<void>
}

/** Takes one line of a command's output, without its end. */
export type Print = (text: string) => void

/** What a number argument is when it is none. */
export const enum Argument {
    None = -1,
}

/** A port from 1 to 65535, else Argument.None. */
export function portOf(text: string): number {
    const port = decimal(text)
    return port >= 1 && port <= 65535 ? port : Argument.None
}

/** True for the ids of connections and listeners that are or were. */
export function wasGiven(stack: Stack, id: number): boolean {
    // ids are given in turn
    return (id > 0 && id <= stack.lastId) || findConnection(stack, id) >= 0 || findListener(stack, id) >= 0
}

/** An error's POSIX name and what it means; of the connection `id`, if there is one, at which step of the way. */
export function explain(stack: Stack, error: TcpError, id = 0): string {
    const c = id > 0 ? findConnection(stack, id) : -1
    return explained(
        c < 0 ? errorName(error) : whyNot(stack, error, stack.conns.getAt(c + Tcb.RemoteIp, "i32"))
    )
}
