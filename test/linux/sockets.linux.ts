// A program's fetch with nothing of ours at the other end: the address from dnsmasq by DHCP, the server's name from it by DNS,
// a web server on the Linux kernel's TCP.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { RealClock } from "../../sim/clock"
import { Device } from "../../sim/device"
import { openTap } from "../../sim/link/tap"
import { pause } from "./support/controlled"
import { Dnsmasq, SERVER } from "./support/dnsmasq"
import { installed, missing, Namespace } from "./support/namespace"

const ADDRESS = "10.9.0.60"
const LENGTH = 100_000

/** Serves a document, and a body whose bytes both ends can make. */
const WEB = `
const body = Buffer.from(Array.from({ length: ${LENGTH} }, (_, i) => (i * 7 + (i >> 8)) & 255))
require("node:http").createServer((request, response) => {
    if (request.url === "/body") response.end(body)
    else response.end(JSON.stringify({ answer: "forty-two", list: [1, 2, 3] }))
}).listen(8000, "${SERVER}", () => console.log("serves"))
`

const why = missing() ?? (installed("dnsmasq") ? undefined : "dnsmasq is not installed")
if (why !== undefined && process.env.CI !== undefined) throw new Error(why)

describe.skipIf(why !== undefined)("fetch by host name, the address by DHCP", () => {
    let namespace: Namespace
    let folder: string
    const ends: (() => unknown)[] = []
    beforeAll(() => {
        namespace = new Namespace()
        folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-fetch-"))
    })
    afterEach(async () => {
        for (const end of ends.splice(0).reverse()) await end()
    })
    afterAll(async () => {
        await namespace?.remove()
        rmSync(folder, { recursive: true })
    })

    test.each(["vm", "node"] as const)("a document and 100 KB, on %s", async runtime => {
        const clock = new RealClock()
        const link = await openTap(`tap:tap0@${namespace.name}=${SERVER}/24`, { ip: SERVER, prefix: 24 })
        ends.push(() => link.close())
        const server = new Dnsmasq(
            namespace,
            join(folder, `${runtime}.leases`),
            `--dhcp-range=${ADDRESS},${ADDRESS},255.255.255.0,2m`,
            `--host-record=web.test,${SERVER}`
        )
        ends.push(() => server.stop())
        await server.says(/DHCP, IP range/)
        const web = namespace.start(process.execPath, "-e", WEB)
        ends.push(() => web.kill("SIGTERM"))
        await new Promise(serves => web.stdout?.once("data", serves))

        const chip = new W5500Chip({ clock, send: frame => port.send(frame) })
        const port = link.attach({ name: "device", receive: frame => chip.deliver(frame) })
        const program = "test/programs/acceptance-fetch.ts"
        const boot = { ip: "dhcp", gateway: "", macAddress: "02:00:0a:00:00:02" }
        const panics: string[] = []
        const device = new Device({
            ...{ clock, runtime, chip, program, boot },
            onPanic: panic => panics.push(panic.message),
        })
        ends.push(() => device.stop())
        await device.start()
        const says = async (line: string) => (await device.command(line)).lines.join("\n")
        // the program takes commands when its driver has started
        while ((await says("up")).includes("takes no commands")) await pause()
        expect(await says("up")).toBe(`true ${ADDRESS}`)
        let sum = 0
        for (let i = 0; i < LENGTH; i++) sum = (sum * 31 + ((i * 7 + (i >> 8)) & 255)) % 1_000_003
        for (let round = 0; round < 3; round++) {
            expect(await says("json http://web.test:8000/document")).toBe("200 forty-two 3")
            expect(await says("stream http://web.test:8000/body")).toBe(`200 ${LENGTH} bytes, sum ${sum}`)
        }
        expect(server.log).toMatch(/query\[A\] web\.test from 10\.9\.0\.60/)
        expect(panics).toEqual([])
    })
})
