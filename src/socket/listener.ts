// A listener: runs a fiber for every connection to its port.

import { PASSIVE_OPENS } from "../features"
import { accept, close, listen as tcpListen } from "../tcp/calls"
import { serve } from "../tcp/pace"
import { errorName } from "../tcp/records"
import type { Worker } from "./driver-loop"
import { netError, thrown } from "./errors"
import { type NetworkInterface, running } from "./interface"
import { Socket } from "./socket"

export interface ListenOptions {
    /** The port to listen on, 1 to 65535. */
    port: number
    /** Connections that may wait to be accepted: 4 by default. */
    backlog?: number
}

/** A handler of a connection. When it returns, the socket is closed; when it throws, the connection is aborted. */
export type Serve = (socket: Socket) => Promise<void>

/**
 * Listens on a port and runs `serve` for each connection in a fiber of its own. An error that `serve` throws is printed (level error) and
 * ends that connection only. Throws a NetError `listen PORT: WHY`: EADDRINUSE, ENOBUFS (all of the configuration's listeners are in
 * use), EINVAL.
 */
export function listen(options: ListenOptions, serve: Serve): Listener {
    const net = running()
    const { port, backlog } = options
    if (!PASSIVE_OPENS) throw new Error(`listen ${port}: PASSIVE_OPENS is left out of this program`)
    const id = tcpListen(net.stack, port, backlog === undefined ? 4 : backlog)
    if (id < 0) throw netError(`listen ${port}: `, errorName(id))
    return new Listener(net, id, port, serve)
}

export class Listener implements Worker {
    constructor(
        private readonly net: NetworkInterface,
        private id: number,
        readonly port: number,
        private readonly handler: Serve
    ) {
        net.add(this)
    }

    work(now: number): void {
        const { stack } = this.net
        for (let id = accept(stack, this.id); id > 0; id = accept(stack, this.id)) {
            serve(stack, id, now)
            const socket = new Socket(this.net, id, "")
            socket.name = `tcp://${socket.remoteAddress()}:${socket.remotePort()}`
            run.start(this.port, socket, this.handler)
        }
    }

    /** Stops listening. Accepted connections go on; those that were not accepted are reset. */
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
        console.error(`port ${port}, ${socket.name}: ${thrown(error)}`)
        await socket.abort()
    }
}
