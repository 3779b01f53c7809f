// HTTP clients of others (Node's, curl, wget) against the server on the VM and on Node, through this computer's sockets and the router.

import { execFile } from "node:child_process"
import { Agent, type IncomingMessage, request } from "node:http"
import { connect } from "node:net"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { W5500Chip } from "../../sim/chip/w5500"
import { Device } from "../../sim/device/device"
import { macFor } from "../../sim/run/boot"
import { DEVICE, Lan } from "../router/lan"
import { isInstalled } from "../support/installed"
import { bad, good, request as requestText } from "./tables"

const run = promisify(execFile)
const row = "abcdefghijklmnopqrstuvwxyz\n"

function has(command: string): boolean {
    const installed = isInstalled(command)
    if (!installed) console.warn(`${command} is not installed: not judged by it`)
    return installed
}
const curl = has("curl")
const wget = has("wget")

interface Answer {
    status: number
    headers: IncomingMessage["headers"]
    body: string
}

describe.each(["vm", "node"] as const)("the HTTP server on %s", runtime => {
    let lan: Lan
    let device: Device
    let port = 0
    const said: string[] = []
    beforeAll(async () => {
        lan = await Lan.open({
            forwards: [{ host: "127.0.0.1", hostPort: 0, deviceIp: DEVICE, devicePort: 80 }],
        })
        const chip = new W5500Chip({ clock: lan.clock, send: frame => plug.send(frame) })
        const plug = lan.ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        device = new Device({
            clock: lan.clock,
            runtime,
            chip,
            program: "test/programs/http.ts",
            boot: { macAddress: macFor(DEVICE), config: {} },
            onLog: (level, text) => level !== "system" && said.push(text),
            onPanic: panic => said.push(`panic: ${panic.message}`),
        })
        await device.start()
        await device.command(" ")
        port = lan.network.forwards[0]!.hostPort
    })
    afterAll(async () => {
        device.stop()
        await lan.close()
    })

    const url = (path: string) => `http://127.0.0.1:${port}${path}`

    function ask(path: string, options: { method?: string; agent?: Agent; body?: string | string[] } = {}) {
        return new Promise<Answer>((resolve, reject) => {
            const { method = "GET", agent, body } = options
            const req = request(url(path), { method, ...(agent === undefined ? {} : { agent }) }, res => {
                let text = ""
                res.setEncoding("utf8")
                res.on("data", data => {
                    text += data
                })
                res.on("end", () =>
                    resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text })
                )
                res.on("error", reject)
            })
            req.on("error", reject)
            if (typeof body === "string") req.end(body)
            else {
                for (const part of body ?? []) req.write(part)
                req.end()
            }
        })
    }

    /** Sends bytes as a client, and returns what the server sent until it closed. */
    function raw(text: string, end = false): Promise<string> {
        return new Promise((resolve, reject) => {
            let got = ""
            const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
            socket.setEncoding("latin1")
            socket.on("data", data => {
                got += data
            })
            socket.on("end", () => {
                socket.end()
                resolve(got)
            })
            socket.on("error", reject)
            socket.write(text, "latin1")
            if (end) socket.end()
        })
    }

    test("30 requests of Node's client over four kept connections get their answers", async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 4 })
        const answers = await Promise.all(
            Array.from({ length: 30 }, (_, i) => {
                if (i % 3 === 0) return ask(`/see/${i}?q`, { agent })
                if (i % 3 === 1) return ask("/rows?n=30", { agent })
                return ask("/echo", { agent, method: "POST", body: i % 2 ? `body ${i}` : ["body", ` ${i}`] })
            })
        )
        agent.destroy()
        for (const [i, { status, body }] of answers.entries()) {
            expect(status).toBe(200)
            const expected = [`GET /see/${i} q /see/${i}`, row.repeat(20), `body ${i}`]
            expect(body).toBe(expected[i % 3])
        }
    })

    test("100 KB of rows reach Node's client in chunks", async () => {
        const { body, headers } = await ask("/rows?n=5700")
        expect(headers["transfer-encoding"]).toBe("chunked")
        expect(body).toBe(row.repeat(3800))
    })

    test("errors reach Node's client: 404, 405, 413, 500 and a broken row", async () => {
        expect((await ask("/nothing")).status).toBe(404)
        const { status, headers } = await ask("/echo", { method: "DELETE" })
        expect([status, headers.allow]).toEqual([405, "POST, PUT"])
        expect((await ask("/echo", { method: "POST", body: "x".repeat(5000) })).status).toBe(413)
        expect((await ask("/throw")).status).toBe(500)
        expect(said.at(-1)).toBe("/throw: on purpose")
        await expect(ask("/break")).rejects.toThrow(/aborted|ECONNRESET|socket hang up/)
    })

    test.skipIf(!curl)(
        "curl gets GET, HEAD, POST, HTTP/1.0, Expect, chunked upload and 12 in parallel right",
        async () => {
            const says = async (...args: string[]) =>
                (await run("curl", ["-sS", "--max-time", "60", ...args])).stdout
            expect(await says(url("/"))).toBe("<h1>hello</h1>")
            expect(await says("-I", url("/"))).toMatch(/^HTTP\/1.1 200 OK\r\n(.*\r\n)*Content-Length: 14\r\n/)
            expect(await says("-d", "a=b", url("/echo"))).toBe("a=b")
            expect(await says("--http1.0", url("/rows?n=60"))).toBe(row.repeat(40))
            expect(await says("--http1.0", "-H", "Connection: keep-alive", url("/"), url("/"))).toBe(
                "<h1>hello</h1>".repeat(2)
            )
            expect(await says("-H", "Expect: 100-continue", "-d", "x".repeat(200), url("/echo"))).toBe(
                "x".repeat(200)
            )
            expect(await says("-H", "Transfer-Encoding: chunked", "-d", "in chunks", url("/echo"))).toBe(
                "in chunks"
            )
            expect(
                await says("-o", "/dev/null", "-w", "%{http_code}", "-H", `X: ${"x".repeat(9000)}`, url("/"))
            ).toBe("431")
            expect(await says("-o", "/dev/null", "-w", "%{http_code}", url(`/${"x".repeat(9000)}`))).toBe(
                "414"
            )
            const many = Array.from({ length: 12 }, (_, i) => url(`/see/${i}`))
            const all = await says("--parallel", "--parallel-max", "12", ...many)
            for (let i = 0; i < 12; i++) expect(all).toContain(`GET /see/${i} `)
        }
    )

    test.skipIf(!wget)("wget downloads a body of rows and a page", async () => {
        const { stdout } = await run("wget", ["-q", "-T", "60", "-O", "-", url("/rows?n=90"), url("/")])
        expect(stdout).toBe(`${row.repeat(60)}<h1>hello</h1>`)
    })

    test("a client is served among slow, silent and half-closed ones", async () => {
        const slow = Array.from({ length: 6 }, () => {
            const socket = connect({ host: "127.0.0.1", port })
            socket.on("error", () => {})
            socket.write("GET / HTTP/1.1\r\nX: ")
            return { socket, timer: setInterval(() => socket.write("x"), 500) }
        })
        const silent = Array.from({ length: 3 }, () =>
            connect({ host: "127.0.0.1", port }).on("error", () => {})
        )
        await new Promise(resolve => setTimeout(resolve, 300))
        // it waits in the backlog until the slow ones get 408
        expect((await ask("/")).body).toBe("<h1>hello</h1>")
        for (const { socket, timer } of slow) {
            clearInterval(timer)
            socket.destroy()
        }
        for (const socket of silent) socket.destroy()
        const half = await raw("GET /rows?n=30 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true)
        expect(half).toMatch(/\r\n0\r\n\r\n$/)
        expect(await raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true)).toContain("hello")
    })

    test("four clients that send the most expensive heads at once are served", async () => {
        const blanks = `Connection:${" ".repeat(230)}x${" ".repeat(10)}\r\n`
        const target = `/see/${"%41".repeat(70)}`
        const text = `GET ${target} HTTP/1.1\r\nHost: x\r\n${blanks.repeat(14)}\r\n`
        const last = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        const all = await Promise.all([1, 2, 3, 4].map(() => raw(text.repeat(3) + last)))
        // while other clients wait, a connection closes after its first answer
        for (const got of all) {
            expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
            expect(got).toContain(`/see/${"A".repeat(70)}`)
        }
        expect((await ask("/")).body).toBe("<h1>hello</h1>")
    })

    test("all requests of the refused table get the same statuses through the router", async () => {
        const seen: [string, number][] = []
        for (const [name, text] of bad) {
            const got = await raw(text + requestText("GET /hex"))
            seen.push([name, Number(/^HTTP\/1\.1 (\d+) /.exec(got)?.[1])])
            expect(got.split("HTTP/1.1 ").length, name).toBe(2)
        }
        expect(seen).toEqual(bad.map(([name, , status]) => [name, status]))
    })

    test("all requests of the accepted table get the same statuses through the router", async () => {
        const last = requestText("GET /hex", "Connection: close")
        const seen: [string, string[]][] = []
        for (const [name, text] of good)
            seen.push([name, [...(await raw(text + last)).matchAll(/HTTP\/1\.1 (\d+) /g)].map(m => m[1]!)])
        expect(seen).toEqual(good.map(([name, , status]) => [name, [`${status}`, "200"]]))
    })

    test("twenty aborted downloads leave the server serving", async () => {
        for (let i = 0; i < 20; i++) {
            await new Promise<void>((resolve, reject) => {
                const socket = connect({ host: "127.0.0.1", port })
                socket.on("error", reject)
                socket.write("GET /rows?n=90000 HTTP/1.1\r\nHost: x\r\n\r\n")
                socket.once("data", () => {
                    if (i % 2) socket.resetAndDestroy()
                    else socket.destroy()
                    resolve()
                })
            })
        }
        expect((await ask("/")).body).toBe("<h1>hello</h1>")
    })

    // Node's heap is not the program's
    const onVm = runtime === "vm" ? test : () => {}
    onVm("a hundred requests leave the heap of the program equal", async () => {
        const used = async () => {
            for (let i = 0; i < 50; i++) await ask(i % 2 ? "/rows?n=9" : "/see/x?y")
            // the events of the last segments
            await new Promise(resolve => setTimeout(resolve, 500))
            return (await device.liveHeap()).used
        }
        const before = await used()
        // the measured heap includes one or two stack frames of the function that runs then
        expect(Math.abs((await used()) - before)).toBeLessThanOrEqual(32)
        console.log(`heap in use by the server's program: ${before} bytes`)
    })

    test("the program printed only the errors that these tests provoked", () => {
        expect(said.filter(text => !/^\/(throw|break): |^DeviceScript|^start: /.test(text))).toEqual([])
    })
})
