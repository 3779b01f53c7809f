// Where the command line cannot go on, one line on standard error says why, and the exit code is not 0.

import { spawnSync } from "node:child_process"
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, test } from "vitest"
import { Cli, cli } from "./cli"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

let server: Server | undefined
afterEach(() => server?.close())

describe.skipIf(!existsSync("/dev/full"))("a full disk", () => {
    test("under the capture is reported, and the run goes on to its end with exit code 1", async () => {
        const { code, stdout, stderr } = await cli("--once", "--pcap", "/dev/full")
        expect([code, stderr]).toEqual([1, "the capture /dev/full ends here: the disk is full\n"])
        expect(stdout).toContain("both ends are ESTABLISHED")
    })

    test("under the output of a command that is over at once ends it with one line, too", () => {
        const full = openSync("/dev/full", "w")
        const { status, stderr } = spawnSync(
            process.execPath,
            ["bin/devicescript-tcp.js", "features", "--list"],
            { cwd: ROOT, stdio: ["ignore", full, "pipe"], encoding: "utf8" }
        )
        closeSync(full)
        expect([status, stderr]).toEqual([1, "the output ends here: the disk is full\n"])
    })

    test.each([["--once"], ["--once", "--json"]])(
        "under the output of %s %s ends the run with one line",
        (...words) => {
            const full = openSync("/dev/full", "w")
            const { status, stderr } = spawnSync(
                process.execPath,
                ["--import", "tsx", "sim/cli.ts", ...words.filter(word => word !== undefined)],
                { cwd: ROOT, stdio: ["ignore", full, "pipe"], encoding: "utf8" }
            )
            closeSync(full)
            expect([status, stderr]).toEqual([1, "the output ends here: the disk is full\n"])
        }
    )
})

test("an option that DeviceScript's flash command does not have is a wrong word", () => {
    const { status, stderr } = spawnSync(process.execPath, ["bin/devicescript-tcp.js", "flash", "--bogus"], {
        cwd: ROOT,
        encoding: "utf8",
    })
    expect([status, stderr]).toEqual([2, "error: unknown option '--bogus'\n"])
})

test("a folder as the capture on standard input is called so", () => {
    const here = openSync(ROOT, "r")
    const { status, stderr } = spawnSync(process.execPath, ["bin/devicescript-tcp.js", "ladder", "-"], {
        cwd: ROOT,
        stdio: [here, "pipe", "pipe"],
        encoding: "utf8",
    })
    closeSync(here)
    expect([status, stderr]).toEqual([1, "standard input: that is a folder\n"])
})

test.each([
    ["a frame of length 0", [0, 0, 0, 0], /a frame length of 0 bytes/],
    ["the text of another protocol", [...Buffer.from("HTTP")], /a frame length of 1213486160 bytes/],
])("a stream peer that sends %s ends --control with one line", async (_name, bytes, why) => {
    server = createServer(socket => {
        socket.on("error", () => {})
        socket.on("data", () => {})
        socket.write(Buffer.from(bytes))
    })
    await new Promise<void>(done => server!.listen(0, "127.0.0.1", done))
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    const device = new Cli("--control", "--runtime", "node", "--link", `stream:127.0.0.1:${address.port}`)
    expect(await device.ended).toBe(1)
    expect(device.stderr).toMatch(/the link ended: the other side does not speak this protocol/)
    expect(device.stderr).toMatch(why)
})

// root may write everywhere: it takes another user to meet a checkout that may not be written
test.skipIf(process.getuid?.() !== 0)("a checkout that may not be written is reported with one line", () => {
    const program = join("test", "programs", "read-only.ts")
    writeFileSync(join(ROOT, program), "console.log(1)\n")
    try {
        const { status, stderr } = spawnSync(
            process.execPath,
            ["--import", "tsx", "sim/cli.ts", "--program", program],
            {
                cwd: ROOT,
                uid: 65534,
                encoding: "utf8",
            }
        )
        expect(status).toBe(1)
        expect(stderr).toMatch(
            /^cannot build: no permission to write \S+; use a checkout that you may write to\n$/
        )
    } finally {
        rmSync(join(ROOT, program))
    }
})
