// Whole programs with nothing of ours at the other end: the address from dnsmasq by DHCP, servers' names from it by DNS, web servers,
// a broker and clients on the Linux kernel's TCP.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { NOT_TOGETHER, TOGETHER } from "../../sim/budget/programs"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { openTap } from "../../sim/link/tap"
import { RealClock } from "../../sim/time/clock"
import { pause } from "./support/controlled"
import { Dnsmasq, SERVER } from "./support/dnsmasq"
import { installed, missing, Namespace } from "./support/namespace"

const ADDRESS = "10.9.0.60"
const LENGTH = 100_000

/** Serves a document, a number, and a body whose bytes both ends can make. */
const WEB = `
const body = Buffer.from(Array.from({ length: ${LENGTH} }, (_, i) => (i * 7 + (i >> 8)) & 255))
require("node:http").createServer((request, response) => {
    if (request.url === "/body") response.end(body)
    else if (request.url === "/weather") response.end(JSON.stringify({ celsius: 21.5 }))
    else response.end(JSON.stringify({ answer: "forty-two", list: [1, 2, 3] }))
}).listen(8000, "${SERVER}", () => console.log("serves"))
`

const needed = ["dnsmasq", "mosquitto", "mosquitto_sub", "curl"].find(tool => !installed(tool))
const why = missing() ?? (needed && `${needed} is not installed`)
if (why !== undefined && process.env.CI !== undefined) throw new Error(why)

const RUNTIMES = ["vm", "node"] as const

describe.skipIf(why !== undefined)("programs with names by DNS and an address by DHCP", () => {
    let namespace: Namespace
    let folder: string
    const ends: (() => unknown)[] = []
    let count = 0
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

    /** A device that runs a program, and what it has around it. */
    async function start(runtime: "vm" | "node", program: string, without: readonly string[] = []) {
        const clock = new RealClock()
        const link = await openTap(`tap:tap0@${namespace.name}=${SERVER}/24`, { ip: SERVER, prefix: 24 })
        ends.push(() => link.close())
        const server = new Dnsmasq(
            namespace,
            join(folder, `${++count}.leases`),
            `--dhcp-range=${ADDRESS},${ADDRESS},255.255.255.0,2m`,
            ...["web", "mqtt"].map(name => `--host-record=${name}.test,${SERVER}`)
        )
        ends.push(() => server.stop())
        await server.says(/DHCP, IP range/)
        const web = namespace.start(process.execPath, "-e", WEB)
        ends.push(() => web.kill("SIGTERM"))
        await new Promise(serves => web.stdout?.once("data", serves))

        const chip = new W5500Chip({ clock, send: frame => port.send(frame) })
        const port = link.attach({ name: "device", receive: frame => chip.deliver(frame) })
        const boot = { ip: "dhcp", gateway: "", macAddress: "02:00:0a:00:00:02" }
        const panics: string[] = []
        const device = new Device({
            ...{ clock, runtime, chip, program, without, boot },
            onPanic: panic => panics.push(panic.message),
        })
        ends.push(() => device.stop())
        await device.start()
        const says = async (line: string) => (await device.command(line)).lines.join("\n")
        return { server, panics, says }
    }

    /** The same with a program that says when it is up: it takes commands when its driver has started. */
    async function startUp(runtime: "vm" | "node", program: string, without?: readonly string[]) {
        const started = await start(runtime, program, without)
        while ((await started.says("up")).includes("takes no commands")) await pause()
        expect(await started.says("up")).toBe(`true ${ADDRESS}`)
        return started
    }

    /** What a client of the kernel's gets from the device. */
    async function curl(path: string, ...words: string[]): Promise<string> {
        const url = `http://${ADDRESS}${path}`
        const { code, stdout } = await namespace.finish("curl", "-sS", "-m", "20", ...words, url)
        expect(code).toBe(0)
        return stdout
    }

    test.each(RUNTIMES)("fetch gets a document and 100 KB, on %s", async runtime => {
        const { server, panics, says } = await startUp(runtime, "test/programs/acceptance-fetch.ts")
        let sum = 0
        for (let i = 0; i < LENGTH; i++) sum = (sum * 31 + ((i * 7 + (i >> 8)) & 255)) % 1_000_003
        for (let round = 0; round < 3; round++) {
            expect(await says("json http://web.test:8000/document")).toBe("200 forty-two 3")
            expect(await says("stream http://web.test:8000/body")).toBe(`200 ${LENGTH} bytes, sum ${sum}`)
        }
        expect(server.log).toMatch(/query\[A\] web\.test from 10\.9\.0\.60/)
        expect(panics).toEqual([])
    })

    test.each(RUNTIMES)("fetch works beside a web server with the status page, on %s", async runtime => {
        const { server, panics, says } = await startUp(runtime, TOGETHER.web.path, NOT_TOGETHER)
        for (let round = 0; round < 3; round++) {
            const pages = [1, 2, 3, 4].map(() => curl("/"))
            expect(await says("get http://web.test:8000/weather")).toBe("200 21.5 degrees")
            for (const page of await Promise.all(pages))
                expect(page).toMatch(/ESTABLISHED[\s\S]*<\/html>\s*$/)
            expect(await curl("/told")).toBe("21.5 degrees\n")
            await curl("/told", "--data", "by hand")
            expect(await curl("/told")).toBe("by hand\n")
        }
        expect(await says("get http://nobody.test:8000/")).toMatch(/ENOTFOUND/)
        expect(server.log).toMatch(/query\[A\] web\.test from 10\.9\.0\.60/)
        expect(server.log).toMatch(/DHCPACK.*10\.9\.0\.60/)
        expect(panics).toEqual([])
    })

    test.each(RUNTIMES)(
        "MQTT delivers 100 messages while a web server serves four clients, on %s",
        async runtime => {
            const { server, panics, says } = await start(runtime, TOGETHER.field.path, NOT_TOGETHER)
            const config = join(folder, "mosquitto.conf")
            writeFileSync(
                config,
                `listener 1883 ${SERVER}\nallow_anonymous true\npersistence false\nuser root\n`
            )
            const broker = namespace.start("mosquitto", "-c", config)
            ends.push(() => broker.kill("SIGTERM"))
            const others = namespace.finish(
                ...(["sh", "-c"] as const),
                `until mosquitto_sub -h ${SERVER} -t 'devs/test/#' -C 100 -W 50; do sleep 0.1; done`
            )
            const rows = "abcdefghijklmnopqrstuvwxyz\n".repeat(400)
            let over = false
            // the program takes commands when it has its address
            while ((await says(" ")).includes("takes no commands")) await pause(50)
            const clients = [1, 2, 3, 4].map(async () => {
                let answers = 0
                for (; !over; answers++) expect(await curl("/rows")).toBe(rows)
                return answers
            })
            expect(await says("mqtt.test 1883 100").finally(() => (over = true))).toBe("100 of 100, 0 wrong")
            for (const answers of await Promise.all(clients)) expect(answers).toBeGreaterThan(0)
            expect((await others).stdout.split("\n").slice(0, 2)).toEqual(["message 0", "message 1"])
            expect(server.log).toMatch(/query\[A\] mqtt\.test from 10\.9\.0\.60/)
            expect(server.log).toMatch(/DHCPACK.*10\.9\.0\.60/)
            expect(panics).toEqual([])
        }
    )
})
