import { afterEach, describe, expect, test } from "vitest"
import { Cli, linesOf, runtimes } from "./cli"
import { StreamPeer } from "./stream-peer"

let peer: StreamPeer | undefined
let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    await peer?.close()
    device = undefined
    peer = undefined
})

async function start(runtime: string): Promise<{ peer: StreamPeer; device: Cli }> {
    peer = await StreamPeer.listen()
    device = new Cli("--control", "--runtime", runtime, "--link", peer.address)
    return { peer, device }
}

/** Asks until the answer is this one. */
async function answers(device: Cli, command: string, expected: string): Promise<void> {
    while ((await device.ask(command)) !== expected) await new Promise(resolve => setTimeout(resolve, 5))
}

describe.each(runtimes)("--control on %s, over a stream link", runtime => {
    test("opens, sends, receives and closes by the program's lines, and quits", async () => {
        const { device } = await start(runtime)
        expect(await device.ask("connect 10.0.0.1 7 5000")).toBe("ok 1")
        await answers(device, "state 1", "ok ESTABLISHED")
        expect(await device.ask("poll 1")).toBe("ok 4")
        for (const line of ["nodelay 1 1", "keepalive 1 1", "timeout 1 60"]) {
            expect(await device.ask(line)).toBe("ok")
        }
        expect(await device.ask("send 1 100")).toBe("ok 100")
        await answers(device, "recv 1 0", "ok 0 open")
        let received = 0
        while (received < 100) {
            const [, count = "0"] = /^ok (\d+) open$/.exec(await device.ask("recv 1")) ?? []
            received += Number(count)
        }
        expect(received).toBe(100)
        expect(await device.ask("shut 1")).toBe("ok")
        await answers(device, "state 1", "ok TIME-WAIT")
        expect(await device.ask("recv 1")).toBe("ok 0 eof")
        expect(await device.ask("close 1")).toBe("ok")
        expect(await device.ask("quit")).toBe("ok")
        expect(await device.ended).toBe(0)
        expect(device.stderr).not.toContain("Error")
    })

    test("accepts a connection of the other end", async () => {
        const { peer, device } = await start(runtime)
        expect(await device.ask("listen 99 1")).toBe("ok 1")
        expect(await device.ask("accept 1")).toBe("none")
        const host = await peer.connected
        let heard = ""
        const connection = host.connect("10.0.0.2", 99, {
            data: (_connection, text) => {
                heard += text
            },
        })
        await answers(device, "accept 1", "ok 2")
        connection.send("abc")
        await answers(device, "recv 2", "ok 3 open")
        expect(await device.ask("send 2 3 0x41")).toBe("ok 3")
        await device.until(() => heard === "AAA")
        connection.abort()
        await answers(device, "recv 2", "ok 0 ECONNRESET")
    })

    test("answers lines that come in one chunk in order, one line each, then ends with the input", async () => {
        const { device } = await start(runtime)
        device.type(
            "listen 80",
            "listen 80",
            "",
            "nonsense",
            "state 1",
            `listen ${"9".repeat(5000)}`,
            "state 7",
            "listen 81"
        )
        device.end()
        expect(await device.ended).toBe(0)
        expect(linesOf(device.stdout)).toEqual([
            "ok 1",
            "err EADDRINUSE",
            expect.stringMatching(/^err unknown command/),
            expect.stringMatching(/^err unknown command/),
            "ok LISTEN",
            expect.stringMatching(/^err /),
            "err EBADF",
            "ok 2",
        ])
    })

    test("goes on when the cable is pulled", async () => {
        const { peer, device } = await start(runtime)
        expect(await device.ask("listen 80")).toBe("ok 1")
        await peer.unplug()
        expect(await device.ask("state 1")).toBe("ok LISTEN")
        device.end()
        expect(await device.ended).toBe(0)
    })
})

test("--control with a device that cannot start ends with one line and exit code 1", async () => {
    device = new Cli("--control", "--config", "connections=100")
    expect(await device.ended).toBe(1)
    expect(device.stdout).toBe("")
    expect(device.stderr).toMatch(/^fatal: config needs \d+ bytes.*\n$/)
})

test("--control on the built-in link connects to the built-in server", async () => {
    device = new Cli("--control", "--runtime", "node")
    expect(await device.ask("connect 10.0.0.1 7")).toBe("ok 1")
    await answers(device, "state 1", "ok ESTABLISHED")
    expect(await device.ask("connect 10.0.0.1 9")).toBe("ok 2")
    await answers(device, "recv 2", "ok 0 ECONNREFUSED")
})
