// devicescript-tcp/testing: programs on simulated boards, with hosts, servers, cables and time in the test's hands.

import "../../sim/testing/setup"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { ROOT } from "../../sim/build/build"
import { deviceTests } from "../../sim/command/device-tests"
import type { Lab } from "../../sim/testing/api"
import { check, lab } from "../../sim/testing/index"

const folder = mkdtempSync(join(ROOT, "test", "programs", "scratch-lab-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a program that begins as every program does; returns its path in the project. */
function written(name: string, text: string): string {
    const begin = `import { board } from "../../../src/board"
import { connect, dhcp, dns, HttpServer, startNetwork } from "../../../src/index"
import { networkSettings } from "../../../src/socket/network-settings"
`
    writeFileSync(join(folder, `${name}.ts`), begin + text)
    return relative(ROOT, join(folder, `${name}.ts`))
}

const HELLO = "src/examples/hello.ts"
const RUNTIMES = ["vm", "node"] as const

describe.each(RUNTIMES)("on %s", runtime => {
    test("hello talks to an echo server, and its segments are as expected", async () => {
        const net = await lab({ runtime })
        net.host("10.0.0.1").echo(7)
        const board = await net.device(HELLO)
        await net.until(() => board.log.includes("hello, world"))
        expect(board).toHaveConnected("10.0.0.1", 7)
        expect(board).not.toHaveConnected("10.0.0.9")
        expect(board).toHaveSegments(["> S 0", "< S. 0 ack 1", "> P. 1(13) ack 1", "< P. 1(13) ack 14"])
        await net.pass("3 min")
        expect(board.connections.map(({ over }) => over)).toEqual([true])
    })

    test("a lost SYN is sent again after a second, as the test has it", async () => {
        const net = await lab({ runtime })
        net.host("10.0.0.1").echo(7)
        let syns = 0
        net.lose = view => view.kind === "tcp" && view.flags.syn && ++syns === 1
        const board = await net.device(HELLO)
        await net.until(() => board.log.includes("hello, world"))
        expect(board.segments().slice(0, 2)).toEqual(["> S 0 lost", "> S 0"])
        expect(net.now).toBeGreaterThan(1000)
    })

    test("a refused connection is explained", async () => {
        const net = await lab({ runtime })
        net.host("10.0.0.1")
        const board = await net.device(HELLO)
        await net.until(() => board.log.length > 0)
        expect(board).toExplain("ECONNREFUSED")
        expect(board).not.toExplain("ETIMEDOUT")
        expect(board.connections[0]).toMatchObject({ refused: true, established: false, opened: "device" })
    })

    test("a web server answers a host of the test, also on a lossy line", async () => {
        const program = written(
            `web-${runtime}`,
            `const net = await startNetwork({ mac: board, ...(await networkSettings()) })
            const server = new HttpServer(net.stack, { port: 80, clients: 2 })
            net.add(server)
            server.route("GET", "/temperature", () => ({ type: "application/json", body: '{"celsius":20}' }))`
        )
        const net = await lab({ runtime, loss: 0.1, seed: 7 })
        await net.device(program)
        const client = net.host("10.0.0.1")
        const answer = await client.get("http://10.0.0.2/temperature")
        expect([answer.status, answer.headers["content-type"], answer.body]).toEqual([
            200,
            "application/json",
            '{"celsius":20}',
        ])
        expect((await client.get("http://10.0.0.2/nothing")).status).toBe(404)
    })

    test("DHCP, DNS and an HTTP server are there to order", async () => {
        const program = written(
            `fetch-${runtime}`,
            `const net = await startNetwork({ mac: board, ip: "dhcp", addressing: dhcp(), resolver: dns() })
            while (!(await net.up(10000))) console.log("no address yet")
            const socket = await connect({ host: "api.example", port: 80 })
            await socket.send("POST /readings HTTP/1.1\\r\\nHost: api.example\\r\\nContent-Length: 2\\r\\n\\r\\n21")
            console.log(await socket.readLine())
            await socket.close()
            try {
                await connect({ host: "no.example", port: 80 })
            } catch (error) {
                console.log((error as Error).message)
            }`
        )
        const net = await lab({ runtime })
        await net.router({ dhcp: "10.0.0.77", names: { "api.example": "10.0.0.1" } })
        const requests = net.host("10.0.0.1").http({ "/readings": { status: 201 } })
        const board = await net.device(program)
        await net.until(() => board.log.length >= 2, "2 min")
        expect(board.log[0]).toBe("HTTP/1.1 201 OK")
        expect(requests).toMatchObject([{ method: "POST", path: "/readings", body: "21" }])
        expect(board.ip).toBe("10.0.0.77")
        expect(board).toExplain("ENOTFOUND")
    })

    test("an MQTT broker takes messages, sends some, and sees a client come back after a cable was out", async () => {
        const net = await lab({ runtime })
        const broker = net.host("10.0.0.1").mqtt()
        const board = await net.device("src/examples/mqtt.ts")
        await net.until(() => broker.messages.length >= 3)
        expect(broker.messages[0]).toMatchObject({ topic: "devices/count" })
        broker.publish("devices/say/hi", "good morning")
        await net.until(() => board.log.includes("devices/say/hi: good morning"))
        expect(broker.clients).toHaveLength(1)
        board.cable(false)
        const before = broker.messages.length
        await net.pass("1 min")
        expect(broker.messages.length).toBeLessThan(before + 5)
        board.cable(true)
        await net.until(() => broker.messages.length > before + 10, "5 min")
    })

    test("a peer is played segment by segment", async () => {
        const net = await lab({ runtime })
        const peer = net.peer("10.0.0.5")
        const board = await net.device("src/examples/echo.ts")
        await net.pass(100)
        const ports = { sourcePort: 4000, destinationPort: 7 }
        peer.segment({ ...ports, seq: 1000, flags: "S" })
        await net.until(() => peer.segments.length > 0)
        const { seq } = peer.segments[0]!
        peer.segment({ ...ports, seq: 1001, ack: seq + 1, flags: "P." }, "hello")
        await net.until(() => peer.segments.some(({ payload }) => payload.length === 5))
        expect(board.segments({ port: 4000 })).toContain("> S. 0 ack 1")
        expect(board.connections[0]).toMatchObject({ opened: "peer", established: true })
        peer.ping(1, 1, "are you there")
        await net.until(() => peer.got.some(({ kind }) => kind === "icmp"))
    })

    test("two boards talk, and one that is switched off is missed", async () => {
        const net = await lab({ runtime })
        const server = await net.device("src/examples/echo.ts", { ip: "10.0.0.1/24" })
        const first = await net.device(HELLO)
        await net.until(() => first.log.includes("hello, world"))
        expect(server).toHaveConnected(first.ip, 7)
        server.off()
        await first.restart()
        await net.until(() => first.log.length > 1, "5 min")
        expect(first).toExplain(/EHOSTUNREACH|ETIMEDOUT/)
    })
})

test("an hour passes in seconds, and the program serves after it", async () => {
    const net = await lab({ runtime: "node" })
    const board = await net.device("src/examples/echo.ts")
    await net.pass("1 h")
    const connection = await net.host("10.0.0.1").connect(board.ip, 7)
    connection.send("still there?")
    await net.until(() => connection.received === "still there?")
    expect(net.now).toBeGreaterThan(3_600_000)
})

test("a host's connection to a port where nobody listens is rejected, with the ladder and the reason", async () => {
    const net = await lab({ runtime: "node" })
    const board = await net.device("src/examples/echo.ts")
    const refused = net.host("10.0.0.1").connect(board.ip, 7001)
    await expect(refused).rejects.toThrow(
        /^10\.0\.0\.2:7001 did not take the connection: ECONNREFUSED; on the wire:\n.*RST/s
    )
})

test("the same seed repeats a test frame by frame", async () => {
    const run = async () => {
        const net = await lab({ runtime: "node", loss: 0.05, seed: 3 })
        const broker = net.host("10.0.0.1").mqtt()
        await net.device("src/examples/mqtt.ts")
        await net.pass("5 min")
        await net.close()
        const times = net.frames.map(({ time, from, lost }) => `${time} ${from} ${lost}`)
        return { times, messages: broker.messages.length }
    }
    const first = await run()
    expect(first.messages).toBeGreaterThan(250)
    expect(await run()).toEqual(first)
})

test("on real time, programs of this computer reach the device by a socket", async () => {
    const net = await lab({ runtime: "node", time: "real", delay: 0 })
    const router = await net.router({ forward: [80] })
    await net.device(
        written(
            "real",
            `const net = await startNetwork({ mac: board, ...(await networkSettings()) })
            const server = new HttpServer(net.stack, { port: 80, clients: 2 })
            net.add(server)
            server.route("GET", "/", () => ({ body: "hello" }))`
        )
    )
    expect(await (await fetch(`http://127.0.0.1:${router.port(80)}/`)).text()).toBe("hello")
})

describe("what goes wrong", () => {
    test("says what did not happen, with the ladder up to it", async () => {
        const net = await lab({ runtime: "node" })
        net.host("10.0.0.1")
        const board = await net.device(HELLO)
        const wait = net.until(() => board.log.includes("goodbye"), "2 s")
        await expect(wait).rejects.toThrow(/did not hold within 2 s.*goodbye.*RST-ACK.*ECONNREFUSED, nobody/s)
        expect(() => check(board).toHaveConnected("10.0.0.1", 7)).toThrow(
            /device has not connected with 10\.0\.0\.1 at port 7: the SYN was answered by a reset\n.*SYN-SENT/s
        )
        expect(() => check(board).toHaveSegments(["> F. 1 ack 1"])).toThrow(
            /does not have these.*> F\. 1.*> S 0/s
        )
        expect(() => check(board).toExplain("EPIPE")).toThrow(
            /has not printed the error EPIPE with a sentence/
        )
    })

    test("a program that ends by an error ends the wait, with its place", async () => {
        const net = await lab({ runtime: "vm" })
        const board = await net.device(
            written("ends", `console.log(typeof connect)\nthrow new Error("no such luck")\n`)
        )
        await expect(net.until(() => false)).rejects.toThrow(/no such luck\n {4}at .*ends\.ts:5/)
        expect(board.ended).toContain("no such luck")
        await net.until(() => board.ended !== undefined)
    })

    test.each([
        ["src/missing.ts", "src/missing.ts does not exist in /"],
        ["../outside.ts", "../outside.ts is not a TypeScript file of the project"],
    ])("refuses the program %s", async (program, message) => {
        const net = await lab()
        await expect(net.device(program)).rejects.toThrow(message)
    })

    test("refuses what is not a time, and forwards on virtual time", async () => {
        const net = await lab()
        await expect(net.pass("soon")).rejects.toThrow('"soon" is not a time')
        await expect(net.router({ forward: [80] })).rejects.toThrow('use lab({ time: "real" })')
        expect(() =>
            net.peer("10.0.0.5").segment({ sourcePort: 1, destinationPort: 2, seq: 0, flags: "S" })
        ).toThrow("there is no device yet")
    })
})

test("a program with @devicescript/test reports its tests, and fails when one fails", async () => {
    const program = written(
        "device-tests",
        `import { describe, expect, test } from "@devicescript/test"
        import { openUdp } from "../../../src/index"
        await startNetwork({ mac: board, ...(await networkSettings()) })
        describe("the network", () => {
            test("has an echo server", async () => {
                const socket = await connect({ host: "10.0.0.1", port: 7 })
                await socket.send("hello\\n")
                expect(await socket.readLine()).toBe("hello")
                await socket.close()
            })
            test("has free ports", () => expect(openUdp({ port: 5000 }).port()).toBe(5000))
        })`
    )
    const run = async (hosts?: (net: Lab) => void) => {
        const lines: string[] = []
        const passed = await deviceTests(program, line => lines.push(line), hosts)
        return { passed, text: lines.join("\n") }
    }
    expect(await run()).toEqual({
        passed: true,
        text: expect.stringContaining("tests: 2, pass: 2, error: 0"),
    })
    const refused = await run(net => net.host("10.0.0.1"))
    expect(refused).toEqual({ passed: false, text: expect.stringContaining("tests: 2, pass: 1, error: 1") })
    expect(refused.text).toContain("ECONNREFUSED, nobody listens")
})
