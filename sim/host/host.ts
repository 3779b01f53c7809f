// A host inside this process that runs the same stack as a device, without a chip: the server of the built-in link.

import { Buffer } from "@devicescript/core"
import { ipv4Of, macOf, netmaskOf } from "../../src/net/address"
import { receive } from "../../src/net/receive"
import { Stack, setAddress } from "../../src/net/stack"
import { deadline, Never, transmit } from "../../src/net/transmit"
import { abort, accept, close, connect, listen, read, shutdown, stateOf, write } from "../../src/tcp/calls"
import { Config, configure } from "../../src/tcp/config"
import { errorName, State, stateName, TcpError } from "../../src/tcp/records"
import { decodeEvents, type StackEvent } from "../device/events"
import type { Link, Port, Station } from "../link/port"
import type { Clock } from "../time/clock"
import type { Random } from "../time/random"
import { Wake } from "../time/wake"

export interface BuiltinHostOptions {
    clock: Clock
    link: Link
    name: string
    /** The host's address, dotted. */
    ip: string
    prefix: number
    /** The host's Ethernet address, with colons. */
    mac: string
    /** Generates the secret from which the stack derives sequence numbers and ports. */
    random: Random
    /** Receives each event of the host's stack as it happens. */
    onEvent?: (event: StackEvent) => void
}

/** The callbacks of a program for its connections. */
interface Handlers {
    /** Receives data, as Latin-1. */
    data?: (connection: HostConnection, text: string) => void
    /** Called when the peer will send no more. */
    end?: (connection: HostConnection) => void
}

/** The callbacks of a program that listens. */
interface ListenHandlers extends Handlers {
    accepted?: (connection: HostConnection) => void
}

const CONFIG = { connections: 16, halfOpen: 16, neighbours: 16, receiveBuffer: 2048, sendBuffer: 1024 }
const BACKLOG = 16

/** One connection of a BuiltinHost. */
export class HostConnection {
    /** True when the peer sends no more, or the connection has ended. */
    ended = false
    /** The POSIX name of the error that ended the connection; undefined if no error did. */
    error: string | undefined
    private output = ""
    /** The call to make once all output is in the send ring. */
    private ending: typeof close | undefined

    constructor(
        private readonly host: BuiltinHost,
        readonly id: number,
        private readonly handlers: Handlers
    ) {}

    /** The state by its name in RFC 9293. */
    get state(): string {
        return stateName(stateOf(this.host.stack, this.id))
    }

    /** Queues Latin-1 text, which is sent as the send ring has room for it. */
    send(text: string): void {
        this.output += text
        this.host.poke()
    }

    /** Closes the sending direction after the queued text; data from the peer can still be read. */
    shutdown(): void {
        this.finish(shutdown)
    }

    /** Closes the connection after the queued text. */
    close(): void {
        this.finish(close)
    }

    private finish(call: typeof close): void {
        this.ending = call
        this.flush()
        this.host.poke()
    }

    /** Ends the connection with a reset. */
    abort(): void {
        abort(this.host.stack, this.id, this.host.now())
        this.host.poke()
    }

    /** Moves data between the stack's rings and the program; returns false when the connection has ended. */
    work(scratch: Buffer): boolean {
        this.flush()
        while (!this.ended) {
            const count = read(this.host.stack, this.id, scratch, 0, scratch.length)
            if (count === 0) break
            if (count < 0) {
                this.ended = true
                if (count !== TcpError.Eof) this.error = errorName(count)
                this.handlers.end?.(this)
                break
            }
            this.handlers.data?.(this, latin1(scratch, count))
        }
        this.flush()
        if (stateOf(this.host.stack, this.id) !== State.Closed) return true
        // the stack keeps the record of a failed connection until the program closes it
        close(this.host.stack, this.id, this.host.now())
        return false
    }

    private flush(): void {
        while (this.output !== "") {
            const bytes = fromLatin1(this.output)
            const count = write(this.host.stack, this.id, bytes, 0, bytes.length)
            if (count < 0) this.output = ""
            if (count <= 0) break
            this.output = this.output.slice(count)
        }
        if (this.output !== "" || this.ending === undefined) return
        this.ending(this.host.stack, this.id, this.host.now())
        this.ending = undefined
    }
}

/** A host that serves and connects, driven by the clock. */
export class BuiltinHost implements Station {
    readonly name: string
    readonly ip: string
    readonly stack: Stack
    private readonly clock: Clock
    private readonly port: Port
    private readonly scratch = Buffer.alloc(1024)
    private readonly listeners = new Map<number, ListenHandlers>()
    private readonly connections = new Set<HostConnection>()
    private readonly wake: Wake

    constructor({ clock, link, name, ip, prefix, mac, random, onEvent }: BuiltinHostOptions) {
        this.name = name
        this.ip = ip
        this.clock = clock
        this.wake = new Wake(clock, () => this.run())
        const config = new Config()
        configure(config, CONFIG)
        const address = macOf(mac)
        if (address === undefined) throw new Error(`${mac} is not an Ethernet address`)
        this.stack = new Stack(config, address)
        random.fill(this.stack.hashInput.subarray(0, 16))
        setAddress(this.stack, ipv4Of(ip), netmaskOf(prefix), 0)
        this.stack.events.tell = record => {
            for (const event of decodeEvents(record)) onEvent?.(event)
        }
        this.port = link.attach(this)
    }

    /** Returns the clock's time in whole milliseconds, for the stack. */
    now(): number {
        return Math.floor(this.clock.now()) | 0
    }

    receive(frame: Uint8Array): void {
        const { stack } = this
        stack.rx.set(frame.subarray(0, stack.rx.length))
        receive(stack, frame.length, this.now())
        this.run()
    }

    /** Listens on a port. Throws when the stack refuses it, such as for a port in use. */
    listen(port: number, handlers: ListenHandlers): void {
        this.listeners.set(this.listener(port, BACKLOG), handlers)
    }

    /** Returns true when the host does not listen on a port. */
    isFree(port: number): boolean {
        const id = listen(this.stack, port, BACKLOG)
        if (id < 0) return false
        close(this.stack, id, this.now())
        return true
    }

    /** Listens on a port, but accepts no connection: `backlog` of them wait. */
    hold(port: number, backlog: number): void {
        this.listener(port, backlog)
    }

    private listener(port: number, backlog: number): number {
        const id = listen(this.stack, port, backlog)
        if (id < 0) throw new Error(`host ${this.name} cannot listen on port ${port}: ${errorName(id)}`)
        return id
    }

    /** Opens a connection; its SYN is sent with the clock's next event. Throws when the stack refuses it. */
    connect(ip: string, port: number, handlers: Handlers = {}): HostConnection {
        const id = connect(this.stack, ipv4Of(ip), port, 0, this.now())
        if (id < 0) throw new Error(`host ${this.name} cannot connect to ${ip}:${port}: ${errorName(id)}`)
        const connection = new HostConnection(this, id, handlers)
        this.connections.add(connection)
        this.poke()
        return connection
    }

    /** Runs the stack with the clock's next event, because a program has given it work. */
    poke(): void {
        this.wake.at(this.clock.now())
    }

    /** Stops the host and unplugs it. */
    stop(): void {
        this.wake.cancel()
        this.port.detach()
    }

    /** Runs the programs and sends all frames that are due. */
    private run(): void {
        const { stack } = this
        this.accept()
        for (const connection of this.connections) {
            if (!connection.work(this.scratch)) this.connections.delete(connection)
        }
        const now = this.now()
        for (let length = transmit(stack, now); length > 0; length = transmit(stack, now)) {
            this.port.send(stack.tx.subarray(0, length))
        }
        const wait = deadline(stack, now)
        if (wait !== Never.Ms) this.wake.at(now + wait)
    }

    private accept(): void {
        for (const [listener, handlers] of this.listeners) {
            for (let id = accept(this.stack, listener); id > 0; id = accept(this.stack, listener)) {
                const connection = new HostConnection(this, id, handlers)
                this.connections.add(connection)
                handlers.accepted?.(connection)
            }
        }
    }
}

function latin1(bytes: Uint8Array, count: number): string {
    let text = ""
    for (let i = 0; i < count; i++) text += String.fromCharCode(bytes[i]!)
    return text
}

function fromLatin1(text: string): Buffer {
    const bytes = Buffer.alloc(Math.min(text.length, 4096))
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
    return bytes
}

/** The time after which the echo service closes when its client has closed, ms: a reader sees the two FINs apart. */
const CLOSE_AFTER = 50

/** Serves echo (RFC 862) on port 7 of a host. */
export function serveEcho(host: BuiltinHost, clock: Clock): void {
    host.listen(7, {
        data: (connection, text) => connection.send(text),
        end: connection => void clock.at(clock.now() + CLOSE_AFTER, () => connection.close()),
    })
}
