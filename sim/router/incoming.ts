// Forwards ports of this computer to devices: for each connection to such a port the router's stack opens a connection to the
// device.

import { createServer, type Server, type Socket } from "node:net"
import { ipv4Of } from "../../src/net/address"
import { connect } from "../../src/tcp/calls"
import { findTuple, findWait, joinPorts } from "../../src/tcp/tables"
import { LinkError } from "../link/stream"
import type { Ends } from "./packet"
import { type RouterContext, Splice } from "./splice"

/** A port of this computer, and the device's port to which it leads. */
export interface Forward {
    /** The address on which this computer listens, which determines what programs can connect. */
    host: string
    /** The port of this computer; 0 for any free one. */
    hostPort: number
    /** The device's address, dotted. */
    deviceIp: string
    devicePort: number
    /** Allows any free port if another program has `hostPort`. */
    orAny?: boolean
}

/** A forward with its listening server. */
interface Listening extends Forward {
    readonly server: Server
}

/** The parts of the router that incoming connections use. */
interface IncomingContext extends RouterContext {
    /** Returns true when one more socket of this computer may be open. */
    mayConnect(): boolean
}

export class Incoming {
    private readonly listening: Listening[] = []
    private readonly splices = new Set<Splice>()
    private readonly open = new Set<Socket>()

    constructor(private readonly context: IncomingContext) {}

    /** Number of connections whose socket of this computer is open. */
    get sockets(): number {
        return this.open.size
    }

    /** The forwards with their actual ports. */
    get forwards(): readonly Forward[] {
        return this.listening
    }

    /** Listens on a port of this computer. Rejects with a LinkError, one line that says what to do, when that fails. */
    async listen(forward: Forward): Promise<void> {
        const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
        server.on("connection", socket => this.accept(socket, forward))
        try {
            await opened(server, forward.hostPort, forward.host)
        } catch (error) {
            const failure = error as NodeJS.ErrnoException
            if (!forward.orAny || failure.code !== "EADDRINUSE")
                throw new LinkError(explain(forward, failure))
            await opened(server, 0, forward.host)
        }
        // a later error of the server concerns only one connection, which has already failed
        server.on("error", () => {})
        const address = server.address()
        const hostPort = typeof address === "object" ? (address?.port ?? forward.hostPort) : forward.hostPort
        this.listening.push({ ...forward, hostPort, server })
    }

    /** Returns true when a device's segment belongs to an incoming connection, for which the stack has a record. */
    owns({ source, sourcePort, destinationPort }: Ends): boolean {
        const ports = joinPorts(sourcePort, destinationPort)
        const { stack } = this.context
        return findTuple(stack, source, ports) >= 0 || findWait(stack, source, ports) >= 0
    }

    /** Moves the data of every connection. */
    work(): void {
        for (const splice of this.splices) if (!splice.work()) this.splices.delete(splice)
    }

    async close(): Promise<void> {
        for (const socket of this.open) socket.destroy()
        this.splices.clear()
        const servers = this.listening.splice(0)
        await Promise.all(servers.map(({ server }) => new Promise(done => server.close(done))))
    }

    private accept(socket: Socket, { deviceIp, devicePort }: Forward): void {
        const { context } = this
        const id = context.mayConnect()
            ? connect(context.stack, ipv4Of(deviceIp), devicePort, 0, context.now())
            : 0
        if (id <= 0) {
            context.counters.connectionsFull++
            socket.on("error", () => {})
            socket.resetAndDestroy()
            return
        }
        context.counters.incoming++
        this.open.add(socket)
        socket.once("close", () => this.open.delete(socket))
        this.splices.add(new Splice(context, socket, id))
        context.poke()
    }
}

function opened(server: Server, port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
        server.once("error", reject)
        server.listen(port, host, () => {
            server.off("error", reject)
            resolve()
        })
    })
}

function explain({ host, hostPort }: Forward, { code, message }: NodeJS.ErrnoException): string {
    const where = `cannot listen on ${host}:${hostPort}`
    switch (code) {
        case "EADDRINUSE":
            return `${where}: another program listens there; forward another port`
        case "EACCES":
            return `${where}: the port needs privileges; forward a port from 1024 on`
        case "EADDRNOTAVAIL":
            return `${where}: this computer has no such address`
        default:
            return `${where}: ${message}`
    }
}
