// The dashboard's server: one page, a stream of messages to it (Server-Sent Events), and commands from it. It listens on loopback only.

import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Feed } from "./feed"
import { refusal } from "./guard"
import type { Batch, CompletionView } from "./messages"

/** A command from the page. */
export type Order = { readonly command: string } | { readonly stage: string }

/** What the server serves. */
export interface Service {
    readonly feed: Feed
    /** The page, and the Content-Security-Policy that goes with it. */
    readonly page: { readonly html: string; readonly policy: string }
    /** Returns the time of the run, in seconds. */
    now(): string
    /** Begins to carry out an order; returns why it is not valid, or undefined. */
    order(order: Order): string | undefined
    complete(line: string, device: number): Promise<CompletionView>
    /** Returns the graphs of a connection as SVG, or all about it as a page of its own; undefined for an unknown connection. */
    graphs(device: number, connection: number): string | undefined
    report(device: number, connection: number): string | undefined
}

interface Answer {
    readonly status: number
    readonly type: string
    readonly text: string
    readonly headers: Record<string, string>
}

/** Thrown when the server cannot listen; the message says why. */
export class DashboardError extends Error {
    override name = "DashboardError"
}

const HOST = "127.0.0.1"
const HTML = "text/html; charset=utf-8"
/** The longest body of an order, bytes: more than the longest command. */
const MOST_BODY = 4096
/** The bytes of a longer body that are read before the connection is ended, so that its sender reads the answer. */
const MOST_READ = 1 << 20
/** The longest line that is completed. */
const MOST_LINE = 1000
/** The most connections of programs and pages at a time. */
const MOST_SOCKETS = 100
/** The most pages at a time. */
const MOST_PAGES = 16
/** The messages of one event, and the time in which messages are gathered, ms. */
const MOST_MESSAGES = 400
const GATHER = 25
/** A comment that keeps the stream alive, ms. */
const ALIVE = 15_000
/** The bytes that may wait for a slow page. */
const MOST_WAITING = 1 << 20

const COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

export class DashboardServer {
    private readonly server: Server
    private readonly pages = new Set<() => void>()
    /** Ids of another process mean nothing to this one. */
    private readonly epoch = randomBytes(4).toString("hex")
    /** The port of this computer that it listens on. */
    port = 0

    private constructor(private readonly service: Service) {
        this.server = createServer({ maxHeaderSize: 16_384, requestTimeout: 10_000 }, (request, response) =>
            this.handle(request, response)
        )
        this.server.maxConnections = MOST_SOCKETS
    }

    /** Listens on a port of this computer, 0 for any that is free. Throws a DashboardError. */
    static async listen(port: number, service: Service): Promise<DashboardServer> {
        const own = new DashboardServer(service)
        await new Promise<void>((resolve, reject) => {
            own.server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(port, error)))
            own.server.listen(port, HOST, resolve)
        })
        // a request that arrives while the server closes needs it, too, and the socket then has none
        own.port = (own.server.address() as AddressInfo).port
        return own
    }

    get address(): string {
        return `http://${HOST}:${this.port}/`
    }

    /** Ends all streams and stops listening. */
    async close(): Promise<void> {
        for (const end of [...this.pages]) end()
        this.server.closeAllConnections()
        await new Promise(resolve => this.server.close(resolve))
    }

    private handle(request: IncomingMessage, response: ServerResponse): void {
        const answer = this.answer(request, response)
        if (answer !== undefined) send(response, answer)
    }

    /** Returns the answer to a request; undefined for one that is answered later, or by a stream. */
    private answer(request: IncomingMessage, response: ServerResponse): Answer | undefined {
        const { method = "", headers, url = "/" } = request
        const [path = "/", query = ""] = url.split("?", 2)
        const refused = refusal(method, headers, this.port, path === "/")
        if (refused !== undefined) return words(refused.status, refused.text)
        if (path === "/orders") {
            if (method !== "POST") return words(405, "Send orders with POST.", { Allow: "POST" })
            void this.takeOrder(request).then(answer => answer && send(response, answer))
            return undefined
        }
        if (!["/", "/events", "/graphs", "/report", "/complete"].includes(path))
            return words(404, "The dashboard has no such page.")
        if (method !== "GET" && method !== "HEAD")
            return words(405, "This is only to be read.", { Allow: "GET, HEAD" })
        if (path === "/events")
            return method === "GET"
                ? this.stream(request, response)
                : words(405, "This is a stream.", { Allow: "GET" })
        if (path === "/complete") {
            void this.complete(new URLSearchParams(query)).then(answer => send(response, answer))
            return undefined
        }
        if (path !== "/") return this.about(path, new URLSearchParams(query))
        const { html, policy } = this.service.page
        return { status: 200, type: HTML, text: html, headers: { "Content-Security-Policy": policy } }
    }

    /** Returns how a command can go on; nothing where that cannot be had, as while a network begins. */
    private async complete(query: URLSearchParams): Promise<Answer> {
        const line = query.get("line") ?? ""
        const device = query.get("device") ?? "0"
        if (line.length > MOST_LINE || !/^\d$/.test(device))
            return words(400, `Name a line of at most ${MOST_LINE} characters, and a device by its number.`)
        const found: CompletionView = await this.service
            .complete(line, Number(device))
            .catch(() => ({ words: [], last: "" }))
        return { status: 200, type: "application/json", text: JSON.stringify(found), headers: {} }
    }

    /** Returns what is drawn or reported of one connection. */
    private about(path: string, query: URLSearchParams): Answer {
        const numbers = ["device", "connection"].map(name => query.get(name) ?? "")
        if (!numbers.every(text => /^\d{1,9}$/.test(text)))
            return words(400, "Name a device and a connection by their numbers.")
        const [device = 0, connection = 0] = numbers.map(Number)
        const isGraph = path === "/graphs"
        const text = isGraph
            ? this.service.graphs(device, connection)
            : this.service.report(device, connection)
        // a page may ask for the graphs of a connection whose network is gone, or whose first segment has not arrived
        if (text === undefined)
            return isGraph ? words(204, "") : words(404, "This connection is not known any more.")
        const name = `attachment; filename="connection-${connection}.html"`
        return isGraph
            ? { status: 200, type: "image/svg+xml; charset=utf-8", text, headers: {} }
            : { status: 200, type: HTML, text, headers: { "Content-Disposition": name } }
    }

    /** Reads an order and begins to carry it out; returns the answer, undefined when the page has gone. */
    private async takeOrder(request: IncomingMessage): Promise<Answer | undefined> {
        const chunks: Buffer[] = []
        let length = 0
        try {
            for await (const chunk of request as AsyncIterable<Buffer>) {
                length += chunk.length
                if (length <= MOST_BODY) chunks.push(chunk)
                else if (length > MOST_READ) request.destroy()
            }
        } catch {
            return undefined
        }
        if (length > MOST_BODY)
            return words(413, `An order has at most ${MOST_BODY} bytes.`, { Connection: "close" })
        const order = readOrder(Buffer.concat(chunks).toString("utf8"))
        const problem = typeof order === "string" ? order : this.service.order(order)
        return problem === undefined ? words(202, "It is being carried out.") : words(400, problem)
    }

    /** Sends messages as they come, from the one after the id that the page has seen. */
    private stream(request: IncomingMessage, response: ServerResponse): Answer | undefined {
        if (this.pages.size >= MOST_PAGES)
            return words(503, `${MOST_PAGES} pages are open already.`, { "Retry-After": "5" })
        const { feed } = this.service
        const [epoch, seen = ""] = String(request.headers["last-event-id"] ?? "").split("-", 2)
        let last = epoch === this.epoch && /^\d{1,15}$/.test(seen) ? Number(seen) : 0
        response.writeHead(200, { ...COMMON, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" })
        response.write("retry: 1000\n\n")
        let gathering: NodeJS.Timeout | undefined
        const flush = () => {
            gathering = undefined
            while (last < feed.latest && response.writableLength < MOST_WAITING) {
                const some = feed.since(last, MOST_MESSAGES)
                last = some.last
                const batch: Batch = { now: this.service.now(), messages: some.messages }
                response.write(`id: ${this.epoch}-${last}\ndata: ${JSON.stringify(batch)}\n\n`)
            }
        }
        const gather = () => {
            gathering ??= setTimeout(flush, GATHER)
        }
        const stop = feed.listen(gather)
        const alive = setInterval(() => response.write(": alive\n\n"), ALIVE)
        alive.unref()
        response.on("drain", gather)
        const end = () => {
            stop()
            clearInterval(alive)
            clearTimeout(gathering)
            this.pages.delete(end)
            response.end()
        }
        this.pages.add(end)
        response.on("close", end)
        flush()
        return undefined
    }
}

/** Reads an order; returns a sentence for a body that is not valid. */
function readOrder(text: string): Order | string {
    let order: unknown
    try {
        order = JSON.parse(text)
    } catch {
        return "The order is not valid JSON."
    }
    if (typeof order !== "object" || order === null || Array.isArray(order))
        return 'An order is an object, as {"command":"help"} or {"stage":"filtered"}.'
    const fields = Object.entries(order)
    const [name, value] = fields[0] ?? []
    if (fields.length !== 1 || (name !== "command" && name !== "stage"))
        return 'An order has one field, "command" or "stage".'
    if (typeof value !== "string") return `The field "${name}" has to be a text.`
    return name === "command" ? { command: value } : { stage: value }
}

/** Returns an answer of one sentence. */
function words(status: number, text: string, headers: Record<string, string> = {}): Answer {
    return { status, type: "text/plain; charset=utf-8", text: text === "" ? "" : `${text}\n`, headers }
}

function send(response: ServerResponse, { status, type, text, headers }: Answer): void {
    const length = Buffer.byteLength(text)
    response.writeHead(status, { ...COMMON, ...headers, "Content-Type": type, "Content-Length": length })
    response.end(response.req.method === "HEAD" ? "" : text)
}

function cannotListen(port: number, { code, message }: NodeJS.ErrnoException): DashboardError {
    const why =
        code === "EADDRINUSE"
            ? "another program uses it; --ui alone takes a free one"
            : code === "EACCES"
              ? "only root may use it; --ui alone takes a free one"
              : message
    return new DashboardError(`--ui: cannot listen on port ${port} of this computer: ${why}`)
}
