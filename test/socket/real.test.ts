// @devicescript/net over this stack against real servers, reached through the router: Node's HTTP server and sockets, and the MQTT
// broker mosquitto.

import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import type { Device } from "../../sim/device/device"
import { Random } from "../../sim/time/random"
import { Lan, ROUTER } from "../router/lan"
import { closedPort, serve } from "../router/servers"
import { broker, startBroker } from "./broker"

let lan: Lan
afterEach(() => lan.close())

const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum * 31 + byte) & 0xffffff, 0)
const body = new Random(7).fill(new Uint8Array(100_000))

const program = "test/programs/net-package.ts"

type Route = (request: IncomingMessage, response: ServerResponse) => void

const bytesOf = async (request: IncomingMessage) => Buffer.concat(await request.toArray())

const routes: Record<string, Route> = {
    "/json": (_request, response) => {
        response.setHeader("Content-Type", "application/json")
        response.end(JSON.stringify({ name: "a document", list: Array.from({ length: 50 }, (_, i) => i) }))
    },
    "/body": (_request, response) => {
        response.setHeader("Content-Type", "application/octet-stream")
        response.setHeader("Content-Length", body.length)
        response.end(body)
    },
    "/post": async (request, response) => {
        const got = await bytesOf(request)
        response.end(`${request.headers["x-test"]} ${got.length} ${sumOf(got)}`)
    },
    // a byte at a time
    "/slow": (_request, response) => {
        const text = "slowly but surely"
        response.setHeader("Content-Length", text.length)
        let sent = 0
        const timer = setInterval(() => {
            response.write(text.charAt(sent++))
            if (sent < text.length) return
            clearInterval(timer)
            response.end()
        }, 30)
    },
    // fewer bytes than Content-Length
    "/early": (_request, response) => {
        response.setHeader("Content-Length", 1000)
        response.write("not all")
        setTimeout(() => response.socket?.end(), 50)
    },
    "/reset": (_request, response) => {
        response.setHeader("Content-Length", 1000)
        response.write("not all")
        setTimeout(() => response.socket?.resetAndDestroy(), 200)
    },
    "/nothing": (_request, response) => response.socket?.destroy(),
    "/encrypted": async (request, response) => {
        const salt = String(request.headers["x-devs-enc-fetch-salt"])
        const iv = Buffer.alloc(13)
        const keyFor = (info: string) =>
            Buffer.from(hkdfSync("sha256", "a long secret", salt, Buffer.from(info), 32))
        const got = await bytesOf(request)
        const decipher = createDecipheriv("aes-256-ccm", keyFor(""), iv, { authTagLength: 8 })
        decipher.setAuthTag(got.subarray(-8))
        const question = JSON.parse(decipher.update(got.subarray(0, -8)).toString()).question
        decipher.final()
        const cipher = createCipheriv("aes-256-ccm", keyFor("the server's"), iv, { authTagLength: 8 })
        const answer = cipher.update(JSON.stringify({ answer: question * 7 }))
        cipher.final()
        response.setHeader("x-devs-enc-fetch-info", "the server's")
        response.end(Buffer.concat([answer, cipher.getAuthTag()]))
    },
}

/** Starts Node's HTTP server on the host's loopback; returns its URL at the router, where the device sees it. */
async function website(): Promise<string> {
    const server = createServer((request, response) => {
        const route = routes[request.url ?? ""]
        if (route !== undefined) return route(request, response)
        response.statusCode = 404
        response.end("no such page")
    })
    await new Promise<void>(done => server.listen(0, "127.0.0.1", done))
    lan.later(async () => {
        server.closeAllConnections()
        await new Promise(done => server.close(done))
    })
    return `http://${ROUTER}:${(server.address() as AddressInfo).port}`
}

async function says(device: Device, line: string): Promise<string> {
    return (await device.command(line)).lines.join("\n")
}

describe.each(["vm", "node"] as const)("@devicescript/net on %s", runtime => {
    it("fetch gets a document, a 404 and a slow answer of Node's server, posts and encrypts", async () => {
        lan = await Lan.open()
        const url = await website()
        const device = await lan.device(runtime, false, { program })
        expect(await says(device, `json ${url}/json`)).toBe("200 OK true a document 50")
        expect(await says(device, `text ${url}/missing`)).toBe("404 no such page")
        expect(await says(device, `text ${url}/slow`)).toBe("200 slowly but surely")
        const posted = Uint8Array.from({ length: 3000 }, (_, i) => i * 7)
        expect(await says(device, `post ${url}/post 3000`)).toBe(
            `200 yes 3000 ${sumOf(posted)} sum ${sumOf(posted)}`
        )
        expect(await says(device, `encrypted ${url}/encrypted`)).toBe("42")
    })

    it("fetch by name gets a document and 100 KB, and an unknown name is ENOTFOUND", async () => {
        lan = await Lan.open()
        const url = (await website()).replace(ROUTER, "host.internal")
        const device = await lan.device(runtime, false, { program, boot: { dns: ROUTER } })
        expect(await says(device, `json ${url}/json`)).toBe("200 OK true a document 50")
        const all = `200 application/octet-stream: 100000 bytes, sum ${sumOf(body)}`
        expect(await says(device, `stream ${url}/body 0`)).toBe(all)
        expect(await says(device, "json http://nobody.invalid/")).toMatch(
            "socket tcp://nobody.invalid:80: ENOTFOUND, "
        )
    })

    it("fetch streams 100 KB to a quick reader and to a slow one", async () => {
        lan = await Lan.open()
        const url = await website()
        const device = await lan.device(runtime, false, { program })
        const all = `200 application/octet-stream: 100000 bytes, sum ${sumOf(body)}`
        expect(await says(device, `stream ${url}/body 0`)).toBe(all)
        expect(await says(device, `stream ${url}/body 5`)).toBe(all)
    })

    it("fetch of an answer that is cut off, reset or refused returns or fails, and the next succeeds", async () => {
        lan = await Lan.open()
        const url = await website()
        const device = await lan.device(runtime, false, { program })
        expect(await says(device, `text ${url}/early`)).toBe("200 not all")
        const name = url.replace("http", "tcp")
        expect(await says(device, `text ${url}/reset`)).toMatch(`socket ${name}: ECONNRESET, `)
        // the package reads a status line from the end of the stream, and throws
        expect((await device.command(`text ${url}/nothing`)).status).toBe(1)
        expect(await says(device, `text http://${ROUTER}:${await closedPort()}/`)).toMatch(/: ECONNREFUSED, /)
        expect(await says(device, `text https://${ROUTER}/`)).toBe(
            `socket tls://${ROUTER}:443: EPROTONOSUPPORT, there is no TLS over this network: use proto "tcp"`
        )
        expect(await says(device, `json ${url}/json`)).toBe("200 OK true a document 50")
    })

    it("recv of a silent server ends after the time given", async () => {
        lan = await Lan.open()
        const silent = await serve(() => {})
        lan.later(() => silent.close())
        const device = await lan.device(runtime, false, { program })
        await says(device, `connect ${ROUTER} ${silent.port}`)
        await says(device, "say anybody there?")
        expect(await says(device, "recv 300")).toMatch(/^undefined after 3\d\d ms$/)
        await says(device, "close")
    })
})

describe.skipIf(broker === undefined && process.env.CI === undefined).each(["vm", "node"] as const)(
    "the MQTT client of @devicescript/net on %s",
    runtime => {
        it("MQTT publishes 100 messages through mosquitto and gets each back, acknowledged or not", async () => {
            lan = await Lan.open()
            const { port, stop } = await startBroker()
            lan.later(stop)
            const device = await lan.device(runtime, false, { program: "test/programs/net-mqtt.ts" })
            expect(await says(device, `${ROUTER} ${port} 100 0`)).toBe("100 of 100, in order: true")
            expect(await says(device, `${ROUTER} ${port} 10 1`)).toBe("10 of 10, in order: true")
            // many small messages in one piece of received data
            expect(await says(device, `${ROUTER} ${port} 100 0 burst`)).toBe("100 of 100, in order: true")
        })
    }
)
