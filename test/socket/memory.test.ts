// The heap that sockets take on the VM, and that they free it.

import { afterAll, expect, test } from "vitest"
import { serveEcho } from "../../sim/host/host"
import { Net } from "../scenarios/net"
import { type Client, client } from "../scenarios/traffic"

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

const setup = { program: "test/programs/sockets.ts", config: { connections: 6, timeWait: 1000 } }

/** Returns the live heap once every connection is over. */
async function atRest(net: Net): Promise<number> {
    await net.pass(5000)
    return (await net.device.liveHeap()).used
}

test("eight rounds of opened, refused, timed-out, accepted, throwing and aborted sockets leave the heap equal", async () => {
    const net = await Net.open("vm", setup)
    try {
        const peer = net.host(1)
        serveEcho(peer, net.clock)
        await net.command("serve 5000")
        const round = async () => {
            await net.command("echoed 10.0.0.1 7 3000")
            await net.command("many 10.0.0.1 7 4")
            await net.refusal("connect 10.0.0.1 81")
            await net.refusal("connect 10.0.0.77 81")
            await net.command("connect 10.0.0.1 7")
            expect(await net.command("recv 100")).toEqual(["undefined after 100 ms"])
            await net.command("abort")
            const lines = ["hello\nbye\n", "throw\n", "half a line"]
            const clients: Client[] = []
            for (const line of lines) clients.push(await client(net, peer, 5000, line))
            await net.until("their ends", () => clients.every(c => c.connection.ended))
            await net.act(() => {
                for (const { connection } of clients) connection.close()
            })
            await net.pass(500)
        }
        await round()
        const before = await atRest(net)
        for (let i = 0; i < 8; i++) await round()
        const after = await atRest(net)
        // the measured heap includes one or two stack frames of the function that runs then; a leak would count eight times
        expect(Math.abs(after - before)).toBeLessThanOrEqual(32)
        measured.push(
            `${before.toLocaleString("en")} bytes of heap: the test's program with 6 connections, none open`
        )
    } finally {
        await net.close()
    }
})

test("an open socket takes at most 400 bytes of heap", async () => {
    const net = await Net.open("vm", setup)
    try {
        net.host(1).listen(9, {})
        await net.command("connect 10.0.0.1 9")
        const one = await atRest(net)
        for (let i = 0; i < 4; i++) await net.command("connect 10.0.0.1 9")
        const bytes = Math.round(((await atRest(net)) - one) / 4)
        measured.push(`${bytes} bytes of heap: an open socket, besides its record and rings`)
        expect(bytes).toBeLessThanOrEqual(400)
    } finally {
        await net.close()
    }
})
