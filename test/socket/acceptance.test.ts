// Whole programs against real servers and clients, reached through the router: Node's HTTP server and clients, mosquitto, hostile
// clients. The same programs on the VM, within its 64 KB of bytecode and of heap, and on Node.

import { Agent, createServer, get } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import { NOT_TOGETHER, TOGETHER } from "../../sim/budget/programs"
import type { Device } from "../../sim/device/device"
import { Random } from "../../sim/time/random"
import { DEVICE, Lan, ROUTER } from "../router/lan"
import { broker, startBroker } from "./broker"

let lan: Lan
afterEach(() => lan.close())

const measured: string[] = []
afterAll(() => console.log(measured.join("\n")))

/** Returns the used bytes of the VM's heap, garbage left out. */
async function used(device: Device): Promise<number> {
    return (await device.liveHeap()).used
}

/** Returns status and body of a document, over a connection of its own. */
async function text(url: string): Promise<string> {
    const response = await fetch(url, { headers: { connection: "close" } })
    return `${response.status} ${await response.text()}`
}

/** The measured heap includes one or two stack frames of the function that runs then. */
const FRAMES = 32

async function says(device: Device, line: string): Promise<string> {
    return (await device.command(line)).lines.join("\n")
}

describe.each(["vm", "node"] as const)("on %s, fetch of @devicescript/net", runtime => {
    const body = new Random(5).fill(new Uint8Array(100_000))
    /** The same sum as in the program: the order of the bytes counts. */
    const sum = body.reduce((sum, byte) => (sum * 31 + byte) % 1000003, 0)

    it("a program with DHCP and DNS fetches a document and 100 KB, twice in the same heap", async () => {
        lan = await Lan.open()
        const server = createServer((request, response) => {
            if (request.url === "/body") response.end(body)
            else response.end(JSON.stringify({ answer: "forty-two", list: [1, 2, 3] }))
        })
        await new Promise<void>(done => server.listen(0, "127.0.0.1", done))
        lan.later(() => new Promise<void>(done => server.close(() => done())))
        const url = `http://host.internal:${(server.address() as AddressInfo).port}`
        const device = await lan.device(runtime, false, {
            program: "test/programs/acceptance-fetch.ts",
            boot: { ip: "dhcp", gateway: "" },
        })
        expect(await says(device, "up")).toBe(`true ${DEVICE}`)
        const round = async () => {
            expect(await says(device, `json ${url}/document`)).toBe("200 forty-two 3")
            expect(await says(device, `stream ${url}/body`)).toBe(`200 100000 bytes, sum ${sum}`)
        }
        await round()
        if (runtime === "node") return
        await lan.pass(500)
        const before = await used(device)
        await round()
        await lan.pass(500)
        expect(Math.abs((await used(device)) - before)).toBeLessThanOrEqual(FRAMES)
        measured.push(`${before} bytes of heap: DHCP, DNS and fetch`)
    })
})

describe.each(["vm", "node"] as const)("on %s, fetch and a web server with the status page", runtime => {
    it("a program fetches and serves its status page at once, twice in the same heap", async () => {
        const degrees = [21.5, -3, 0]
        lan = await Lan.open({
            forwards: [{ host: "127.0.0.1", hostPort: 0, deviceIp: DEVICE, devicePort: 80 }],
        })
        let asked = 0
        const server = createServer((_request, response) => {
            response.end(JSON.stringify({ celsius: degrees[asked++ % degrees.length] }))
        })
        await new Promise<void>(done => server.listen(0, "127.0.0.1", done))
        lan.later(() => new Promise<void>(done => server.close(() => done())))
        const panics: string[] = []
        const device = await lan.device(runtime, false, {
            program: TOGETHER.web.path,
            without: NOT_TOGETHER,
            boot: { ip: "dhcp", gateway: "" },
            onPanic: panic => panics.push(panic.message),
        })
        expect(await says(device, "up")).toBe(`true ${DEVICE}`)
        const own = `http://127.0.0.1:${lan.network.forwards[0]!.hostPort}`
        const url = `http://host.internal:${(server.address() as AddressInfo).port}/weather`
        const round = async () => {
            for (const celsius of degrees) {
                const pages = [1, 2, 3, 4].map(() => text(`${own}/`))
                expect(await says(device, `get ${url}`)).toBe(`200 ${celsius} degrees`)
                for (const page of await Promise.all(pages)) {
                    expect(page).toMatch(/^200 [\s\S]*ESTABLISHED[\s\S]*<\/html>\s*$/)
                }
                expect(await text(`${own}/told`)).toBe(`200 ${celsius} degrees\n`)
            }
        }
        await round()
        const posted = await fetch(`${own}/told`, { method: "POST", body: "by hand" })
        expect(posted.status).toBe(204)
        expect(await text(`${own}/told`)).toBe("200 by hand\n")
        expect(await says(device, "get http://nobody.invalid/")).toMatch(/ENOTFOUND/)
        if (runtime === "vm") {
            await lan.pass(3000)
            const before = await used(device)
            await round()
            await lan.pass(3000)
            expect(Math.abs((await used(device)) - before)).toBeLessThanOrEqual(FRAMES)
            measured.push(`${before} bytes of heap: DHCP, DNS, fetch and a web server with the status page`)
        }
        expect(panics).toEqual([])
    })
})

const fixed = { program: "test/programs/acceptance-mqtt.ts", without: [], boot: {}, broker: ROUTER }
const field = {
    program: TOGETHER.field.path,
    without: NOT_TOGETHER,
    boot: { ip: "dhcp", gateway: "" },
    broker: "host.internal",
}

describe.skipIf(broker === undefined && process.env.CI === undefined).each([
    { runtime: "vm", what: "at a fixed address", own: fixed },
    { runtime: "vm", what: "with DHCP and DNS", own: field },
    { runtime: "node", what: "with DHCP and DNS", own: field },
] as const)("on $runtime $what, MQTT while a web server serves", ({ runtime, what, own }) => {
    const rows = "abcdefghijklmnopqrstuvwxyz\n".repeat(400)
    let port = 0

    async function start() {
        lan = await Lan.open({
            forwards: [{ host: "127.0.0.1", hostPort: 0, deviceIp: DEVICE, devicePort: 80 }],
        })
        const panics: string[] = []
        const mqtt = await startBroker()
        lan.later(mqtt.stop)
        const device = await lan.device(runtime, false, {
            program: own.program,
            without: own.without,
            boot: own.boot,
            onPanic: panic => panics.push(panic.message),
        })
        port = lan.network.forwards[0]!.hostPort
        const exchanged = (count: number) => says(device, `${own.broker} ${mqtt.port} ${count}`)
        return { device, exchanged, panics }
    }

    function fetched(path: string, agent?: Agent): Promise<string> {
        return new Promise((resolve, reject) => {
            const options = { host: "127.0.0.1", port, path, ...(agent === undefined ? {} : { agent }) }
            const request = get(options, response => {
                let text = ""
                response.setEncoding("latin1")
                response.on("data", data => {
                    text += data
                })
                response.on("end", () => resolve(`${response.statusCode} ${text}`))
                response.on("error", reject)
            })
            request.on("error", reject)
        })
    }

    /** Sends requests over one connection until `over`; returns the number of answers. */
    async function client(over: () => boolean): Promise<number> {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        let answers = 0
        while (!over()) {
            expect(await fetched("/rows", agent)).toBe(`200 ${rows}`)
            expect(await fetched("/count", agent)).toMatch(/^200 \d+\n$/)
            answers += 2
        }
        agent.destroy()
        return answers
    }

    /** Sends bytes as a client, and returns what the device sent until it closed. */
    function raw(text: string, then?: (socket: Socket) => void): Promise<string> {
        return new Promise(resolve => {
            let heard = ""
            const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
            socket.setEncoding("latin1")
            socket.on("error", () => {})
            socket.on("data", data => {
                heard += data
            })
            socket.on("end", () => socket.end())
            socket.on("close", () => resolve(heard))
            socket.write(text)
            then?.(socket)
        })
    }

    it("MQTT exchanges 100 messages while the web server serves 4 clients", async () => {
        const { device, exchanged, panics } = await start()
        const round = async () => {
            let over = false
            const clients = [1, 2, 3, 4].map(() => client(() => over))
            expect(await exchanged(100)).toBe("100 of 100, 0 wrong")
            over = true
            for (const answers of await Promise.all(clients)) expect(answers).toBeGreaterThan(0)
        }
        await round()
        if (runtime === "vm") {
            await lan.pass(3000)
            const before = await used(device)
            await round()
            await lan.pass(3000)
            expect(Math.abs((await used(device)) - before)).toBeLessThanOrEqual(FRAMES)
            measured.push(`${before} bytes of heap: MQTT and a web server for 4 clients, ${what}`)
        }
        expect(panics).toEqual([])
    })

    // Node is faster
    const count = runtime === "vm" ? 100 : 1000

    it("MQTT and the web server go on after slow, oversized, half-closed and aborted requests", async () => {
        const { device, exchanged, panics } = await start()
        const head = "GET /rows HTTP/1.1\r\nHost: x\r\n"
        const bad = async () => {
            // slow loris: a letter every 500 ms until the device answers 408
            const slow = [1, 2, 3].map(() =>
                raw("GET / HTTP/1.1\r\nX: ", socket => {
                    const timer = setInterval(() => socket.write("x"), 500)
                    socket.on("close", () => clearInterval(timer))
                })
            )
            const half = raw(`${head}Connection: close\r\n\r\n`, socket => socket.end())
            const oversized = raw(`${head}X: ${"x".repeat(9000)}\r\n\r\n`)
            const aborted = Array.from({ length: 12 }, (_, i) =>
                raw(`${head}\r\n`, socket =>
                    socket.once("data", () => {
                        if (i % 2) socket.resetAndDestroy()
                        else socket.destroy()
                    })
                )
            )
            for (const heard of await Promise.all(slow)) expect(heard).toMatch(/^HTTP\/1.1 408 /)
            expect(await half).toMatch(/\r\n0\r\n\r\n$/)
            expect(await oversized).toMatch(/^HTTP\/1.1 431 /)
            // a client that finds all records taken is reset
            expect((await Promise.all(aborted)).filter(heard => heard !== "").length).toBeGreaterThan(0)
        }
        const round = async () => {
            // the MQTT connection opens before the others
            let over = false
            const exchange = exchanged(count).finally(() => {
                over = true
            })
            // `count` is that of the round before
            const early = ["200 0\n", `200 ${count}\n`]
            while (!over && early.includes(await fetched("/count"))) await lan.pass(10)
            await Promise.all([
                bad(),
                exchange.then(said => expect(said).toBe(`${count} of ${count}, 0 wrong`)),
            ])
            const all = await Promise.all([1, 2, 3, 4].map(() => fetched("/rows")))
            expect(all).toEqual([1, 2, 3, 4].map(() => `200 ${rows}`))
        }
        await round()
        if (runtime === "vm") {
            await lan.pass(3000)
            const before = await used(device)
            await round()
            await lan.pass(3000)
            expect(Math.abs((await used(device)) - before)).toBeLessThanOrEqual(FRAMES)
        }
        expect(panics).toEqual([])
    })
})
