import { afterEach, describe, expect, test } from "vitest"
import { Cli, cli, runtimes } from "./cli"
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

async function start(...words: string[]): Promise<{ peer: StreamPeer; device: Cli }> {
    peer = await StreamPeer.listen()
    device = new Cli("--link", peer.address, ...words)
    return { peer, device }
}

describe.each(runtimes)("a device on a stream link without a terminal, on %s", runtime => {
    test("serves the other end, takes commands, goes on after its input, and ends with the link", async () => {
        const { peer, device } = await start("--runtime", runtime)
        await device.until(stdout => stdout.includes("10.0.0.2 serves echo"))
        const host = await peer.connected
        let heard = ""
        const connection = host.connect("10.0.0.2", 7, {
            data: (_connection, text) => {
                heard += text
            },
        })
        connection.send("over the wire")
        await device.until(() => heard === "over the wire")
        device.type("connections", "nonsense")
        await device.until(stdout => stdout.includes("unknown command"))
        expect(device.stdout).toMatch(/> connections\n(.*\n)*.*10\.0\.0\.1:\d+ +ESTABLISHED/)
        device.end()
        connection.send(" again")
        await device.until(() => heard === "over the wire again")
        await peer.unplug()
        expect(await device.ended).toBe(0)
        expect(device.stderr).toBe("")
    })
})

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s ends a device on a stream link with exit code 0",
    async signal => {
        const { device } = await start("--runtime", "node")
        await device.until(stdout => stdout.includes("10.0.0.2 serves echo"))
        device.signal(signal)
        expect(await device.ended).toBe(0)
        expect(device.stderr).toBe("")
    }
)

test("--json on a stream link prints events and commands as lines of JSON, and nothing else", async () => {
    const { device } = await start("--runtime", "node", "--json")
    device.type("connect 10.0.0.1 9")
    await device.until(stdout => stdout.includes("ECONNREFUSED"))
    device.signal("SIGTERM")
    expect(await device.ended).toBe(0)
    const events = device.stdout
        .trimEnd()
        .split("\n")
        .map(line => JSON.parse(line))
    expect(events).toContainEqual(
        expect.objectContaining({ event: "command", line: "connect 10.0.0.1 9", status: 0 })
    )
    expect(events.at(-1)).toMatchObject({ event: "failed", error: "ECONNREFUSED", remote: "10.0.0.1:9" })
})

test("--exec on a stream link runs its commands in real time", async () => {
    const { device } = await start(
        ...["--runtime", "node", "--exec", "connect 10.0.0.1 7; wait 3 ESTABLISHED; send 3 x; close 3"]
    )
    device.end()
    expect(await device.ended).toBe(0)
    expect(device.stdout).toContain("connection 3: ESTABLISHED")
})

test("--exec on a link that ends before the commands do is a failure", async () => {
    const { peer, device } = await start("--runtime", "node", "--exec", "sleep 1; sleep 600000")
    await device.until(stdout => stdout.includes("> sleep 1"))
    await peer.unplug()
    expect(await device.ended).toBe(1)
    expect(device.stderr).toMatch(/^the link ended: .*\n$/)
})

test("--once on a stream link is refused, as the example needs the built-in network", async () => {
    const { code, stderr } = await cli("--once", "--link", "stream:127.0.0.1:1")
    expect(code).toBe(2)
    expect(stderr).toMatch(/^--link stream:127\.0\.0\.1:1 and --once cannot be combined: .*\n$/)
})
