// The connections of a script, and which of them a line or a packet is about.
//
// The original has one connection under test. So has a line without ports: the one that was begun last. With ports,
// `< 40001 > 8080 S 0:0(0) win 1000`, a line names its connection, and there may be many.

import { Connection } from "./connection"
import type { Ports } from "./script"

/** Remote ports of connections that the script names no ports for. */
const FIRST_PORT = 50_000

export class ConnectionTable {
    private readonly all: Connection[] = []
    /** The connection under test. */
    current: Connection | undefined
    /** The port of a listener whose connection, named by no ports, is still to come. */
    private awaited: number | undefined
    private nextPort = FIRST_PORT

    /** `bindPort` is where packets of the script go when there is no listener. */
    constructor(private readonly bindPort: number) {}

    /** A program listens: the next packet without ports is its peer's first one. */
    listens(port: number): void {
        this.awaited = port
    }

    /** A program connects to this port; from `localPort`, if that is known. */
    connects(remotePort: number, localPort: number | undefined): Connection {
        return this.add(new Connection(remotePort, localPort))
    }

    private add(connection: Connection): Connection {
        this.all.push(connection)
        this.awaited = undefined
        this.current = connection
        return connection
    }

    /** The connection of a packet that the script injects; the first packet makes it. */
    inbound(ports: Ports | undefined): Connection {
        if (ports !== undefined) {
            const { source, destination } = ports
            const known = this.find(source, destination)
            if (known !== undefined) this.current = known
            return known ?? this.add(new Connection(source, destination))
        }
        if (this.awaited === undefined && this.current !== undefined) return this.current
        return this.add(new Connection(this.nextPort++, this.awaited ?? this.bindPort))
    }

    /** The connection of a packet that the script expects, undefined when there is none that it could be. */
    outbound(ports: Ports | undefined): Connection | undefined {
        if (ports === undefined) return this.current
        const known = this.find(ports.destination, ports.source) ?? this.opening(ports.destination)
        if (known !== undefined) this.current = known
        return known
    }

    /** The connection that a segment of the stack belongs to; its SYN tells the local port of one being opened. */
    owner(remotePort: number, localPort: number): Connection | undefined {
        const known = this.find(remotePort, localPort)
        if (known !== undefined) return known
        const opening = this.opening(remotePort)
        if (opening !== undefined) opening.localPort = localPort
        return opening
    }

    /** The connection that a program got from a listener on `localPort`: the one whose handshake was completed first. */
    accepted(localPort: number, remotePort: number | undefined): Connection | undefined {
        const waiting = this.all.filter(c => c.localPort === localPort && c.handle === undefined)
        if (remotePort !== undefined) return waiting.filter(c => c.remotePort === remotePort).at(-1)
        return waiting
            .filter(c => c.completedAt !== undefined)
            .sort((a, b) => a.completedAt! - b.completedAt!)[0]
    }

    /** The last one with these ports: a new connection may have those of an old one. */
    private find(remotePort: number, localPort: number): Connection | undefined {
        return this.all.filter(c => c.remotePort === remotePort && c.localPort === localPort).at(-1)
    }

    /** The first connection to that port whose local port is still to be seen. */
    private opening(remotePort: number): Connection | undefined {
        return this.all.find(c => c.remotePort === remotePort && c.localPort === undefined)
    }
}
