// Code that all commands share: the device that they work on, how they read their arguments, and how they explain errors.

import { withSentence } from "../base/errors"
import type { Mac } from "../mac/mac"
import { decimal } from "../net/address"
import type { Stack } from "../net/stack"
import type { Services } from "../socket/echo-discard"
import { failureReason } from "../socket/failure-reason"
import { errorName, Tcb, type TcpError } from "../tcp/records"
import { findConnection, findListener } from "../tcp/tables"

/** The device that commands work on; device.ts implements it. */
export interface Device {
    readonly stack: Stack
    readonly mac: Mac
    readonly services: Services
    /** Wakes the driver's loop, because a command has given the stack something to do. */
    poke(): void
    /** Returns the stack's time in milliseconds. */
    now(): number
    sleep(ms: number): Promise<void>
}

/** The value that stands for a number argument that is not valid. */
export const enum Argument {
    None = -1,
}

/** Returns a port from 1 to 65535, else Argument.None. */
export function portOf(text: string): number {
    const port = decimal(text)
    return port >= 1 && port <= 65535 ? port : Argument.None
}

/** Returns true for an id that a connection or listener has or had. */
export function wasGiven(stack: Stack, id: number): boolean {
    // ids are assigned in order
    return (
        (id > 0 && id <= stack.lastId) ||
        findConnection(stack, id) !== undefined ||
        findListener(stack, id) >= 0
    )
}

/** Returns an error's POSIX name and what it means. For a connection, `id`, that includes the hop that failed. */
export function explain(stack: Stack, error: TcpError, id = 0): string {
    const c = findConnection(stack, id)
    return withSentence(c ? failureReason(stack, error, c.getAt(Tcb.RemoteIp, "i32")) : errorName(error))
}
