// The device behind the router, as `--link user` offers it: its page in this computer's browser.

import net from "node:net"
import { afterEach, expect, test } from "vitest"
import { Cli, cli, runtimes } from "./cli"
import { free, taken } from "./ports"

let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

test.each(runtimes)("--link user: the page comes through the forwarded port, on %s", async runtime => {
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

test("--forward of a port in use ends with one line and exit code 1", async () => {
    const { port, server } = await taken()
    const { code, stderr } = await cli("--link", "user", "--forward", `${port}:80`, "--runtime", "node")
    expect(code).toBe(1)
    expect(stderr.trimEnd().split("\n")).toHaveLength(1)
    expect(stderr).toContain(String(port))
    await new Promise(resolve => server.close(resolve))
})

test("the page's usual port is in use: another one is taken, and printed", async () => {
    const server = net.createServer()
    // another program may have it: it is in use
    await new Promise<void>(resolve => server.on("error", () => resolve()).listen(8080, "127.0.0.1", resolve))
    device = new Cli("--link", "user", "--runtime", "node")
    await device.until(stdout => stdout.includes("Lines on standard input"))
    const [, url = "", port] = /Its page in your browser: (http:\/\/127\.0\.0\.1:(\d+))\n/.exec(
        device.stdout
    )!
    expect(port).not.toBe("8080")
    expect(await (await fetch(url)).text()).toContain("<title>devicescript-tcp</title>")
    await new Promise(resolve => server.close(resolve))
})

test("two devices each have a forwarded port of this computer", async () => {
    const ports = [await free(), await free()]
    device = new Cli(
        ...["--link", "user", "--runtime", "node,vm"],
        ...["--forward", `${ports[0]}:80`, "--forward", `${ports[1]}:10.0.0.3:80`]
    )
    await device.until(stdout => stdout.includes("Lines on standard input"))
    expect(device.stdout).toContain(`10.0.0.3's page in your browser: http://127.0.0.1:${ports[1]}\n`)
    for (const [n, port] of ports.entries()) {
        const page = await (await fetch(`http://127.0.0.1:${port}`)).text()
        expect(page).toContain(`10.0.0.${n + 2}:80`)
    }
})
