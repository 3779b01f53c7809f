// An HTTP server on a stack, and at the other end of the wire a stack whose calls the test makes.

import { Buffer } from "@devicescript/core"
import { hex } from "../../sim/node/buffer"
import { HttpBodies } from "../../src/http/body"
import type { HttpOptions } from "../../src/http/record"
import { HttpServer } from "../../src/http/server"
import { abort, close, connect, read, shutdown, stateOf, write } from "../../src/tcp/calls"
import { type State, TcpError } from "../../src/tcp/records"
import { Host, ip, Wire } from "../support/host"

// a program on the VM finds it without importing it
Object.assign(globalThis, { hex })

export const CLIENTS = 4
export const BODY = 256

/** Neither stack delays segments, so that all of a moment happens in it. */
const prompt = { nagle: 0, delayedAck: 0 }

export class HttpBench {
    readonly device: Host
    readonly far: Host
    readonly wire: Wire
    readonly server: HttpServer

    constructor(config: Record<string, number> = {}, options: HttpOptions = {}) {
        this.device = new Host("10.0.0.2", { ...prompt, ...config })
        const far = { connections: 40, receiveBuffer: 8192, sendBuffer: 8192, timeWait: 1 }
        this.far = new Host("10.0.0.1", { ...prompt, ...far })
        this.wire = new Wire([this.device, this.far])
        this.server = new HttpServer(this.device.stack, {
            port: 80,
            bodies: new HttpBodies(BODY, CLIENTS),
            ...options,
        })
    }

    /** Lets both stacks and the server do what they can at this time. */
    settle(): void {
        for (let i = 0; i < 40; i++) {
            this.wire.settle()
            this.server.work(this.wire.now)
        }
        this.wire.settle()
    }

    /** Lets time pass; the server has a turn every 100 ms. */
    pass(ms: number): void {
        for (let end = this.wire.now + ms; this.wire.now < end; ) {
            this.wire.run(Math.min(100, end - this.wire.now))
            this.settle()
        }
    }

    connect(): Browser {
        const browser = new Browser(this, connect(this.far.stack, ip("10.0.0.2"), 80, 0, this.wire.now))
        this.settle()
        return browser
    }

    /** Returns the number of client records that are taken. */
    get taken(): number {
        return this.server.clients.filter(client => client.id > 0).length
    }
}

/** The client's end of a connection; it reads all data at once, unless a test replaces `read`. */
export class Browser {
    /** The data received, a character a byte. */
    text = ""
    /** How the device ended the connection; empty while it is open. */
    ended: "" | "closed" | "reset" = ""

    constructor(
        private readonly bench: HttpBench,
        readonly id: number
    ) {}

    /** Sends text, a byte a character, each part in a segment of its own. */
    send(...parts: string[]): this {
        for (const part of parts) {
            let rest = Buffer.from([...part].map(char => char.charCodeAt(0)))
            for (let turns = 0; rest.length > 0 && turns < 1000; turns++) {
                const n = write(this.bench.far.stack, this.id, rest, 0, rest.length)
                if (n < 0) break
                rest = rest.slice(n)
                this.bench.settle()
            }
            this.read()
        }
        return this
    }

    /** Reads all data that arrives at this time. */
    read(limit = Number.POSITIVE_INFINITY): string {
        const into = Buffer.alloc(1024)
        const before = this.text.length
        for (let idle = 0; idle < 3 && this.text.length - before < limit; ) {
            const n = read(this.bench.far.stack, this.id, into, 0, Math.min(into.length, limit))
            if (n > 0) {
                this.text += String.fromCharCode(...into.subarray(0, n))
                idle = 0
            } else {
                if (n < 0) this.ended = n === TcpError.Eof ? "closed" : "reset"
                idle++
            }
            this.bench.settle()
        }
        return this.text.slice(before)
    }

    /** Reads all data, and returns how the device ended the connection. */
    readEnd(): string {
        this.read()
        return this.ended
    }

    /** Shuts down the sending side. */
    shut(): this {
        shutdown(this.bench.far.stack, this.id, this.bench.wire.now)
        this.bench.settle()
        this.read()
        return this
    }

    close(): void {
        close(this.bench.far.stack, this.id, this.bench.wire.now)
        this.bench.settle()
    }

    abort(): void {
        abort(this.bench.far.stack, this.id, this.bench.wire.now)
        this.bench.settle()
    }

    get state(): State {
        return stateOf(this.bench.far.stack, this.id)
    }
}

export interface Response {
    status: number
    head: string
    body: string
}

/**
 * Returns the responses in `text` by RFC 9112, and throws when they are not valid. `methods` are those of the requests, in
 * order; the connection's end may end the last body.
 */
export function responses(text: string, methods: string[], ended: boolean): Response[] {
    const all: Response[] = []
    let rest = text
    while (rest !== "") {
        const end = rest.indexOf("\r\n\r\n")
        if (end < 0) throw new Error(`a head without end: ${JSON.stringify(rest)}`)
        const head = rest.slice(0, end)
        rest = rest.slice(end + 4)
        const [line = "", ...fields] = head.split("\r\n")
        const status = /^HTTP\/1\.1 ([1-5]\d\d) [A-Z][A-Za-z ]*$/.exec(line)?.[1]
        if (status === undefined) throw new Error(`not a status line: ${JSON.stringify(line)}`)
        for (const field of fields)
            if (!/^[A-Za-z-]+: [ -~]+$/.test(field)) throw new Error(`not a field: ${JSON.stringify(field)}`)
        const response = { status: Number(status), head, body: "" }
        if (response.status === 100) continue
        const method = methods[all.length] ?? "GET"
        all.push(response)
        const length = /^Content-Length: (\d+)$/m.exec(head)?.[1]
        if (response.status === 204 || response.status === 304 || method === "HEAD") continue
        if (/^Transfer-Encoding: chunked$/m.test(head)) {
            for (;;) {
                const size = /^([0-9a-f]+)\r\n/.exec(rest)
                if (size === null) throw new Error(`not a chunk: ${JSON.stringify(rest.slice(0, 40))}`)
                const n = Number.parseInt(size[1]!, 16)
                rest = rest.slice(size[0].length)
                response.body += rest.slice(0, n)
                if (rest.slice(n, n + 2) !== "\r\n") throw new Error("a chunk without end")
                rest = rest.slice(n + 2)
                if (n === 0) break
            }
        } else if (length !== undefined) {
            response.body = rest.slice(0, Number(length))
            if (response.body.length < Number(length)) throw new Error(`${length} bytes were promised`)
            rest = rest.slice(Number(length))
        } else {
            if (!ended) throw new Error("a body without end")
            response.body = rest
            rest = ""
        }
    }
    return all
}
