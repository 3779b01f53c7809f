// A host of a test with a TCP/IP stack of its own, and the servers that it can run.

import type { StackEvent } from "../device/events"
import { BuiltinHost, type HostConnection as StackConnection, serveEcho } from "../host/host"
import { macFor } from "../run/boot"
import type { Random } from "../time/random"
import type { Broker, HostConnection, HttpAnswer, HttpReply, HttpRequest, LabHost } from "./api"
import { answerOf, requestOf, writeReply, writeRequest } from "./http"
import { MqttBroker } from "./mqtt"
import { toWire } from "./text"
import type { Wire } from "./wire"

/** A client waits this long for a handshake or an answer, ms. */
const PATIENCE = 60_000

/** A connection, and the data that it has received. */
class Received implements HostConnection {
    received = ""

    constructor(private readonly connection: StackConnection) {}

    get state(): string {
        return this.connection.state
    }
    get ended(): boolean {
        return this.connection.ended
    }
    get error(): string | undefined {
        return this.connection.error
    }
    send(text: string): void {
        this.connection.send(text)
    }
    shutdown(): void {
        this.connection.shutdown()
    }
    close(): void {
        this.connection.close()
    }
    abort(): void {
        this.connection.abort()
    }
}

export class StackHost implements LabHost {
    readonly name: string
    /** Its stack. */
    readonly host: BuiltinHost

    constructor(
        private readonly wire: Wire,
        readonly ip: string,
        random: Random,
        onEvent: (event: StackEvent) => void
    ) {
        this.name = ip
        const { clock, link } = wire
        this.host = new BuiltinHost({
            clock,
            link,
            name: ip,
            ip,
            prefix: 24,
            mac: macFor(ip),
            random,
            onEvent,
        })
    }

    echo(port = 7): LabHost {
        if (port === 7) serveEcho(this.host, this.wire.clock)
        else {
            this.host.listen(port, {
                data: (connection, text) => connection.send(text),
                end: connection => connection.close(),
            })
        }
        return this
    }

    listen(port: number, serve: (connection: HostConnection) => void): LabHost {
        const known = new Map<StackConnection, Received>()
        const turn = (connection: StackConnection, text: string) => {
            const received = known.get(connection) ?? new Received(connection)
            known.set(connection, received)
            received.received += text
            serve(received)
        }
        this.host.listen(port, {
            accepted: connection => turn(connection, ""),
            data: turn,
            end: connection => turn(connection, ""),
        })
        return this
    }

    http(
        routes: { [path: string]: HttpReply } | ((request: HttpRequest) => HttpReply),
        port = 80
    ): readonly HttpRequest[] {
        const requests: HttpRequest[] = []
        const answered = new Set<HostConnection>()
        this.listen(port, connection => {
            if (answered.has(connection)) return
            const request = requestOf(connection.received)
            if (request === undefined) {
                if (connection.ended) connection.close()
                return
            }
            answered.add(connection)
            requests.push(request)
            connection.send(writeReply(replyOf(routes, request)))
            connection.close()
        })
        return requests
    }

    mqtt(port = 1883): Broker {
        const { clock } = this.wire
        const broker = new MqttBroker((ms, run) => clock.at(clock.now() + ms, run))
        const sessions = new Map<StackConnection, ReturnType<MqttBroker["open"]>>()
        this.host.listen(port, {
            accepted: connection => sessions.set(connection, broker.open(connection)),
            data: (connection, text) => sessions.get(connection)?.receive(text),
            end: connection => {
                sessions.get(connection)?.end()
                sessions.delete(connection)
                connection.close()
            },
        })
        return broker
    }

    async connect(ip: string, port: number): Promise<HostConnection> {
        const opened: { received?: Received } = {}
        const data = (_: StackConnection, text: string) => {
            if (opened.received !== undefined) opened.received.received += text
        }
        const connection = await this.wire.act(() => {
            const own = this.host.connect(ip, port, { data })
            opened.received = new Received(own)
            return opened.received
        })
        const done = () => connection.ended || connection.state === "ESTABLISHED"
        await this.wire.until(`the handshake with ${ip}:${port}`, done, PATIENCE)
        const { error } = connection
        // a reset after the handshake is the test's own business
        if (error !== undefined && error !== "ECONNRESET") {
            throw new Error(`${ip}:${port} did not take the connection: ${error}; ${this.wire.seen()}`)
        }
        return connection
    }

    async get(url: string, headers: { [name: string]: string } = {}): Promise<HttpAnswer> {
        return await this.request("GET", url, "", headers)
    }

    async request(
        method: string,
        url: string,
        body = "",
        headers: { [name: string]: string } = {}
    ): Promise<HttpAnswer> {
        const target = new URL(url)
        const port = target.port === "" ? 80 : Number(target.port)
        const connection = await this.connect(target.hostname, port)
        connection.send(writeRequest(method, target, body, headers))
        let answer: HttpAnswer | undefined
        const complete = () => {
            answer = answerOf(connection.received, connection.ended, method)
            return answer !== undefined || connection.ended
        }
        await this.wire.until(`the answer of ${url}`, complete, PATIENCE)
        connection.close()
        if (answer !== undefined) return answer
        const { error, received } = connection
        throw new Error(
            `${url} gave no answer: ${error ?? "the connection ended"} after ${received.length} bytes`
        )
    }

    off(): void {
        this.host.stop()
    }
}

function replyOf(
    routes: { [path: string]: HttpReply } | ((request: HttpRequest) => HttpReply),
    request: HttpRequest
): HttpReply {
    if (typeof routes === "function") return routes(request)
    const [path = ""] = request.path.split("?")
    return Object.hasOwn(routes, path) ? routes[path]! : { status: 404, body: toWire("no such page\n") }
}
