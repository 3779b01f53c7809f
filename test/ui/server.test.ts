// The dashboard's server: which requests it answers, and how a page receives messages.

import { request } from "node:http"
import { connect } from "node:net"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Feed, KEPT } from "../../sim/ui/feed"
import { refusal } from "../../sim/ui/guard"
import type { Batch, LineView, Message } from "../../sim/ui/messages"
import { dashboardPage } from "../../sim/ui/page"
import { DashboardServer, type Order } from "../../sim/ui/server"
import { taken } from "../cli/ports"

const feed = new Feed()
const orders: Order[] = []
let server: DashboardServer
beforeAll(async () => {
    server = await DashboardServer.listen(0, {
        feed,
        page: dashboardPage(),
        now: () => "1.5",
        order: order => {
            orders.push(order)
            return "command" in order && order.command === "" ? "A command has at least one word." : undefined
        },
        complete: async (line, device) => {
            if (line === "fails") throw new Error("the device has gone")
            return { words: [`${line}${device}`], last: line }
        },
        graphs: (_, connection) => (connection === 1 ? "<svg></svg>" : undefined),
        report: (_, connection) => (connection === 1 ? "<!doctype html>" : undefined),
    })
})
afterAll(() => server.close())

interface Answer {
    status: number
    headers: Record<string, unknown>
    body: string
}

/** Sends a request with any headers, which `fetch` would not let a test choose. */
function ask(
    path: string,
    options: { method?: string; headers?: object; body?: string } = {}
): Promise<Answer> {
    const { method = "GET", headers = {}, body } = options
    return new Promise((resolve, reject) => {
        const sent = request(
            { host: "127.0.0.1", port: server.port, path, method, headers: { ...headers } },
            response => {
                let text = ""
                response.setEncoding("utf8").on("data", chunk => {
                    text += chunk
                })
                response.on("end", () =>
                    resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
                )
            }
        )
        sent.on("error", reject)
        sent.end(body)
    })
}

function order(body: string, headers: object = {}): Promise<Answer> {
    return ask("/orders", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body,
    })
}

describe("the page", () => {
    test("is one file that loads nothing else, and its policy names its own script and style only", async () => {
        const { status, headers, body } = await ask("/")
        expect(status).toBe(200)
        expect(headers["content-type"]).toBe("text/html; charset=utf-8")
        expect(headers["x-content-type-options"]).toBe("nosniff")
        expect(headers["cache-control"]).toBe("no-store")
        expect(headers["content-security-policy"]).toMatch(
            /^default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; connect-src 'self'; .*frame-ancestors 'none'$/
        )
        expect(body).toMatch(/^<!doctype html>.*<\/html>\n$/s)
        expect(body.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|\bsrc=|@import|<!-- /)
        expect(body.match(/<script/g)).toHaveLength(1)
    })

    test("has a button for each failure, and a label for each slider and field", async () => {
        const { body } = await ask("/")
        expect(body.match(/ data-stage="/g)!.length).toBeGreaterThan(30)
        for (const [, id] of body.matchAll(/<(?:input|select) [^>]*id="([\w-]+)"/g)) {
            const isInside = new RegExp(`<label[^>]*>[^\\n]*id="${id}"`).test(body)
            expect(isInside || body.includes(`for="${id}"`), id).toBe(true)
        }
    })
})

describe("which requests are answered", () => {
    test.each([
        ["a name that leads to this computer (DNS rebinding)", { Host: "evil.example" }, 421],
        ["another port", { Host: "127.0.0.1:1" }, 421],
        ["a name that begins like this computer's", { Host: "127.0.0.1.evil.example" }, 421],
        ["another page's origin", { Origin: "http://evil.example" }, 403],
        ["a page without an origin, as one in a sandbox", { Origin: "null" }, 403],
        ["another port's page", { Origin: "http://127.0.0.1:1" }, 403],
        ["another site's page", { "Sec-Fetch-Site": "cross-site" }, 403],
        ["a form", { "Content-Type": "text/plain" }, 415],
        ["a form with a file", { "Content-Type": "multipart/form-data; boundary=x" }, 415],
    ])("an order from %s is refused", async (_, headers, status) => {
        const before = orders.length
        const answer = await order('{"command":"help"}', headers)
        expect(answer.status).toBe(status)
        expect(answer.body).toMatch(/^[A-Z].*\.\n$/)
        expect(answer.headers["access-control-allow-origin"]).toBeUndefined()
        expect(orders).toHaveLength(before)
    })

    test.each(["/events", "/graphs?device=0&connection=1", "/"])(
        "another page cannot read %s, and no page of another name either",
        async path => {
            expect((await ask(path, { headers: { Host: "evil.example" } })).status).toBe(421)
            expect((await ask(path, { headers: { "Sec-Fetch-Site": "cross-site" } })).status).toBe(403)
            expect((await ask(path, { headers: { Origin: "http://evil.example" } })).status).toBe(403)
        }
    )

    test("a question of another page whether it may send orders is refused (CORS)", async () => {
        const headers = { Origin: "http://evil.example", "Access-Control-Request-Method": "POST" }
        expect((await ask("/orders", { method: "OPTIONS", headers })).status).toBe(403)
    })

    test("the page's own orders are taken, by every name of this computer, and a program's without an origin", async () => {
        for (const name of ["127.0.0.1", "localhost", "[::1]"]) {
            const host = `${name}:${server.port}`
            const own = { Host: host, Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" }
            expect((await order('{"command":"help"}', own)).status).toBe(202)
        }
        expect((await order('{"stage":"filtered"}')).status).toBe(202)
        expect(orders.at(-1)).toEqual({ stage: "filtered" })
    })

    test("a link on another page may lead to the page, but to nothing else", () => {
        const headers = { host: "localhost:80", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }
        expect(refusal("GET", headers, 80, true)).toBeUndefined()
        expect(refusal("GET", headers, 80, false)?.status).toBe(403)
        expect(refusal("POST", headers, 80, true)?.status).toBe(403)
    })

    test.each([
        ["GET", "/nothing", 404],
        ["GET", "/../package.json", 404],
        ["GET", "/orders", 405],
        ["DELETE", "/", 405],
        ["GET", "/graphs", 400],
        ["GET", "/graphs?device=0&connection=-1", 400],
        ["GET", "/graphs?device=0&connection=2", 204],
        ["GET", "/report?device=0&connection=2", 404],
        ["GET", "/graphs?device=0&connection=1", 200],
        ["GET", "/report?device=0&connection=1", 200],
        ["HEAD", "/", 200],
        ["HEAD", "/events", 405],
        ["GET", "/complete?line=con", 200],
        ["GET", "/complete?line=fails&device=0", 200],
        ["GET", "/complete?line=x&device=10", 400],
        [`GET`, `/complete?line=${"x".repeat(1001)}`, 400],
    ])("%s %s is answered with %i", async (method, path, status) => {
        expect((await ask(path, { method })).status).toBe(status)
    })

    test("bytes that are no HTTP end the connection, not the server", async () => {
        const socket = connect(server.port, "127.0.0.1")
        const closed = new Promise(resolve => socket.on("close", resolve))
        socket.on("error", () => {})
        socket.end("\x16\x03\x01\x00nonsense\r\n\r\n")
        socket.resume()
        await closed
        expect((await ask("/")).status).toBe(200)
    })
})

describe("an order that is not valid", () => {
    test.each([
        ["", "The order is not valid JSON."],
        ["{", "The order is not valid JSON."],
        ["null", "An order is an object"],
        ["[]", "An order is an object"],
        ["7", "An order is an object"],
        ["{}", 'An order has one field, "command" or "stage".'],
        ['{"command":"help","stage":"x"}', "An order has one field"],
        ['{"__proto__":"help"}', "An order has one field"],
        ['{"order":"help"}', "An order has one field"],
        ['{"command":7}', 'The field "command" has to be a text.'],
        ['{"stage":null}', 'The field "stage" has to be a text.'],
        ['{"command":""}', "A command has at least one word."],
    ])("%s is answered with 400 and a sentence", async (body, sentence) => {
        const answer = await order(body)
        expect(answer.status).toBe(400)
        expect(answer.body).toContain(sentence)
        expect(answer.body).toMatch(/\.\n$/)
    })

    test("any text is answered with 202 or 400", async () => {
        await fc.assert(
            fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async body => {
                expect([202, 400]).toContain((await order(body)).status)
            }),
            { numRuns: 50 }
        )
    })

    test("a long one is refused, and what comes after its first bytes is not kept", async () => {
        const answer = await order(`{"command":"${"x".repeat(5000)}"}`)
        expect(answer).toMatchObject({ status: 413, body: "An order has at most 4096 bytes.\n" })
        const endless = order("x".repeat(2 << 20)).catch((error: NodeJS.ErrnoException) => error.code)
        expect(["ECONNRESET", "EPIPE"]).toContain(await endless)
    })
})

/** A page's stream of messages. */
class Stream {
    readonly messages: Message[] = []
    readonly batches: Batch[] = []
    id = ""
    private readonly sent

    constructor(headers: object = {}) {
        this.sent = request(
            { host: "127.0.0.1", port: server.port, path: "/events", headers: { ...headers } },
            response => {
                let text = ""
                response.setEncoding("utf8").on("data", chunk => {
                    text += chunk
                    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
                        this.take(text.slice(0, end))
                        text = text.slice(end + 2)
                    }
                })
                response.on("error", () => {})
            }
        )
        this.sent.on("error", () => {})
        this.sent.end()
    }

    private take(event: string): void {
        const [, id] = /^id: (.*)$/m.exec(event) ?? []
        const [, data] = /^data: (.*)$/m.exec(event) ?? []
        if (id === undefined || data === undefined) return
        this.id = id
        this.batches.push(JSON.parse(data))
        this.messages.push(...this.batches.at(-1)!.messages)
    }

    async until(condition: () => boolean): Promise<void> {
        while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
    }

    close(): void {
        this.sent.destroy()
    }
}

const line = (number: number, text = `line ${number}`): LineView => ({
    kind: "line",
    number,
    text,
    tone: "output",
})
const numbers = ({ messages }: Stream) => messages.map(one => (one.kind === "line" ? one.number : 0))

describe("the stream of messages", () => {
    test("a page receives what was before it, then what comes, in order; connected again it receives what it lacks", async () => {
        for (let n = 1; n <= 3; n++) feed.put(line(n))
        const first = new Stream()
        await first.until(() => first.messages.length >= 3)
        feed.put(line(4))
        feed.put(line(5))
        await first.until(() => first.messages.length >= 5)
        expect(numbers(first)).toEqual([1, 2, 3, 4, 5])
        expect(first.batches[0]!.now).toBe("1.5")
        first.close()
        for (let n = 6; n <= 8; n++) feed.put(line(n))
        const again = new Stream({ "Last-Event-ID": first.id })
        await again.until(() => again.messages.length >= 3)
        expect(numbers(again)).toEqual([6, 7, 8])
        again.close()
    })

    test.each(["", "nonsense", "00000000-2", "-5", "00000000-99999999999999999999"])(
        'after the id "%s", which is not of this process, a page receives everything',
        async id => {
            const page = new Stream({ "Last-Event-ID": id })
            await page.until(() => page.messages.length >= 8)
            expect(numbers(page)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
            page.close()
        }
    )

    test("of the pages beyond 16 each is refused, until one has gone", async () => {
        const pages = Array.from({ length: 16 }, () => new Stream())
        await Promise.all(pages.map(page => page.until(() => page.id !== "")))
        expect(await ask("/events")).toMatchObject({ status: 503, body: "16 pages are open already.\n" })
        for (const page of pages) page.close()
        let page = new Stream()
        while (page.id === "") {
            await new Promise(resolve => setTimeout(resolve, 50))
            if (page.id !== "") continue
            page.close()
            page = new Stream()
            await new Promise(resolve => setTimeout(resolve, 50))
        }
        page.close()
    })
})

describe("the feed", () => {
    test("keeps the newest message about each thing, and the last of each kind", () => {
        const own = new Feed()
        own.put({ kind: "status", state: "starting", text: "" })
        for (let n = 1; n <= KEPT.line + 5; n++) own.put(line(n))
        own.put(line(KEPT.line, "changed"))
        own.put({ kind: "status", state: "ready", text: "" })
        const { messages, last } = own.since(0, 10_000)
        expect(messages).toHaveLength(KEPT.line + 1)
        expect(messages.slice(-2)).toEqual([
            line(KEPT.line, "changed"),
            { kind: "status", state: "ready", text: "" },
        ])
        expect(last).toBe(own.latest)
        expect(own.since(last, 10)).toEqual({ messages: [], last })
    })

    test("of a new run nothing is left but the console's lines", () => {
        const own = new Feed()
        own.put({ kind: "status", state: "ready", text: "" })
        own.put(line(1))
        own.restart()
        expect(own.since(0, 10).messages).toEqual([line(1)])
    })
})

const empty = {
    feed,
    page: { html: "", policy: "" },
    now: () => "",
    order: () => undefined,
    complete: async () => ({ words: [], last: "" }),
    graphs: () => undefined,
    report: () => undefined,
}

test("a server that has closed still knows its address", async () => {
    const own = await DashboardServer.listen(0, empty)
    const { address, port } = own
    await own.close()
    expect(own.address).toBe(address)
    expect(address).toBe(`http://127.0.0.1:${port}/`)
})

test("a port that another program uses is one line that says so", async () => {
    const { port, server: other } = await taken()
    await expect(DashboardServer.listen(port, empty)).rejects.toThrow(
        `--ui: cannot listen on port ${port} of this computer: another program uses it; --ui alone takes a free one`
    )
    other.close()
})
