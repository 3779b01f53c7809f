// passt, where it is installed: another way from the device to this computer's sockets.

import { afterEach, describe, expect, test } from "vitest"
import { openPasst } from "../../sim/link/passt"
import { LinkError } from "../../sim/link/stream"
import { isInstalled } from "../support/installed"
import { Cli, cli, runtimes } from "./cli"
import { free, taken } from "./ports"

// CI installs it
const withoutPasst = !isInstalled("passt") && !process.env.CI

let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

describe.skipIf(withoutPasst)("--link passt", () => {
    test.each(runtimes)(
        "the page is on this computer, and the device reaches its servers, on %s",
        async runtime => {
            const port = await free()
            device = new Cli("--link", "passt", "--forward", `${port}:80`, "--runtime", runtime)
            const url = `http://127.0.0.1:${port}`
            await device.until(stdout => stdout.includes(`Its page in your browser: ${url}`))
            const pages = await Promise.all([1, 2, 3].map(async () => await (await fetch(url)).text()))
            for (const page of pages) expect(page).toContain("<title>devicescript-tcp</title>")
            const { port: served, server } = await taken(socket => {
                socket.on("error", () => {})
                socket.end("from this computer")
            })
            device.type(`connect 10.0.0.1 ${served}`)
            await device.until(stdout => /connection \d+:/.test(stdout))
            const [, id] = /connection (\d+):/.exec(device.stdout)!
            device.type(`wait ${id} CLOSE-WAIT`, `read ${id}`, `close ${id}`)
            await device.until(stdout => stdout.includes("\nfrom this computer\n"))
            device.signal("SIGTERM")
            expect(await device.ended).toBe(0)
            expect(device.stderr).toBe("")
            await new Promise(resolve => server.close(resolve))
        }
    )

    test("a port in use ends the run with one line and exit code 1", async () => {
        const { port, server } = await taken()
        const { code, stderr } = await cli("--link", "passt", "--forward", `${port}:80`, "--runtime", "node")
        expect({ code, stderr }).toEqual({
            code: 1,
            stderr: `passt cannot listen on 127.0.0.1/${port}:80: another program may use that port; forward another one\n`,
        })
        await new Promise(resolve => server.close(resolve))
    })
})

test("--link passt without passt ends with what to do", async () => {
    const path = process.env.PATH
    process.env.PATH = "/nonexistent"
    try {
        const network = { ip: "10.0.0.2", prefix: 24, mac: "02:00:00:00:00:02", gateway: "10.0.0.1" }
        const opened = openPasst({ ...network, forwards: [] })
        await expect(opened).rejects.toThrow(LinkError)
        await expect(opened).rejects.toThrow(/^passt is not installed: install it .* or use --link user/)
    } finally {
        process.env.PATH = path
    }
})
