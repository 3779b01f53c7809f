// No input and no ordinary use ends a program: each failure has a code and a sentence, on both runtimes.

import { expect } from "vitest"
import { type HostConnection, serveEcho } from "../../sim/host/host"
import type { Net } from "../scenarios/net"
import { scenario } from "../scenarios/scenario"
import { ScriptedStation } from "../scenarios/station"
import { client } from "../scenarios/traffic"
import { tsharkAgrees } from "../support/tshark"

const setup = { program: "test/programs/outside.ts" }

async function says(net: Net, line: string): Promise<string> {
    return (await net.reply(line)).lines.join("\n")
}

scenario(
    "each call that fails rejects with its code and a sentence that says what to do",
    { ...setup, config: { connections: 2 } },
    async net => {
        const deaf = new ScriptedStation(net, 5)
        net.host(1).listen(9, {})
        const table: [string, string][] = [
            [
                "connect 10.0.0.1 81",
                "ECONNREFUSED | socket tcp://10.0.0.1:81: ECONNREFUSED, nobody listens on that port: start the server, or look at the port's number",
            ],
            [
                "connect 10.0.0.77 81",
                "EHOSTUNREACH | socket tcp://10.0.0.77:81: EHOSTUNREACH, 10.0.0.77 does not answer ARP: is it on, and on this network?",
            ],
            [
                "connect 192.168.0.1 81",
                "EHOSTUNREACH | socket tcp://192.168.0.1:81: EHOSTUNREACH, the host is not on this network, and no router is set",
            ],
            [
                "connect 10.0.0.5 81 2500",
                "ETIMEDOUT | socket tcp://10.0.0.5:81: ETIMEDOUT, the other host does not answer: is it on, and connected?",
            ],
            [
                "connect 10.0.0.2 81",
                "EINVAL | socket tcp://10.0.0.2:81: EINVAL, the address or port is not valid, or the data does not fit a frame",
            ],
            [
                "connect no.name 81",
                "ENOTFOUND | socket tcp://no.name:81: ENOTFOUND, host names need a resolver: see startNetwork",
            ],
            ["connect 10.0.0.1 9", "ESTABLISHED"],
            ["shutdown", "FIN-WAIT-1"],
            ["send x", "EPIPE | socket tcp://10.0.0.1:9: EPIPE, no data can be sent after a shutdown"],
            ["close", "CLOSED"],
            [
                "send x",
                "ENOTCONN | socket tcp://10.0.0.1:9: ENOTCONN, the socket was closed here, or is not open yet",
            ],
            ["listen 5000", "listens"],
            [
                "listen 5000",
                "EADDRINUSE | listen 5000: EADDRINUSE, the port is in use: close the socket that has it, or choose another",
            ],
            [
                "open 4210",
                "EADDRINUSE | udp 4210: EADDRINUSE, the port is in use: close the socket that has it, or choose another",
            ],
            [
                "udp 10.0.0.1 0 x",
                "EINVAL | udp 10.0.0.1:0: EINVAL, the address or port is not valid, or the data does not fit a frame",
            ],
            [
                "long 10.0.0.1 9",
                "EINVAL | udp 10.0.0.1:9: EINVAL, the address or port is not valid, or the data does not fit a frame",
            ],
            [
                "ping 10.0.0.255",
                "EINVAL | ping 10.0.0.255: EINVAL, the address or port is not valid, or the data does not fit a frame",
            ],
            [
                "ping no.name",
                "ENOTFOUND | ping no.name: ENOTFOUND, host names need a resolver: see startNetwork",
            ],
            [
                "time 10.0.0.1",
                "ETIMEDOUT | time 10.0.0.1: ETIMEDOUT, the other host does not answer: is it on, and connected?",
            ],
        ]
        for (const [line, answer] of table) expect([line, await says(net, line)]).toEqual([line, answer])
        expect(deaf.segments.map(({ flags }) => flags.syn)).toEqual([true, true])
        net.chip.setLink(false)
        await net.pass(500)
        const cable = "ENETDOWN, there is no link: is the cable in?"
        expect(await says(net, "connect 10.0.0.1 9 500")).toBe(`ENETDOWN | socket tcp://10.0.0.1:9: ${cable}`)
        expect(await says(net, "ping 10.0.0.1")).toBe(`ENETDOWN | ping 10.0.0.1: ${cable}`)
        expect(await says(net, "time 10.0.0.1")).toBe(`ENETDOWN | time 10.0.0.1: ${cable}`)
    }
)

scenario("thousands of calls in a loop that never waits end the program for no call", setup, async net => {
    serveEcho(net.host(1), net.clock)
    const sink = net.host(3)
    let lines = 0
    sink.listen(9, {
        accepted: connection => {
            lines++
            connection.send("\n".repeat(4000))
        },
    })
    const invalid = "EINVAL, the address or port is not valid, or the data does not fit a frame"
    for (const [what, told] of [
        ["up", "true"],
        ["connect", `EINVAL | socket tcp://10.0.0.1:0: ${invalid}`],
        ["udp", `EINVAL | udp 10.0.0.1:0: ${invalid}`],
        ["datagram", "undefined"],
        ["ping", `EINVAL | ping 10.0.0.255: ${invalid}`],
        ["time", "ENOTFOUND | time no.name: ENOTFOUND, host names need a resolver: see startNetwork"],
    ] as const) {
        expect(await says(net, `loop ${what} 1000`)).toBe(`${what} 1000 times: ${told}`)
    }
    await says(net, "connect 10.0.0.3 9")
    expect(await says(net, "loop line 3000")).toBe("line 3000 times: ")
    expect(await says(net, "loop send 3000")).toBe("send 3000 times: ")
    expect(lines).toBe(1)
    await says(net, "connect 10.0.0.1 7")
    expect(await says(net, "loop recv 1000")).toBe("recv 1000 times: undefined")
    expect(await says(net, "loop shutdown 1000")).toBe("shutdown 1000 times: ")
    expect(await says(net, "loop close 2000")).toBe("close 2000 times: ")
    expect(await says(net, "loop abort 2000")).toBe("abort 2000 times: ")
})

scenario(
    "readBytes() returns exactly this many bytes, keeps what came too early, and ends with the stream",
    setup,
    async net => {
        const accepted: HostConnection[] = []
        net.host(1).listen(9, { accepted: connection => accepted.push(connection) })
        await says(net, "connect 10.0.0.1 9")
        const peer = () => accepted[0]!
        await net.act(() => peer().send("abc"))
        expect(await says(net, "bytes 5")).toBe("undefined")
        await net.act(() => peer().send("defg"))
        expect(await says(net, "bytes 5")).toBe("5 abcde")
        expect(await says(net, "bytes 0")).toBe("0 ")
        expect(await says(net, "bytes 1")).toBe("1 f")
        // what is left after a piece that was too short is for recv, too
        expect(await says(net, "bytes 2")).toBe("undefined")
        expect(await says(net, "recv")).toBe("[Buffer[1] 67]")
        await net.act(() => peer().send("y".repeat(2048)))
        expect(await says(net, "bytes 2048")).toBe("2048 yyyyyyyy")
        await net.act(() => {
            peer().send("end")
            peer().close()
        })
        expect(await says(net, "bytes 4")).toBe("null")
        expect(await says(net, "bytes 3")).toBe("3 end")
        expect(await says(net, "bytes 1")).toBe("null")
    }
)

scenario("networkTime of an absent server, hundreds of times, keeps the heap", setup, async net => {
    for (let i = 0; i < 4; i++) expect(await says(net, "times 10.0.0.77")).toBe("tried")
    expect(await says(net, "up")).toBe("what is up?")
})

scenario(
    "beacon.ts goes on after a datagram from port 0 and a minute without cable",
    { program: "src/examples/beacon.ts", silent: true },
    async net => {
        const host = new ScriptedStation(net, 5)
        await net.pass(2000)
        await net.act(() => host.datagram(0, 4210, [...Buffer.from("where?")]))
        await net.pass(200)
        expect(net.log).toEqual([
            "10.0.0.5 asks: where?",
            "udp 10.0.0.5:0: EINVAL, the address or port is not valid, or the data does not fit a frame",
        ])
        net.chip.setLink(false)
        await net.pass(60_000)
        expect(net.log.slice(2)).toEqual([
            "udp 255.255.255.255:4210: ENETDOWN, there is no link: is the cable in?",
        ])
        net.chip.setLink(true)
        await net.pass(10_000)
        await net.act(() => host.datagram(999, 4210, [...Buffer.from("and now?")]))
        await net.until("an answer", () =>
            net.frames.some(({ view }) => view.kind === "udp" && view.destinationPort === 999)
        )
    }
)

scenario("a handler that throws undefined or a string ends its connection only", setup, async net => {
    const peer = net.host(1)
    await says(net, "throws 5001 nothing")
    await says(net, "throws 5002 words")
    for (const [port, told] of [
        [5001, "throwing null/undefined"],
        [5002, "words"],
    ] as const) {
        const one = await client(net, peer, port)
        await net.until("its end", () => one.connection.ended)
        expect(net.log.at(-1)).toMatch(new RegExp(`^port ${port}, tcp://10\\.0\\.0\\.1:\\d+: ${told}$`))
    }
    expect(await says(net, "up")).toBe("what is up?")
})

scenario(
    "echo.ts serves the next client after one was reset",
    { program: "src/examples/echo.ts", silent: true },
    async net => {
        const peer = net.host(1)
        const one = await client(net, peer, 7, "one")
        await net.until("the echo", () => one.heard === "one")
        await net.act(() => one.connection.abort())
        await net.until("a line", () => net.log.some(line => line.includes("ECONNRESET")))
        const two = await client(net, peer, 7, "two")
        await net.until("the echo", () => two.heard === "two")
    }
)

tsharkAgrees()
