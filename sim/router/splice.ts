// A connection of the router's stack and a socket of the host, joined: what comes of one goes into the other,
// the end of a direction and a reset too. Neither side is read while the other cannot take more, so nothing
// piles up: at most one ring of the stack, one chunk here, and what Node's socket holds (its high water mark)
// each way.

import type { Socket } from "node:net"
import type { Buffer } from "@devicescript/core"
import type { Stack } from "../../src/net/stack"
import { abort, close, errorOf, read, shutdown, stateOf, write } from "../../src/tcp/calls"
import { State, TcpError } from "../../src/tcp/records"
import type { Counters, Limits } from "./limits"

/** What all of the gateway stands on. */
export interface Ground {
    readonly stack: Stack
    readonly counters: Counters
    readonly limits: Limits
    /** Used within a call only. */
    readonly scratch: Buffer
    /** Whole milliseconds, as the stack counts them. */
    now(): number
    /** There may be something to do. */
    poke(): void
}

export class Splice {
    /** Of the host's bytes, what the send ring has no room for yet. */
    private chunk: Uint8Array | undefined
    private hostEnded = false
    private hostFailed = false
    private hostClosed = false
    /** The host's FIN was passed on to the device, and the device's to the host. */
    private shut = false
    private deviceEnded = false
    /** The host's socket has more than it should hold. */
    private blocked = false
    /** The stack is done with. */
    private over = false

    /** `host` is connected, and paused from the start. */
    constructor(
        private readonly ground: Ground,
        private readonly host: Socket,
        /** The stack's connection. */
        readonly id: number
    ) {
        // it may have ended before anyone looked
        this.hostEnded = host.readableEnded
        host.on("readable", () => ground.poke())
        host.on("end", () => {
            this.hostEnded = true
            ground.poke()
        })
        host.on("drain", () => {
            this.blocked = false
            ground.poke()
        })
        host.on("error", () => {
            this.hostFailed = true
        })
        host.on("close", () => {
            this.hostClosed = true
            ground.poke()
        })
        host.setNoDelay(true)
    }

    /** Moves what can be moved. False when the stack's connection is none of the gateway's any more. */
    work(): boolean {
        if (this.over) return false
        const { stack, counters } = this.ground
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
        call(this.ground.stack, this.id, this.ground.now())
        if (reset) this.host.resetAndDestroy()
        return false
    }

    /** From the device to the host. */
    private upwards(): void {
        const { stack, scratch } = this.ground
        while (!this.deviceEnded && !this.blocked) {
            const count = read(stack, this.id, scratch, 0, scratch.length)
            if (count > 0) {
                this.blocked = !this.host.write(Uint8Array.from(scratch.subarray(0, count)))
            } else if (count === TcpError.Eof) {
                this.deviceEnded = true
                this.host.end()
            } else {
                // nothing now; an error is seen with the next turn
                return
            }
        }
    }

    /** From the host to the device. */
    private downwards(): void {
        const { stack, scratch } = this.ground
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
        shutdown(stack, this.id, this.ground.now())
    }
}
