// A listener: runs a fiber for every connection to its port.

import { errorText, netError } from "../base/errors"
import { PASSIVE_OPENS } from "../features"
import { accept, close, listen as tcpListen } from "../tcp/calls"
import { errorName } from "../tcp/records"
import { markServed } from "../tcp/slow-clients"
import type { Worker } from "./driver-loop"
import { currentNetwork, type NetworkInterface } from "./interface"
import { Socket } from "./socket"

/** Settings of `listen`. */
export interface ListenOptions {
    /** Local port, 1 to 65535. */
    port: number
    /** Connections that may wait to be accepted; 4 by default. */
    backlog?: number
}

/** The handler of a connection. When it returns, the socket is closed; when it throws, aborted. */
export type Serve = (socket: Socket) => Promise<void>

/**
 * Listens on a port, and runs `serve` for each connection in a fiber of its own. An error that `serve` throws is printed (level
 * error) and ends only its own connection. The call needs no address yet. Throws a NetError `listen PORT: WHY`: EADDRINUSE,
 * ENOBUFS (all listeners of the configuration are taken), EINVAL; ENOSYS in a program without PASSIVE_OPENS (src/features.ts).
 */
export function listen(options: ListenOptions, serve: Serve): Listener {
    const net = currentNetwork()
    const { port, backlog } = options
    if (!PASSIVE_OPENS)
        throw netError(
            `listen ${port}: `,
            "ENOSYS, PASSIVE_OPENS is left out of this program: take it from the list in package.json"
        )
    const id = tcpListen(net.stack, port, backlog === undefined ? 4 : backlog)
    if (id < 0) throw netError(`listen ${port}: `, errorName(id))
    return new Listener(net, id, port, serve)
}

/** A port that a program listens on; `listen` creates it. */
export class Listener implements Worker {
    /** @internal */
    constructor(
        private readonly net: NetworkInterface,
        private id: number,
        /** The port. */
        readonly port: number,
        private readonly handler: Serve
    ) {
        net.add(this)
    }

    /** @internal */
    work(now: number): void {
        const { stack } = this.net
        // this runs for every frame, and mostly none waits
        while (stack.arrived) {
            const id = accept(stack, this.id)
            if (id <= 0) return
            markServed(stack, id, now)
            const socket = new Socket(this.net, id, "")
            socket.name = `tcp://${socket.remoteAddress()}:${socket.remotePort()}`
            run.start(this.port, socket, this.handler)
        }
    }

    /** Stops listening. Accepted connections continue; those that were not accepted are reset. */
    close(): void {
        if (this.id === 0) return
        close(this.net.stack, this.id, this.net.now())
        this.id = 0
        this.net.remove(this)
        this.net.flush()
    }
}

async function run(port: number, socket: Socket, serve: Serve): Promise<void> {
    try {
        await serve(socket)
        await socket.close()
    } catch (error) {
        console.error(`port ${port}, ${socket.name}: ${errorText(error)}`)
        await socket.abort()
    }
}
