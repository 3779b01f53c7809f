// The device behind the user-mode network, as the command line offers it: its page in this computer's browser.

import net from "node:net"
import { afterEach, expect, test } from "vitest"
import { Cli, cli, runtimes } from "./cli"

let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

/** A port of this computer that is listened on, as long as nobody closes it. */
async function taken(): Promise<{ port: number; server: net.Server }> {
    const server = net.createServer()
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve))
    return { port: (server.address() as net.AddressInfo).port, server }
}

async function free(): Promise<number> {
    const { port, server } = await taken()
    await new Promise(resolve => server.close(resolve))
    return port
}

test.each(runtimes)("the page comes through the forwarded port, on %s", async runtime => {
    const port = await free()
    device = new Cli("--link", "user", "--forward", `${port}:80`, "--runtime", runtime)
    const url = `http://127.0.0.1:${port}`
    await device.until(stdout => stdout.includes(`Its page in your browser: ${url}`))
    const pages = await Promise.all([1, 2, 3].map(async () => await (await fetch(url)).text()))
    for (const page of pages) expect(page).toContain("<title>devicescript-tcp</title>")
    device.signal("SIGTERM")
    expect(await device.ended).toBe(0)
    expect(device.stderr).toBe("")
})

test("a port that is taken: one line, and exit code 1", async () => {
    const { port, server } = await taken()
    const { code, stderr } = await cli("--link", "user", "--forward", `${port}:80`, "--runtime", "node")
    expect(code).toBe(1)
    expect(stderr.trimEnd().split("\n")).toHaveLength(1)
    expect(stderr).toContain(String(port))
    await new Promise(resolve => server.close(resolve))
})
