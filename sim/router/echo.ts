// An echo on port 7 of the router itself (RFC 862): a program that has no host but its router can try a handshake with it.

import { connect, createServer, type Socket } from "node:net"
import { type Dial, LOOPBACK } from "./outgoing"

const PORT = 7

export class RouterEcho {
    private readonly open = new Set<Socket>()
    private readonly server = createServer({ allowHalfOpen: true }, socket => {
        this.open.add(socket)
        socket.on("close", () => this.open.delete(socket))
        // a peer that resets its connection has ended it
        socket.on("error", () => socket.destroy())
        socket.pipe(socket)
    })
    private port = PORT

    /** Listens on a free port of this computer. Where none can be opened, port 7 is this computer's own. */
    async start(): Promise<void> {
        await new Promise<void>(resolve => {
            this.server.once("error", () => resolve())
            this.server.listen(0, LOOPBACK, resolve)
        })
        const address = this.server.address()
        if (address !== null && typeof address !== "string") this.port = address.port
        this.server.unref()
    }

    /** Opens a socket of this computer for a device; port 7 of the router leads to the echo. */
    readonly dial: Dial = (host, port) =>
        connect({ host, port: host === LOOPBACK && port === PORT ? this.port : port, allowHalfOpen: true })

    close(): void {
        for (const socket of this.open) socket.destroy()
        this.server.close()
    }
}
