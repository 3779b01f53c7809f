// What all commands share: the device they work on, how their arguments are read, how errors are told.

import type { Mac } from "../mac/mac"
import { decimal } from "../net/address"
import type { Stack } from "../net/stack"
import type { Services } from "../socket/services"
import { findConnection, findListener } from "../tcp/context"
import { errorName, TcpError } from "../tcp/tcb"

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

/** An error's POSIX name and what it means. */
export function explain(error: TcpError): string {
    return `${errorName(error)} (${meaning(error)})`
}

function meaning(error: TcpError): string {
    switch (error) {
        case TcpError.Refused:
            return "nobody listens there"
        case TcpError.Reset:
            return "the peer reset the connection"
        case TcpError.TimedOut:
            return "the peer did not answer in time"
        case TcpError.Unreachable:
            return "no way to the peer: no answer to ARP, no gateway, or ICMP says so"
        case TcpError.Aborted:
            return "aborted on this side"
        case TcpError.NoBuffers:
            return "all records are taken: close something, or start with more of them"
        case TcpError.InUse:
            return "the port is in use"
        case TcpError.NotConnected:
            return "not in a state for this"
        case TcpError.Pipe:
            return "sending was shut down"
        case TcpError.Eof:
            return "the connection is closed"
        default:
            return "not an address or port to use"
    }
}
