// The host at the other end of the built-in network: the same stack as the device's, run directly in this process.

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
    /** Dotted. */
    ip: string
    prefix: number
    /** With colons. */
    mac: string
    /** The secret behind sequence numbers and ports. */
    random: Random
    /** What happens in its stack, as it happens. */
    onEvent?: (event: StackEvent) => void
}

/** What a program does with a connection; each is called as the stack gets to it. */
export interface Handlers {
    /** Text came, as Latin-1. */
    data?: (connection: HostConnection, text: string) => void
    /** The other end will send no more. */
    end?: (connection: HostConnection) => void
}

const CONFIG = { connections: 16, halfOpen: 16, neighbours: 16, receiveBuffer: 2048, sendBuffer: 1024 }
const BACKLOG = 16

/** One connection of the peer. */
export class HostConnection {
    /** The other end sends no more, or the connection is over. */
    ended = false
    /** What ended it, as POSIX has it; undefined while nothing, or nothing bad, has. */
    error: string | undefined
    private output = ""
    /** What ends this side once all output is in the send ring. */
    private ending: typeof close | undefined

    constructor(
        private readonly peer: BuiltinHost,
        readonly id: number,
        private readonly handlers: Handlers
    ) {}

    /** As RFC 9293 names it. */
    get state(): string {
        return stateName(stateOf(this.peer.stack, this.id))
    }

    /** Queues Latin-1 text; it goes out as the send ring takes it. */
    send(text: string): void {
        this.output += text
        this.peer.poke()
    }

    /** Closes this end behind what is queued: what the other still sends can be read. */
    shutdown(): void {
        this.finish(shutdown)
    }

    /** Closes it for good, behind what is queued. */
    close(): void {
        this.finish(close)
    }

    private finish(call: typeof close): void {
        this.ending = call
        this.flush()
        this.peer.poke()
    }

    /** Ends it with a reset. */
    abort(): void {
        abort(this.peer.stack, this.id, this.peer.now())
        this.peer.poke()
    }

    /** Moves text between the rings and the program. False when the connection is over. */
    work(scratch: Buffer): boolean {
        this.flush()
        while (!this.ended) {
            const count = read(this.peer.stack, this.id, scratch, 0, scratch.length)
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
        if (stateOf(this.peer.stack, this.id) !== State.Closed) return true
        // one that failed keeps its record until it is closed
        close(this.peer.stack, this.id, this.peer.now())
        return false
    }

    private flush(): void {
        while (this.output !== "") {
            const bytes = fromLatin1(this.output)
            const count = write(this.peer.stack, this.id, bytes, 0, bytes.length)
            if (count < 0) this.output = ""
            if (count <= 0) break
            this.output = this.output.slice(count)
        }
        if (this.output !== "" || this.ending === undefined) return
        this.ending(this.peer.stack, this.id, this.peer.now())
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
    private readonly listeners = new Map<
        number,
        Handlers & { accepted?: (connection: HostConnection) => void }
    >()
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

    /** Whole milliseconds, as the stack counts them. */
    now(): number {
        return Math.floor(this.clock.now()) | 0
    }

    receive(frame: Uint8Array): void {
        const { stack } = this
        stack.rx.set(frame.subarray(0, stack.rx.length))
        receive(stack, frame.length, this.now())
        this.run()
    }

    /** Serves a port. Throws when it is taken. */
    listen(port: number, handlers: Handlers & { accepted?: (connection: HostConnection) => void }): void {
        const id = listen(this.stack, port, BACKLOG)
        if (id < 0) throw new Error(`the peer cannot listen on port ${port}: ${errorName(id)}`)
        this.listeners.set(id, handlers)
    }

    /** Opens a connection; its SYN goes out at once. Throws when the stack does not take it. */
    connect(ip: string, port: number, handlers: Handlers = {}): HostConnection {
        const id = connect(this.stack, ipv4Of(ip), port, 0, this.now())
        if (id < 0) throw new Error(`the peer cannot connect to ${ip}:${port}: ${errorName(id)}`)
        const connection = new HostConnection(this, id, handlers)
        this.connections.add(connection)
        this.poke()
        return connection
    }

    /** The program has given the stack something to do: it is looked at with the clock's next event. */
    poke(): void {
        this.wake.at(this.clock.now())
    }

    /** Unplugs it. */
    stop(): void {
        this.wake.cancel()
        this.port.detach()
    }

    /** Lets the programs work and sends what is due. */
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

/** Milliseconds between the end of what a client sends and the echo's own close, so that both can be told apart. */
const CLOSE_AFTER = 50

/** Echo (RFC 862), on port 7. */
export function serveEcho(peer: BuiltinHost, clock: Clock): void {
    peer.listen(7, {
        data: (connection, text) => connection.send(text),
        end: connection => void clock.at(clock.now() + CLOSE_AFTER, () => connection.close()),
    })
}
