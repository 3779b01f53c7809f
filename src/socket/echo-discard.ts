// Servers that need no fiber: echo (RFC 862) and discard (RFC 863). The HTTP server is in http/server.ts.

import { Buffer } from "@devicescript/core"
import type { Stack } from "../net/stack"
import { accept, close, read, stateOf, write } from "../tcp/calls"
import { State, Tcb } from "../tcp/records"
import { markServed } from "../tcp/slow-clients"
import { findConnection, findListener } from "../tcp/tables"
import type { Worker } from "./driver-loop"

/** The service of a listener's connections. */
export const enum Kind {
    /** No service: the console's user reads and writes. */
    Manual = 0,
    Echo = 1,
    Discard = 2,
    Http = 3,
}

/** Offsets in the record of a listener or connection that is served. The record is free when Id is 0. */
export const enum Served {
    Id = 0,
    Kind = 2,
    Size = 4,
}

/** A server with clients of its own, such as HttpServer. */
export interface Server extends Worker {
    /** Serves the connections that the listener `id` accepts from now on. */
    serve(id: number): void
}

/** Accepts connections of its listeners, and does a little for each whenever it is called. */
export class Services implements Worker {
    readonly listeners: Buffer
    readonly served: Buffer
    /** Another worker, called after the services. */
    also: Worker | undefined = undefined

    /** Connections of listeners of the kind Http are left to `http`. */
    constructor(
        readonly stack: Stack,
        private readonly http: Server
    ) {
        this.listeners = Buffer.alloc(stack.config.listeners * Served.Size)
        this.served = Buffer.alloc(stack.config.connections * Served.Size)
    }

    /** Serves the connections that the listener `id` accepts from now on with the service `kind`. */
    serve(id: number, kind: Kind): void {
        if (kind === Kind.Http) this.http.serve(id)
        else put(this.listeners, id, kind)
    }

    /** Serves every connection, and accepts new connections. */
    work(now: number): void {
        turns(this, now)
        if (accepted(this, now)) turns(this, now)
        this.http.work(now)
        if (this.also) this.also.work(now)
    }
}

/**
 * Accepts the connections that wait and returns true if there were any. The caller calls `turns` first, which frees the records
 * of ended connections.
 */
function accepted(services: Services, now: number): boolean {
    const { stack, listeners, served } = services
    let any = false
    for (let l = 0; l < listeners.length; l += Served.Size) {
        const id = listeners.getAt(l + Served.Id, "u16")
        if (id === 0) continue
        if (findListener(stack, id) < 0) {
            listeners.setAt(l + Served.Id, "u16", 0)
            continue
        }
        for (let c = accept(stack, id); c > 0; c = accept(stack, id)) {
            const kind = listeners.getAt(l + Served.Kind, "u8")
            if (kind !== Kind.Manual) markServed(stack, c, now)
            put(served, c, kind)
            any = true
        }
    }
    return any
}

function turns(services: Services, now: number): void {
    const { stack, served } = services
    for (let r = 0; r < served.length; r += Served.Size) {
        const id = served.getAt(r + Served.Id, "u16")
        if (id === 0) continue
        const kind = served.getAt(r + Served.Kind, "u8")
        if (kind !== Kind.Manual) {
            if (step(stack, id, kind)) continue
            close(stack, id, now)
        }
        // the connection has ended; or the console's user has its id, and closes it
        served.setAt(r + Served.Id, "u16", 0)
    }
}

/** Serves the connection `id`; returns false when the service is done. */
function step(stack: Stack, id: number, kind: Kind): boolean {
    // the frame that arrived was handled, and the next one overwrites it
    const scratch = stack.rx
    if (stateOf(stack, id) === State.Closed) return false
    for (;;) {
        let room = scratch.length
        if (kind === Kind.Echo) {
            const c = findConnection(stack, id)
            if (!c) return false
            const queued = c.getAt(Tcb.SendLength, "u16")
            room = Math.min(room, stack.sendSize - queued)
            if (room === 0) return true
        }
        const n = read(stack, id, scratch, 0, room)
        if (n <= 0) return n === 0
        if (kind === Kind.Echo) write(stack, id, scratch, 0, n)
    }
}

/** Adds a record to a table that has one for every possible id. */
function put(table: Buffer, id: number, kind: Kind): void {
    for (let r = 0; r < table.length; r += Served.Size) {
        if (table.getAt(r + Served.Id, "u16") !== 0) continue
        table.fillAt(r, Served.Size, 0)
        table.setAt(r + Served.Id, "u16", id)
        table.setAt(r + Served.Kind, "u8", kind)
        return
    }
}
