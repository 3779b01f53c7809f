// A program's sockets on a whole device, on the VM and on Node.

import { Buffer as DeviceBuffer } from "@devicescript/core"
import { expect } from "vitest"
import { type HostConnection, serveEcho } from "../../sim/host/host"
import { abort, accept, listen, read } from "../../src/tcp/calls"
import type { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"
import { type Client, client, text } from "../scenarios/traffic"
import { codesOnly } from "../support/codes"
import { tsharkAgrees } from "../support/tshark"

const setup = { program: "test/programs/sockets.ts" }

/** Returns what a command prints, errors as their codes. */
async function says(net: Net, line: string): Promise<string> {
    return codesOnly((await net.reply(line)).lines.join("\n"))
}

/** Returns the sum that test/programs/sockets.ts makes of bytes. */
function sumOf(bytes: ArrayLike<number>): number {
    return Array.from(bytes).reduce((sum, byte) => (sum * 31 + byte) & 0xffffff, 0)
}

/** Listens on a port of the peer; returns the peer's ends of the connections to it. */
function accepting(net: Net, port: number, data?: (connection: HostConnection, text: string) => void) {
    const peer = net.host(1)
    const accepted: HostConnection[] = []
    peer.listen(port, {
        accepted: connection => accepted.push(connection),
        ...(data === undefined ? {} : { data }),
    })
    return { peer, accepted }
}

scenario("a socket reads an echo server's lines through both half closes to CLOSED", setup, async net => {
    serveEcho(net.host(1), net.clock)
    expect((await net.reply("hello 10.0.0.1 7")).lines).toEqual([
        "tcp://10.0.0.1:7 10.0.0.2:true 10.0.0.1:7 ESTABLISHED",
        'line "hello"',
        'line "world"',
        'line "and"',
        'line ""',
        'line "the ënd"',
        'line "null"',
        "null TIME-WAIT",
        "null CLOSED 0",
        "socket tcp://10.0.0.1:7: ENOTCONN, the socket was closed here, or is not open yet",
    ])
})

scenario(
    "connect() fails with its code when refused, unreachable, invalid, timed out or full, and frees the record",
    { ...setup, config: { connections: 2 } },
    async net => {
        const deaf = new ScriptedStation(net, 5)
        net.host(1)
        expect(await says(net, "connect 10.0.0.1 81")).toBe("socket tcp://10.0.0.1:81: ECONNREFUSED")
        expect(await says(net, "connect 10.0.0.77 81")).toBe("socket tcp://10.0.0.77:81: EHOSTUNREACH")
        expect(await says(net, "connect 192.168.0.1 81")).toBe("socket tcp://192.168.0.1:81: EHOSTUNREACH")
        expect(await says(net, "connect 10.0.0.2 81")).toBe("socket tcp://10.0.0.2:81: EINVAL")
        expect(await says(net, "connect 10.0.0.1 0")).toBe("socket tcp://10.0.0.1:0: EINVAL")
        expect(await says(net, "connect example.com 81")).toBe("socket tcp://example.com:81: ENOTFOUND")
        const before = net.clock.now()
        expect(await says(net, "connect 10.0.0.5 81 2500")).toBe("socket tcp://10.0.0.5:81: ETIMEDOUT")
        expect(Math.round((net.clock.now() - before) / 100)).toBe(25)
        expect(deaf.segments.map(({ flags }) => flags.syn)).toEqual([true, true])
        // all of these freed their records
        net.host(3).listen(9, {})
        for (let i = 0; i < 2; i++) expect(await says(net, "connect 10.0.0.3 9")).toBe("ESTABLISHED")
        expect(await says(net, "connect 10.0.0.3 9")).toBe("socket tcp://10.0.0.3:9: ENOBUFS")
    }
)

scenario("recv returns data, a timeout, the peer's FIN, and data before a reset", setup, async net => {
    const { accepted } = accepting(net, 9)
    await says(net, "connect 10.0.0.1 9")
    expect(await says(net, "recv 200")).toBe("undefined after 200 ms")
    expect(await says(net, "recv 0")).toBe("undefined after 0 ms")
    await net.act(() => accepted[0]!.send("first"))
    await net.act(() => accepted[0]!.send(" second"))
    await net.pass(300)
    expect(await says(net, "recv 200")).toBe("first second after 0 ms")
    await says(net, "later recv")
    await net.act(() => accepted[0]!.send("third"))
    await net.pass(50)
    expect(net.log.at(-1)).toMatch(/^later: third after \d+ ms$/)
    await net.act(() => {
        accepted[0]!.send("last")
        accepted[0]!.shutdown()
    })
    expect(await says(net, "state")).toBe("CLOSE-WAIT")
    expect(await says(net, "recv 200")).toBe("last after 0 ms")
    expect(await says(net, "recv 200")).toBe("null after 0 ms")
    // the sending half is still open
    expect(await says(net, "send 10")).toBe("sent after no time")
    await says(net, "close")
    expect(await says(net, "state")).toBe("CLOSED")

    await says(net, "connect 10.0.0.1 9")
    await net.act(() => accepted[1]!.send("before"))
    await net.act(() => accepted[1]!.abort())
    expect(await says(net, "recv")).toBe("before after 0 ms")
    expect(await says(net, "recv")).toBe("socket tcp://10.0.0.1:9: ECONNRESET")
    expect(await says(net, "recv")).toBe("socket tcp://10.0.0.1:9: ECONNRESET")
    expect(await says(net, "send 10")).toBe("socket tcp://10.0.0.1:9: ECONNRESET")
    await says(net, "close")

    // close() wakes a fiber that waits in recv
    await says(net, "connect 10.0.0.1 9")
    await says(net, "later recv")
    await net.pass(100)
    await says(net, "close")
    await net.pass(10)
    expect(net.log.at(-1)).toMatch(/^later: null after \d+ ms$/)
    expect(await says(net, "send 1")).toBe("socket tcp://10.0.0.1:9: ENOTCONN")
})

scenario(
    "readLine returns lines in pieces and across the ring, and refuses one beyond its limit",
    setup,
    async net => {
        const { accepted } = accepting(net, 9)
        await says(net, "connect 10.0.0.1 9")
        const send = (said: string) => net.act(() => accepted[0]!.send(said))
        await send("a li")
        expect(await says(net, "line 100")).toBe("undefined")
        await says(net, "later line 1000")
        await send("ne\r\nnext\n")
        await net.pass(50)
        expect(net.log.at(-1)).toBe("later: 6 a line")
        expect(await says(net, "line 100")).toBe("4 next")
        // the ring holds 1,024 bytes, and the line ends where it wraps
        await send(`${"x".repeat(2047)}\n${"y".repeat(1070)}\r\nz`)
        expect(await says(net, "line 5000")).toBe(`2047 ${"x".repeat(20)}`)
        expect(await says(net, "line 5000")).toBe(`1070 ${"y".repeat(20)}`)
        await net.act(() => accepted[0]!.shutdown())
        expect(await says(net, "line 100")).toBe("1 z")
        expect(await says(net, "line 100")).toBe("null")
        await says(net, "close")
        await says(net, "connect 10.0.0.1 9")
        await net.act(() => accepted[1]!.send("w".repeat(6000)))
        expect(await says(net, "line 5000")).toBe("socket tcp://10.0.0.1:9: EMSGSIZE")
        await says(net, "abort")
        await net.until("the reset", () => accepted[1]!.error === "ECONNRESET")
    }
)

scenario("socket events report messages, the peer's end and a reset", setup, async net => {
    const { accepted } = accepting(net, 9)
    const told = () =>
        net.log.filter(line => line.startsWith("later: ")).map(line => codesOnly(line.slice(7)))
    await says(net, "later events 10.0.0.1 9")
    await net.until("it", () => accepted.length === 1)
    await net.act(() => accepted[0]!.send("one"))
    await net.act(() => accepted[0]!.send("two"))
    await net.act(() => accepted[0]!.shutdown())
    await net.pass(100)
    expect(told()).toEqual(["message one", "message two", "close"])
    await says(net, "close")
    await says(net, "later events 10.0.0.1 9")
    await net.until("it", () => accepted.length === 2)
    await net.act(() => accepted[1]!.abort())
    await net.pass(100)
    expect(told().slice(3)).toEqual(["error socket tcp://10.0.0.1:9: ECONNRESET"])
})

scenario(
    "a socket echoes 20 KB, and six sockets echo at once",
    { ...setup, config: { connections: 6 } },
    async net => {
        serveEcho(net.host(1), net.clock)
        const one = (await says(net, "echoed 10.0.0.1 7 20000")).split(" of ")
        expect(one[1]).toMatch(/^20000, sum \d+$/)
        expect(one[0]).toBe(one[1]!.replace(",", " bytes,"))
        const many = (await net.command("many 10.0.0.1 7 6")).sort()
        expect(many).toHaveLength(6)
        for (const [i, line] of many.entries()) {
            const [got, sent] = line.split(" of ")
            expect(sent).toMatch(new RegExp(`^${2000 + i}, sum`))
            expect(got).toBe(sent!.replace(",", " bytes,"))
        }
    }
)

scenario("three fibers' sends on one socket go out one after the other", setup, async net => {
    let heard = ""
    const { accepted } = accepting(net, 9, (_connection, data) => {
        heard += data
    })
    await says(net, "connect 10.0.0.1 9")
    expect(await says(net, "together")).toBe("a b c")
    await net.until("all of it", () => accepted[0]!.ended)
    expect(heard).toBe("a".repeat(5000) + "b".repeat(3000) + "c".repeat(10))
})

scenario("a peer that does not read delays send for two minutes without an error", setup, async net => {
    const { stack } = net.host(1)
    const listener = listen(stack, 9, 4)
    await says(net, "connect 10.0.0.1 9")
    await says(net, "later send 5000")
    await net.pass(120_000)
    // the peer's ring and the device's are full; nothing is lost or given up
    expect(net.log).toEqual(["up 10.0.0.2"])
    const id = accept(stack, listener)
    const got: number[] = []
    const scratch = DeviceBuffer.alloc(500)
    while (got.length < 5000) {
        await net.act(() => {
            const count = read(stack, id, scratch, 0, 500)
            if (count > 0) got.push(...scratch.subarray(0, count))
        })
    }
    expect(sumOf(got)).toBe(sumOf(Array.from({ length: 5000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff)))
    expect(net.log.at(-1)).toBe("later: sent after a while")
})

scenario(
    "send fails with ECONNRESET when the peer resets, ETIMEDOUT when it never reads",
    { ...setup, config: { r2: 5000 } },
    async net => {
        const { stack } = net.host(1)
        const listener = listen(stack, 9, 4)
        const deaf = new ScriptedStation(net, 5)
        deaf.onSegment = view => {
            if (!view.flags.syn) return
            deaf.segment({
                sourcePort: 9,
                destinationPort: view.sourcePort,
                seq: 1,
                ack: view.seq + 1,
                flags: "S.",
                window: 4000,
            })
        }
        await says(net, "connect 10.0.0.1 9")
        await says(net, "later send 5000")
        await net.pass(500)
        await net.act(() => abort(stack, accept(stack, listener), net.clock.now()))
        // the next window probe draws the reset
        await net.pass(5000)
        expect(codesOnly(`${net.log.at(-1)}`)).toBe("later: socket tcp://10.0.0.1:9: ECONNRESET")
        await says(net, "close")
        await says(net, "connect 10.0.0.5 9")
        await says(net, "settings 3")
        const before = net.clock.now()
        expect(await says(net, "send 5000")).toBe("socket tcp://10.0.0.5:9: ETIMEDOUT")
        expect(Math.round((net.clock.now() - before) / 1000)).toBe(3)
    }
)

scenario(
    "a listener starts a fiber for each client, and a handler that throws ends its own only",
    setup,
    async net => {
        const peer = net.host(1)
        await net.command("serve 5000")
        expect(await says(net, "serve 5000")).toBe("listen 5000: EADDRINUSE")
        expect(await says(net, "serve 0")).toBe("listen 0: EINVAL")
        const clients: Client[] = []
        for (let i = 0; i < 4; i++) clients.push(await client(net, peer, 5000, `I am ${i}\n`))
        await net.until("the echoes", () => clients.every((c, i) => c.heard === `I am ${i}\n`))
        expect(await says(net, "playing")).toBe("4")
        await net.act(() => clients[1]!.connection.send("throw\n"))
        await net.until("the reset", () => clients[1]!.connection.ended)
        expect(clients[1]!.connection.error).toBe("ECONNRESET")
        expect(net.log.at(-1)).toMatch(/^port 5000, tcp:\/\/10\.0\.0\.1:\d+: on purpose$/)
        await net.act(() => clients[2]!.connection.send("bye\n"))
        await net.until("the end", () => clients[2]!.connection.ended)
        expect(clients[2]!.connection.error).toBeUndefined()
        await net.act(() => clients[0]!.connection.send("still there?\n"))
        await net.until("the echo", () => clients[0]!.heard.endsWith("still there?\n"))
        expect(await says(net, "playing")).toBe("2")
        // a client silent for 5 s is closed, after half a line as well
        await net.act(() => clients[3]!.connection.send("half a li"))
        await net.until("the end of the slow ones", () => clients.every(c => c.connection.ended))
        expect(await says(net, "playing")).toBe("0")
    }
)

scenario("a closed listener refuses clients and keeps the accepted connection", setup, async net => {
    const peer = net.host(1)
    await net.command("once 5000")
    const one = await client(net, peer, 5000)
    await net.until("the greeting", () => one.heard === "once\n")
    const late = await client(net, peer, 5000)
    await net.until("the refusal", () => late.connection.error === "ECONNREFUSED")
    expect(one.connection.ended).toBe(false)
    await net.act(() => one.connection.send(text(10)))
    await net.until("the end", () => one.connection.ended)
})

scenario(
    "a cable pulled and put back is reported, and the connection goes on",
    { ...setup, negotiation: 1500 },
    async net => {
        const { accepted } = accepting(net, 9)
        expect(await says(net, "up 5000")).toBe("true true 10.0.0.2")
        await says(net, "connect 10.0.0.1 9")
        await net.act(() => net.chip.setLink(false))
        await net.pass(2000)
        expect(await says(net, "up 100")).toBe("false false 10.0.0.2")
        await says(net, "later echoed 10.0.0.1 7 10")
        await net.act(() => net.chip.setLink(true))
        serveEcho(net.host(3), net.clock)
        await net.pass(4000)
        expect(net.log).toEqual([
            "up 10.0.0.2",
            "down 10.0.0.2",
            "up 10.0.0.2",
            expect.stringMatching(/REFUSED/),
        ])
        await net.act(() => accepted[0]!.send("still here"))
        expect(await says(net, "recv 20000")).toMatch(/^still here after/)
    }
)

scenario(
    "a chip silent at the start is reported, and the program connects once it answers",
    { ...setup, faults: { dead: 0xff }, config: {} },
    async net => {
        serveEcho(net.host(1), net.clock)
        await says(net, "later echoed 10.0.0.1 7 10")
        await net.pass(7000)
        expect(net.log).toHaveLength(2)
        expect(net.log[0]).toMatch(/^W5500: ENODEV, version register reads 255 .*; trying again$/)
        net.chip.faults.dead = undefined
        await net.pass(5000)
        expect(net.log.slice(2)).toEqual([
            "W5500: answers again",
            "up 10.0.0.2",
            expect.stringMatching(/^later: 10 bytes/),
        ])
    }
)

tsharkAgrees()
