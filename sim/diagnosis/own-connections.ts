// The connections of a device: those that its port has seen, and the numbers that the device gave them.

import { type Connection, endName, other } from "../analysis/connection"
import type { Connections } from "../analysis/connections"
import type { StackEvent, Tuple } from "../device/events"
import type { Self } from "./evidence"

const MOST_IDS = 500

export class OwnConnections {
    /** The connections by the numbers that the device gave them, and when each was opened, ms. */
    private readonly ids = new Map<number, Tuple & { readonly opened: number }>()

    constructor(
        private readonly self: () => Self,
        private readonly all: Connections
    ) {}

    /** The connections that were seen, in the order of their first segments. */
    get list(): readonly Connection[] {
        return this.all.list
    }

    /** Forgets the numbers: a device that is switched on again numbers its connections anew. */
    restart(): void {
        this.ids.clear()
    }

    /** Returns the ends of the connection with a number, and when it was opened, ms; undefined if none has it. */
    numbered(id: number): (Tuple & { readonly opened: number }) | undefined {
        return this.ids.get(id)
    }

    /** Returns the ends of the last connection that the device has opened to a port; undefined if it opened none. */
    openedTo(ip: string, port: number): (Tuple & { readonly opened: number }) | undefined {
        return [...this.ids.values()].filter(one => one.remoteIp === ip && one.remotePort === port).at(-1)
    }

    /** Returns the number of the last connection with these ends; undefined if it has none. */
    idOf(tuple: Tuple): number | undefined {
        return [...this.ids].filter(([, one]) => keyOf(one) === keyOf(tuple)).at(-1)?.[0]
    }

    /** Returns when the device opened the last connection with these ends, ms; 0 if that is not known. */
    openedAt(tuple: Tuple): number {
        return [...this.ids.values()].filter(one => keyOf(one) === keyOf(tuple)).at(-1)?.opened ?? 0
    }

    /**
     * Returns true when a connection is but the answer to the SYN of another one: from a port or an address that was not asked, or to one that
     * did not ask.
     */
    isStray(connection: Connection): boolean {
        const { client, ends, handshake } = connection
        const server = other(client)
        if (handshake.firstSyn !== undefined || ends[client].bytes > 0) return false
        return this.all.list.some(one => {
            if (one === connection || one.handshake.firstSyn === undefined) return false
            const { base } = one.ends[one.client]
            const isFromElsewhere = sameEnd(one, one.client, connection, client)
            const isToElsewhere =
                sameEnd(one, other(one.client), connection, server) &&
                base !== undefined &&
                ends[server].ack === (base + 1) >>> 0
            return isFromElsewhere || isToElsewhere
        })
    }

    /** Returns the connections of the device that are open, in words. */
    open(): string[] {
        return this.all.list
            .filter(
                connection =>
                    connection.reset === undefined && connection.ends.some(({ fin }) => fin === undefined)
            )
            .map(connection => {
                const own = this.ownEnd(connection)
                return `${endName(connection, other(own))} (${connection.ends[own].state})`
            })
    }

    /** Returns the last connection with these ends; undefined if none was seen. */
    of({ remoteIp, remotePort, localPort }: Tuple): Connection | undefined {
        return this.all.list
            .filter(one => {
                const tuple = this.tupleOf(one)
                return (
                    tuple.remoteIp === remoteIp &&
                    tuple.remotePort === remotePort &&
                    tuple.localPort === localPort
                )
            })
            .at(-1)
    }

    /** Returns the last connection with a port of a host; undefined if none was seen. */
    to(ip: string, port: number): Connection | undefined {
        return this.all.list
            .filter(one => {
                const { remoteIp, remotePort } = this.tupleOf(one)
                return remoteIp === ip && remotePort === port
            })
            .at(-1)
    }

    /** Returns the device's end. */
    ownEnd({ addresses }: Connection): 0 | 1 {
        return addresses[1] === this.self().ip ? 1 : 0
    }

    /** Returns the ends of a connection, as the device names them. */
    tupleOf(connection: Connection): Tuple {
        const own = this.ownEnd(connection)
        const { addresses, ports } = connection
        return { remoteIp: addresses[other(own)], remotePort: ports[other(own)], localPort: ports[own] }
    }

    /** Returns the text that only this connection has. */
    keyFor(connection: Connection): string {
        return `${keyOf(this.tupleOf(connection))} ${connection.number}`
    }

    /** Notes the number that an event has for a connection. */
    noteId(event: StackEvent & { kind: "state" }, time: number): void {
        const { id, localPort, remoteIp, remotePort } = event
        if (id === 0 || this.ids.has(id)) return
        this.ids.set(id, { localPort, remoteIp, remotePort, opened: time })
        const [oldest] = this.ids.keys()
        if (this.ids.size > MOST_IDS && oldest !== undefined) this.ids.delete(oldest)
    }
}

/** Returns true when an end of a connection has the address and port of an end of another one. */
function sameEnd(one: Connection, end: 0 | 1, another: Connection, its: 0 | 1): boolean {
    return one.addresses[end] === another.addresses[its] && one.ports[end] === another.ports[its]
}

/** Returns the text that is the same for all connections with these ends. */
export function keyOf({ remoteIp, remotePort, localPort }: Tuple): string {
    return `${localPort} ${remoteIp}:${remotePort}`
}
