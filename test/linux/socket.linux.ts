// What sockets are for, against the kernel: an address and names from dnsmasq, a document and 100 KB from Python's HTTP server.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { RealClock } from "../../sim/clock"
import { Device } from "../../sim/device"
import { openTap } from "../../sim/link/tap"
import { Random } from "../../sim/random"
import { pause } from "./support/controlled"
import { Dnsmasq } from "./support/dnsmasq"
import { installed, missing, Namespace } from "./support/namespace"

const SERVER = "10.9.1.1"
const FIRST = "10.9.1.50"

const why = missing() ?? (installed("dnsmasq") ? undefined : "dnsmasq is not installed")
if (why !== undefined && process.env.CI !== undefined) throw new Error(why)

describe.skipIf(why !== undefined).each(["vm", "node"] as const)(
    "fetch of @devicescript/net on %s",
    runtime => {
        const ends: (() => unknown)[] = []
        afterEach(async () => {
            for (const end of ends.splice(0).reverse()) await end()
        })

        test("by host name, with an address by DHCP", async () => {
            const namespace = new Namespace()
            ends.push(() => namespace.remove())
            const folder = mkdtempSync(join(tmpdir(), "devicescript-tcp-fetch-"))
            ends.push(() => rmSync(folder, { recursive: true }))
            const body = new Random(9).fill(new Uint8Array(100_000))
            writeFileSync(join(folder, "body"), body)
            writeFileSync(join(folder, "document"), JSON.stringify({ answer: "forty-two", list: [1, 2, 3] }))

            const clock = new RealClock()
            const link = await openTap(`tap:tap0@${namespace.name}=${SERVER}/24`, { ip: SERVER, prefix: 24 })
            ends.push(() => link.close())
            const dnsmasq = new Dnsmasq(
                namespace,
                join(folder, "leases"),
                SERVER,
                `--dhcp-range=${FIRST},${FIRST},255.255.255.0,2m`,
                `--host-record=site.test,${SERVER}`
            )
            ends.push(() => dnsmasq.stop())
            await dnsmasq.says(/DHCP, IP range/)
            const http = [
                "-m",
                "http.server",
                "8000",
                "--protocol",
                "HTTP/1.1",
                "--bind",
                SERVER,
                "--directory",
                folder,
            ]
            namespace.start("python3", ...http)
            const listens = () => namespace.run("ss", "-Hltn").stdout.includes(`${SERVER}:8000 `)
            while (!listens()) await pause(20)

            const chip = new W5500Chip({ clock, send: frame => plug.send(frame) })
            const plug = link.attach({ name: "device", receive: frame => chip.deliver(frame) })
            const boot = { ip: "dhcp", gateway: "", macAddress: "02:00:0a:00:00:02", config: {} }
            const program = "test/programs/acceptance-fetch.ts"
            const device = new Device({ clock, runtime, chip, program, boot })
            ends.push(() => device.stop())
            await device.start()
            /** Lets the clock run until the device has carried the line out. */
            const says = async (line: string) => {
                let lines: string[] | undefined
                const reply = device.command(line).then(done => {
                    lines = done.lines
                })
                await Promise.all([reply, clock.runUntil(() => lines !== undefined, clock.now() + 40_000)])
                return lines!.join("\n")
            }
            expect(await says("up")).toBe(`true ${FIRST}`)
            expect(await says("json http://site.test:8000/document")).toBe("200 forty-two 3")
            const sum = body.reduce((sum, byte) => (sum * 31 + byte) % 1000003, 0)
            expect(await says("stream http://site.test:8000/body")).toBe(`200 100000 bytes, sum ${sum}`)
            expect(dnsmasq.log).toContain(`DHCPACK(tap0) ${FIRST}`)
            expect(dnsmasq.log).toContain("query[A] site.test")
        })
    }
)
