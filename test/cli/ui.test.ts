// `--ui` as users start it: the address, wrong use, and the end of the run.

import { afterEach, expect, test } from "vitest"
import { Cli, cli } from "./cli"
import { taken } from "./ports"

let device: Cli | undefined
afterEach(async () => {
    device?.signal("SIGKILL")
    await device?.ended
    device = undefined
})

test("--ui prints its address in one line, serves the page there, and ends with a signal", async () => {
    device = new Cli("--ui", "--runtime", "node", "--link", "user")
    await device.until(stdout => stdout.endsWith("\n"))
    const [, address = ""] =
        /^Dashboard: (http:\/\/127\.0\.0\.1:\d+\/) \(Ctrl-C ends it\)\n$/.exec(device.stdout) ?? []
    const page = await fetch(address)
    expect(page.status).toBe(200)
    expect(await page.text()).toMatch(/^<!doctype html>/)
    const stream = await fetch(`${address}events`)
    expect(stream.headers.get("content-type")).toBe("text/event-stream")
    device.signal("SIGTERM")
    expect(await device.ended).toBe(0)
    expect(device.stderr).toBe("")
    await stream.body?.cancel().catch(() => {})
})

test("a port that is used is one line, and the exit code is 1", async () => {
    const { port, server } = await taken()
    const { code, stdout, stderr } = await cli("--runtime", "node", `--ui=${port}`)
    server.close()
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toBe(
        `--ui: cannot listen on port ${port} of this computer: another program uses it; --ui alone takes a free one\n`
    )
})

test("wrong use is one line, and the exit code is 2", async () => {
    const { code, stdout, stderr } = await cli("--ui", "--once")
    expect({ code, stdout, stderr }).toEqual({
        code: 2,
        stdout: "",
        stderr: "--ui and --once cannot be combined: the dashboard runs until you end it\n",
    })
})
