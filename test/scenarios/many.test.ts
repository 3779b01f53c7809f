// Many connections at once, in both directions, on one port and on several; and more than there are records.

import { expect } from "vitest"
import { serveEcho } from "../../sim/host/host"
import { tsharkAgrees } from "../support/tshark"
import type { Net } from "./net"
import { scenario } from "./scenario"
import { ScriptedStation } from "./station"
import { type Client, client, echoed, stats } from "./traffic"

/** Returns the rows of `connections` with this state. */
async function rows(net: Net, state: string): Promise<string[]> {
    return (await net.command("connections")).filter(row => row.split(/\s+/).includes(state))
}

/** Opens five connections to the device and three from it: all of its eight records. */
async function fill(net: Net) {
    const [first, second] = [net.host(1), net.host(3)]
    serveEcho(first, net.clock)
    serveEcho(second, net.clock)
    await net.command("listen 1007 echo")
    const clients: Client[] = []
    for (const [peer, port] of [
        [first, 7],
        [first, 7],
        [second, 7],
        [second, 1007],
        [first, 1007],
    ] as const) {
        clients.push(await client(net, peer, port))
    }
    const own: { id: number; port: number }[] = []
    for (const ip of ["10.0.0.1", "10.0.0.1", "10.0.0.3"]) own.push(await net.connect(ip, 7))
    await net.until("all of them", () => own.every(({ port }) => net.states(port).includes("ESTABLISHED")))
    await net.until("the clients", () => clients.every(c => c.connection.state === "ESTABLISHED"))
    expect(await rows(net, "ESTABLISHED")).toHaveLength(8)
    return { first, second, clients, own }
}

scenario(
    "eight connections at once echo their own data and end cleanly",
    { config: { connections: 8 } },
    async net => {
        const { clients, own } = await fill(net)
        const words = clients.map((_, i) => `client ${i} `.repeat(40 + i))
        await net.act(() => {
            for (const [i, { connection }] of clients.entries()) connection.send(words[i]!)
        })
        for (const [i, { id }] of own.entries()) await net.command(`send ${id} device ${i}`)
        for (const [i, one] of clients.entries()) await echoed(net, one, words[i]!)
        for (const [i, { id }] of own.entries()) {
            expect(await net.command(`read ${id}`)).toEqual([`device ${i}`])
        }
        // each one ends alone
        for (const { id } of own) await net.command(`close ${id}`)
        await net.act(() => {
            for (const { connection } of clients) connection.close()
        })
        await net.until("the ends", () => own.every(({ port }) => net.states(port).includes("TIME-WAIT")))
        await net.until("the clients'", () => clients.every(c => c.connection.state === "TIME-WAIT"))
        await net.pass(500)
        expect(await rows(net, "ESTABLISHED")).toEqual([])
        expect(await rows(net, "TIME-WAIT")).toHaveLength(3)
        expect(net.failures).toEqual([])
        expect(net.frames.some(({ view }) => view.kind === "tcp" && view.flags.rst)).toBe(false)
    }
)

scenario(
    "a ninth connection waits half open until a record is free",
    { config: { connections: 8 } },
    async net => {
        const { first, own } = await fill(net)
        expect(await net.refusal("connect 10.0.0.1 7")).toContain("ENOBUFS")
        const ninth = await client(net, first, 7, "patience")
        await net.pass(2500)
        // its SYN is answered, but its data is not accepted
        expect(await rows(net, "SYN-RECEIVED")).toHaveLength(1)
        expect(await rows(net, "ESTABLISHED")).toHaveLength(8)
        expect(ninth.heard).toBe("")
        expect((await stats(net))["connections-full"]).toBeGreaterThan(0)
        await net.command(`abort ${own[0]!.id}`)
        await echoed(net, ninth, "patience")
        expect(await rows(net, "SYN-RECEIVED")).toEqual([])
        expect(await rows(net, "ESTABLISHED")).toHaveLength(8)
    }
)

scenario(
    "a connection in TIME-WAIT leaves its record to a ninth",
    { config: { connections: 8 } },
    async net => {
        const { first, own } = await fill(net)
        await net.command(`close ${own[0]!.id}`)
        await net.reached(own[0]!.port, "TIME-WAIT")
        const ninth = await client(net, first, 7, "at once")
        await echoed(net, ninth, "at once", 1000)
        expect(await rows(net, "TIME-WAIT")).toHaveLength(1)
        expect(await rows(net, "ESTABLISHED")).toHaveLength(8)
    }
)

scenario(
    "twenty connections one after the other on four records use ten different ports",
    { config: { connections: 4 } },
    async net => {
        const peer = net.host(1)
        serveEcho(peer, net.clock)
        for (let i = 0; i < 10; i++) {
            const one = await client(net, peer, 7, `client ${i}`)
            await echoed(net, one, `client ${i}`)
            await net.act(() => one.connection.close())
            const { id, port } = await net.connect("10.0.0.1", 7)
            await net.reached(port, "ESTABLISHED")
            await net.command(`send ${id} device ${i}`)
            await net.pass(100)
            expect(await net.command(`read ${id}`)).toEqual([`device ${i}`])
            await net.command(`close ${id}`)
            await net.reached(port, "TIME-WAIT")
        }
        expect(net.failures).toEqual([])
        // RFC 6056: no port twice, as all may still be in TIME-WAIT
        const ports = net.events.flatMap(e =>
            e.kind === "state" && e.to === "SYN-SENT" ? [e.localPort] : []
        )
        expect(new Set(ports).size).toBe(10)
    }
)

scenario(
    "a client connects by a SYN cookie while 20 SYNs fill four half-open records",
    { config: { halfOpen: 4 } },
    async net => {
        const peer = net.host(1)
        const flood = new ScriptedStation(net, 66)
        await net.act(() => {
            for (let i = 0; i < 20; i++) {
                net.clock.at(net.clock.now() + i * 200, () => {
                    flood.segment({ sourcePort: 4000 + i, destinationPort: 7, seq: 1000 * i, flags: "S" })
                })
            }
        })
        await net.pass(5000)
        expect(await rows(net, "SYN-RECEIVED")).toHaveLength(4)
        expect((await stats(net))["cookies-sent"]).toBe(16)
        const one = await client(net, peer, 7, "let me in")
        await echoed(net, one, "let me in")
        expect((await stats(net))["cookies-taken"]).toBe(1)
        // in the end all records are free again
        await net.pass(70_000)
        expect(await rows(net, "SYN-RECEIVED")).toEqual([])
    }
)

tsharkAgrees()
