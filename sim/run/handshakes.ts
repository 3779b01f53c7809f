// Shows the first connections of a program: those that it opens, or, if it opens none, one that another host opens to it.

import type { BuiltinHost, HostConnection } from "../host/host"
import type { Fate } from "../link/impair"
import { type SeenConnection, SeenConnections } from "../view/connections"
import { dissect } from "../view/dissect"
import { HOST_X } from "./boot"
import { Ended } from "./ended"
import type { Observer } from "./observer"
import type { World } from "./world"

/** The program opens its connection within this time, or it is a server, ms. */
const CLIENT = 3000
/** All handshakes have to be over after this time, ms. */
const PATIENCE = 60_000
/** A connection that the program keeps open is shown for this long, ms. */
const SHOWN = 5000
/** Nothing more comes after this time without a change, ms. */
const QUIET = 1500
/** Ports that the other host tries on a program that opens no connection: HTTP, echo, Telnet, Modbus, HTTP, MQTT. */
const TRIED = [80, 7, 23, 502, 8080, 1883]
const HTTP = [80, 8080]

/** Follows the connections of Host X. */
export class Connections {
    readonly observer: Observer = {
        sent: (frame, from, time, deliveries) => this.note(frame, from.name, time, deliveries),
    }
    private readonly seen = new SeenConnections()
    private mac = ""
    private last = 0

    private note(frame: Uint8Array, from: string, time: number, deliveries: readonly Fate[]): void {
        const view = dissect(frame)
        if (view.kind === "malformed") return
        if (from === HOST_X) this.mac = view.sourceMac
        if (view.kind !== "tcp" || deliveries.every(({ lost }) => lost !== undefined)) return
        if (from !== HOST_X && view.destinationMac !== this.mac) return
        this.seen.note(view, from === HOST_X ? "host" : "peer", time)
        this.last = time
    }

    get all(): readonly SeenConnection[] {
        return this.seen.all
    }

    /** The number of connections that were established. */
    get made(): number {
        return this.all.filter(({ established }) => established).length
    }

    /** Returns whether nothing more is to come at `now`: no connection is open, or those that are open have been shown. */
    over(now: number): boolean {
        if (this.made === 0) return false
        return now - this.last >= (this.all.every(({ over }) => over) ? QUIET : SHOWN)
    }
}

/** Lets the program run until its first connections are over, and returns a sentence about them. Throws an Ended with code 1 when none was established. */
export async function showHandshakes(
    world: World,
    server: BuiltinHost,
    connections: Connections
): Promise<string> {
    const { program = "the program", forwards } = world.options
    const isClient = await world.until(() => connections.all.length > 0, CLIENT)
    const ports = forwards.length > 0 ? forwards.map(({ devicePort }) => devicePort) : TRIED
    // an open that does not come further than ARP is no server's
    if (!isClient) world.explainRest()
    const unsent = isClient ? undefined : world.explainers[0]?.all.at(-1)
    world.tries = !isClient
    if (!isClient && unsent === undefined) await tryPorts(world, server, ports, connections)
    await world.until(() => connections.over(world.now()), connections.made > 0 || isClient ? PATIENCE : 0)
    const { made } = connections
    if (made === 0) {
        world.explainRest()
        const why = isClient ? world.explainers[0]?.all.at(-1) : unsent
        const text = explain(connections.all, isClient ? [] : ports)
        throw new Ended(
            1,
            `${program}: ${why === undefined ? text : `no connection was established. ${why.sentence}`}`
        )
    }
    return `${program}: ${made === 1 ? "1 connection was" : `${made} connections were`} established`
}

/** Returns why no connection was established; `tried` are the ports that the other host tried. */
function explain(all: readonly SeenConnection[], tried: readonly number[]): string {
    if (tried.length > 0) {
        return `the program opened no connection, and accepts none on port ${tried.join(", ")} (--forward P:Q names another)`
    }
    const [first] = all
    const peer = `${first?.remoteIp} port ${first?.remotePort}`
    if (first?.refused) return `no connection was established: ${peer} refused it`
    return `no connection was established within ${PATIENCE / 1000} s: ${peer} does not answer`
}

/** Connects to the program's ports until one accepts; talks to it for a moment, and closes. */
async function tryPorts(
    world: World,
    server: BuiltinHost,
    ports: readonly number[],
    connections: Connections
): Promise<void> {
    for (const port of ports) {
        const ip = world.address
        let received = 0
        const data = () => {
            received++
        }
        const connection: HostConnection = await world.act(100, () => server.connect(ip, port, { data }))
        const answered = () => connection.ended || connection.state === "ESTABLISHED"
        await world.until(answered, CLIENT)
        if (connection.ended || connection.state !== "ESTABLISHED") {
            connection.abort()
            continue
        }
        await world.until(() => connections.made > 0, QUIET)
        const request = `GET / HTTP/1.1\r\nHost: ${ip}\r\nConnection: close\r\n\r\n`
        await world.act(100, () => connection.send(HTTP.includes(port) ? request : "hello\r\n"))
        await world.until(() => connection.ended || received > 0, QUIET)
        await world.until(() => connection.ended, QUIET)
        await world.act(0, () => connection.close())
        return
    }
}
