// Joins a connection of the router's stack and a socket of this computer: data, the end of a direction and a reset pass from each
// to the other. One side is read only while the other can accept more, so the data in between is bounded: for each direction one
// ring of the stack, one chunk here, and what Node's socket holds (its high water mark).

import type { Socket } from "node:net"
import type { Buffer } from "@devicescript/core"
import type { Stack } from "../../src/net/stack"
import { abort, close, errorOf, read, shutdown, stateOf, write } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/records"
import type { Counters, Limits } from "./limits"

/** The data that all parts of the router share. */
export interface RouterContext {
    readonly stack: Stack
    readonly counters: Counters
    readonly limits: Limits
    /** A buffer whose content lasts for one call only. */
    readonly scratch: Buffer
    /** Returns the clock's time in whole milliseconds, for the stack. */
    now(): number
    /** Schedules a run of the router for the clock's next event. */
    poke(): void
}

export class Splice {
    /** Bytes from the host that the stack's send ring has no room for yet. */
    private chunk: Uint8Array | undefined
    private hostEnded = false
    private hostFailed = false
    private hostClosed = false
    /** True when the end of the host's data was passed on to the device. */
    private shut = false
    /** True when the end of the device's data was passed on to the host. */
    private deviceEnded = false
    /** True while the host's socket is above its high water mark. */
    private blocked = false
    /** True when the stack's connection is closed or aborted. */
    private over = false

    /** Joins the stack's connection `id` and the socket `host`, which is connected and has been paused from its start. */
    constructor(
        private readonly context: RouterContext,
        private readonly host: Socket,
        /** Id of the stack's connection. */
        readonly id: number
    ) {
        // the host may have ended its data before this
        this.hostEnded = host.readableEnded
        host.on("readable", () => context.poke())
        host.on("end", () => {
            this.hostEnded = true
            context.poke()
        })
        host.on("drain", () => {
            this.blocked = false
            context.poke()
        })
        host.on("error", () => {
            this.hostFailed = true
        })
        host.on("close", () => {
            this.hostClosed = true
            context.poke()
        })
        host.setNoDelay(true)
    }

    /** Moves the data that can be moved; returns false when both directions have ended or the connection has failed. */
    work(): boolean {
        if (this.over) return false
        const { stack, counters } = this.context
        if (errorOf(stack, this.id) !== TcpError.None) {
            counters.deviceResets++
            return this.end(close, true)
        }
        if (this.hostFailed || (this.hostClosed && !(this.hostEnded && this.deviceEnded))) {
            counters.hostResets++
            return this.end(abort, true)
        }
        if (stateOf(stack, this.id) === State.SynSent) return true
        this.upwards()
        this.downwards()
        return this.deviceEnded && this.shut ? this.end(close, false) : true
    }

    private end(call: typeof close, reset: boolean): false {
        this.over = true
        call(this.context.stack, this.id, this.context.now())
        if (reset) this.host.resetAndDestroy()
        return false
    }

    /** Moves data from the device to the host. */
    private upwards(): void {
        const { stack, scratch } = this.context
        while (!this.deviceEnded && !this.blocked) {
            const count = read(stack, this.id, scratch, 0, scratch.length)
            if (count > 0) {
                this.blocked = !this.host.write(Uint8Array.from(scratch.subarray(0, count)))
            } else if (count === TcpError.Eof) {
                this.deviceEnded = true
                this.host.end()
            } else {
                // no data now; the next call of `work` sees an error
                return
            }
        }
    }

    /** Moves data from the host to the device. */
    private downwards(): void {
        const { stack, scratch } = this.context
        while (!this.shut) {
            this.chunk ??= (this.host.read() as Uint8Array | null) ?? undefined
            if (this.chunk === undefined) break
            const length = Math.min(this.chunk.length, scratch.length)
            scratch.set(this.chunk.subarray(0, length))
            const count = write(stack, this.id, scratch, 0, length)
            if (count <= 0) return
            this.chunk = count < this.chunk.length ? this.chunk.subarray(count) : undefined
        }
        if (!this.hostEnded || this.shut) return
        this.shut = true
        shutdown(stack, this.id, this.context.now())
    }
}
