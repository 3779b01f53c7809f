// Ports of the host that lead to a device: each connection there becomes one of the router's stack to the
// device.

import { createServer, type Server, type Socket } from "node:net"
import { ipv4Of } from "../../src/net/address"
import { connect } from "../../src/tcp/calls"
import { findTuple, findWait, joinPorts } from "../../src/tcp/tables"
import { LinkError } from "../link/stream"
import type { Ends } from "./packet"
import { type Ground, Splice } from "./splice"

/** A port of the host, and where it leads. */
export interface Forward {
    /** Who may connect: the address that the host listens on. */
    host: string
    /** 0 for any that is free. */
    hostPort: number
    /** Dotted. */
    deviceIp: string
    devicePort: number
    /** If another program has the port, one that is free will do. */
    orAny?: boolean
}

/** Where a forward can be reached. */
export interface Listening extends Forward {
    readonly server: Server
}

export interface IncomingGround extends Ground {
    mayConnect(): boolean
}

export class Incoming {
    private readonly listening: Listening[] = []
    private readonly splices = new Set<Splice>()
    private readonly open = new Set<Socket>()

    constructor(private readonly ground: IncomingGround) {}

    /** Connections with a socket of the host. */
    get sockets(): number {
        return this.open.size
    }

    /** Every forward, with the port it got. */
    get forwards(): readonly Forward[] {
        return this.listening
    }

    /** Opens a port of the host. Rejects, in one line that says what to do, when it cannot be had. */
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
        // what a listening server meets later concerns one connection, which is gone
        server.on("error", () => {})
        const address = server.address()
        const hostPort = typeof address === "object" ? (address?.port ?? forward.hostPort) : forward.hostPort
        this.listening.push({ ...forward, hostPort, server })
    }

    /**
     * Whether a device's segment belongs to one of these: the stack knows the connection under its own
     * address.
     */
    owns({ source, sourcePort, destinationPort }: Ends): boolean {
        const ports = joinPorts(sourcePort, destinationPort)
        const { stack } = this.ground
        return findTuple(stack, source, ports) >= 0 || findWait(stack, source, ports) >= 0
    }

    /** A turn for every connection. */
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
        const { ground } = this
        const id = ground.mayConnect()
            ? connect(ground.stack, ipv4Of(deviceIp), devicePort, 0, ground.now())
            : 0
        if (id <= 0) {
            ground.counters.connectionsFull++
            socket.on("error", () => {})
            socket.resetAndDestroy()
            return
        }
        ground.counters.incoming++
        this.open.add(socket)
        socket.once("close", () => this.open.delete(socket))
        this.splices.add(new Splice(ground, socket, id))
        ground.poke()
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
            return `${where}: another program does; forward another port`
        case "EACCES":
            return `${where}: it takes privileges; forward a port from 1024 on`
        case "EADDRNOTAVAIL":
            return `${where}: this host has no such address`
        default:
            return `${where}: ${message}`
    }
}
