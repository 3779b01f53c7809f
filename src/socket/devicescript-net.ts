// The backend of @devicescript/net: its connect, fetch, encryptedFetch and MQTT client, unmodified, over this stack.
//
// The package stands on three functions of the runtime, _socketOpen, _socketWrite and _socketClose, and on being told of events:
// open, data, close, error. None of these can wait, and the package queues all that comes, in a list without an end. So that a
// small heap lasts, this backend also reaches into each of its sockets once it is open: the list's place is taken by `Arrived`,
// which leaves what came in the receive ring until the program takes it (and so shuts the peer's window); and `send` returns
// when all is in the send ring.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { type Response, Socket } from "@devicescript/net"
import { abort, close, connect, errorOf, read, write } from "../tcp/calls"
import { errorName, State, Tcb, type TcpError } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import { resumed, type Worker } from "./driver-loop"
import { coded, explained, type NetError, netError, whyNot } from "./errors"
import type { NetworkInterface } from "./interface"

/** What the package uses of the runtime, and the other way round. */
interface Hooks {
    _socketOpen(host: string, port: number): number
    _socketWrite(data: Buffer | string): number
    _socketClose(): number
    _socketOnEvent(event: string, data?: Buffer | string): void
}

/** What is reached for in the package's sockets, and put there. */
interface PackageSocket {
    name: string
    buffers: Arrived
    lastError: NetError | undefined
    closed: boolean | undefined
    send(data: Buffer | string): Promise<void>
    packageSend(data: Buffer | string): Promise<void>
    recv(timeout?: number): Promise<Buffer | undefined | null>
    packageRecv(timeout?: number): Promise<Buffer | undefined | null>
    readonly onclose: ds.Emitter<unknown>
    readonly onerror: ds.Emitter<Error>
    readonly onmessage: Messages
}

type Handler = () => Promise<void>

/** An emitter of the package. */
interface Messages {
    subscribe(handler: Handler): ds.Unsubscribe
    packageSubscribe(handler: Handler): ds.Unsubscribe
}

interface PackageClass {
    _connect(options: unknown): Promise<PackageSocket>
    packageConnect(options: unknown): Promise<PackageSocket>
}

const enum Stage {
    /** Nothing, or what was is over and told. */
    None = 0,
    /** Waiting for an address, for a name, for the handshake. */
    Opening = 1,
    /** Open was told; the package has yet to hand its socket out. */
    Opened = 2,
    Open = 3,
}

const enum Code {
    /** What the runtime's own _socketWrite gives without a connection. */
    NoSocket = -100,
    /** Sends that wait for room in the ring: of so many fibers at once. */
    Waiting = 8,
    TooMany = -102,
}

const enum Limit {
    /**
     * Bytes that recv gives at most. The package's MQTT client calls itself for each further message in a piece and keeps a
     * copy of the rest each time: 1,024 bytes of small messages exhaust the heap.
     */
    Piece = 256,
    /** Milliseconds that an address and a name may take: longer than anybody waits. */
    Open = 600000,
    /** And that the first of several addresses may take to answer, before the next is tried. The package waits three times as long. */
    Answer = 10000,
    /** Bytes of an answer to fetch, and for how many more a line of it counts. */
    Fetch = 3072,
    Line = 32,
    /** Of what is no such answer. */
    None = 0x7fffffff,
}

/**
 * Routes @devicescript/net through this network from now on. To be called once. docs/programs.md says what of the package's behaviour is
 * matched and what is not. An answer to the package's fetch ends with EMSGSIZE when head and body are longer than `most` bytes, 3,072
 * unless given: the package keeps all of it, several times over, and a heap that a server has exhausted cannot be caught.
 */
export function useForNet(net: NetworkInterface, most: number = Limit.Fetch): void {
    const backend = new Backend(net, most)
    current = backend
    const hooks = ds as unknown as Hooks
    hooks._socketOpen = (host, port) => backend.open(host, port)
    hooks._socketWrite = data => backend.queue(data)
    hooks._socketClose = () => backend.close()
    const sockets = Socket as unknown as PackageClass
    // a method that is read is bound to its object on the VM; under Node it is when it is called as that object's
    sockets.packageConnect = sockets._connect
    sockets._connect = async options => await connected(backend, sockets, options)
    net.add(backend)
}

let current: Backend | undefined

/** Gives the socket of a response of the package's fetch: `recv` has its body, of any length, until it gives `null`. */
export function bodyOf(response: Response): Socket {
    if (current) current.left = Limit.None
    return (response as unknown as { socket: Socket }).socket
}

/** What jsonOf takes of a document: docs/programs.md says what it was measured against. */
const enum Json {
    Depth = 16,
    /** Objects and arrays. */
    Containers = 64,
    /** Commas and colons outside of strings: every value but a container's first has one. */
    Values = 256,
    /** Bytes looked at in one go: the VM ends a program that goes on for 131,072 operations. */
    Piece = 512,
}

const enum Letter {
    Quote = 0x22,
    Comma = 0x2c,
    Colon = 0x3a,
    OpenBracket = 0x5b,
    Backslash = 0x5c,
    CloseBracket = 0x5d,
    OpenBrace = 0x7b,
    CloseBrace = 0x7d,
}

/**
 * Gives the document that a response of the package's fetch brings, as its `json` does, but a server cannot end the program by it: throws a
 * NetError EMSGSIZE for one that is deeper than 16, or has more than 64 objects and arrays or 256 commas and colons, before it is parsed.
 */
export async function jsonOf(response: Response): Promise<unknown> {
    const bytes = await response.buffer()
    let depth = 0
    let containers = 0
    let values = 0
    let quoted = false
    for (let at = 0; at < bytes.length; ) {
        const end = Math.min(at + Json.Piece, bytes.length)
        for (; at < end; at++) {
            const letter = bytes.getAt(at, "u8")
            if (letter === Letter.Quote) quoted = !quoted
            else if (quoted) {
                if (letter === Letter.Backslash) at++
            } else if (letter === Letter.OpenBracket || letter === Letter.OpenBrace) {
                containers++
                if (++depth > Json.Depth) values = Json.Values + 1
            } else if (letter === Letter.CloseBracket || letter === Letter.CloseBrace) depth--
            else if (letter === Letter.Comma || letter === Letter.Colon) values++
        }
        if (containers > Json.Containers || values > Json.Values) {
            throw netError(
                "json: ",
                "EMSGSIZE, the document has more in it than the heap may hold: ask for less"
            )
        }
        await ds.sleep(1)
    }
    return JSON.parse(bytes.toString("utf-8"))
}

/** The package's connect; what it gave up, as its time was over, is not left to the stack. */
async function connected(backend: Backend, sockets: PackageClass, options: unknown): Promise<PackageSocket> {
    const attempt = backend.attempt + 1
    try {
        const socket = await sockets.packageConnect(options)
        backend.adopt(socket)
        // only the MQTT client has one
        if ((options as { clientId?: string }).clientId) guard(backend, socket)
        return socket
    } catch (error) {
        if (backend.attempt === attempt) backend.close()
        const { message } = error as Error
        // the package's own, or `socket NAME: CODE, SENTENCE`
        const why = message.slice(message.indexOf(": ") + 2, message.length)
        throw coded(
            error as Error,
            why === "Timeout" ? "ETIMEDOUT" : why === "terminated" ? "ECONNABORTED" : why
        )
    }
}

/** From now on `socket.send` is the backend's, and `recv` lets other fibers run. */
function route(backend: Backend, socket: PackageSocket): void {
    socket.packageSend = socket.send
    socket.send = async data => await backend.send(socket, data)
    socket.packageRecv = socket.recv
    socket.recv = async timeout => {
        await backend.net.breathe()
        return await socket.packageRecv(timeout)
    }
}

/**
 * The MQTT client sends and takes messages in fibers that catch nothing, its pings' for one: what fails there ends the connection, and not
 * the program. The client goes by `onclose`, and connects again.
 */
function guard(backend: Backend, socket: PackageSocket): void {
    const { onmessage } = socket
    socket.send = async data => {
        await guarded(backend, socket, async () => await backend.send(socket, data))
    }
    onmessage.packageSubscribe = onmessage.subscribe
    onmessage.subscribe = handler =>
        onmessage.packageSubscribe(async () => await guarded(backend, socket, handler))
}

async function guarded(backend: Backend, socket: PackageSocket, what: Handler): Promise<void> {
    try {
        await what()
    } catch (error) {
        // an end has been told, unless it is what the broker sent that cannot be read
        if (!socket.closed) backend.fail((error as Error).message)
    }
}

/** Stands in the place of a package socket's list of buffers: shift takes from the receive ring, and the next message is told then. */
class Arrived {
    /** 1 when there is something to take. */
    length = 0
    /** What readLine took too much of. */
    private rest: Buffer | undefined

    constructor(private readonly backend: Backend) {}

    push(_data: Buffer): void {
        this.length = 1
    }

    unshift(rest: Buffer): void {
        // a line of a head becomes objects, however short it is
        if (this.backend.left < Limit.None) this.backend.left -= Limit.Line
        this.rest = rest
        this.length = 1
    }

    /** The connection is no longer the package's. */
    end(): void {
        this.rest = undefined
        this.length = 0
    }

    shift(): Buffer {
        const rest = this.rest
        this.rest = undefined
        const bytes = rest || this.backend.take()
        this.length = 0
        // it sets the length
        if (this.backend.unread() > 0) this.backend.tell("data")
        // the end, if this was the last, can be told now
        else this.backend.net.poke()
        return bytes
    }
}

/** The one connection that the package has at a time. */
class Backend implements Worker {
    /** Counts attempts to connect: whoever waits for something finds out if it is still about the same. */
    attempt = 0
    private stage = Stage.None
    /** The addresses that are yet to be tried, and the port there; since when the last one has been. */
    private ips: number[] = []
    private port = 0
    private since = 0
    private id = 0
    private at = 0
    private socket: PackageSocket | undefined
    /** What is being sent, by reference: buffers or text, and how much of the first is in the ring. */
    private readonly sends: Buffer[] = []
    private sent = 0
    /** How many sends there were, and how many of them are done. */
    private begun = 0
    private done = 0
    private readonly waits: ds.Fiber[] = []
    /** Bytes that may still come. */
    left = Limit.None

    constructor(
        readonly net: NetworkInterface,
        private readonly most: number
    ) {}

    open(host: string, port: number): number {
        const { socket } = this
        // the package has just said "terminated", and does not tell its end
        if (socket?.lastError) {
            coded(socket.lastError, "ECONNABORTED")
            socket.onclose.emit(undefined)
        }
        this.close()
        this.stage = Stage.Opening
        opening.start(this, this.attempt, host, port)
        return 0
    }

    close(): number {
        const had = this.stage !== Stage.None
        this.release()
        return had ? 0 : -1
    }

    /** Lets go of the connection: what was sent is delivered; what is unread is lost. */
    private release(): void {
        this.attempt++
        this.left = Limit.None
        this.stage = Stage.None
        if (this.socket) this.socket.buffers.end()
        this.socket = undefined
        if (this.id > 0) close(this.net.stack, this.id, this.net.now())
        this.id = 0
        this.forget()
        this.wake()
        this.net.flush()
    }

    queue(data: Buffer | string): number {
        if (this.stage < Stage.Opened) return Code.NoSocket
        if (this.sends.length >= Code.Waiting) return Code.TooMany
        // text of ASCII letters goes to the ring as it is: blitAt takes strings too
        const plain = typeof data !== "string" || data.length === data.byteLength
        this.sends.push((plain ? data : Buffer.from(data)) as Buffer)
        this.begun++
        const error = this.fill()
        return Math.min(error, 0)
    }

    /** Moves what is being sent to the ring as far as there is room. Gives an error, or 0. */
    private fill(): number {
        const { net, sends } = this
        while (sends.length > 0) {
            const first = sends[0] as Buffer
            const n = write(net.stack, this.id, first, this.sent, first.length - this.sent)
            if (n < 0) {
                this.forget()
                return n
            }
            this.sent += n
            net.flush()
            if (this.sent < first.length) return 0
            this.sent = 0
            sends.insert(0, -1)
            this.done++
        }
        return 0
    }

    /** What is not in the ring will not be sent. */
    private forget(): void {
        this.sends.insert(0, -this.sends.length)
        this.sent = 0
        this.begun = this.done
    }

    /** `connect` is about to give its socket to the program. */
    adopt(socket: PackageSocket): void {
        if (this.stage !== Stage.Opened) return
        this.stage = Stage.Open
        this.socket = socket
        socket.buffers = new Arrived(this)
        route(this, socket)
        this.net.poke()
    }

    /** The package's send, which cannot wait; then waits until all of it is in the ring. */
    async send(socket: PackageSocket, data: Buffer | string): Promise<void> {
        await this.net.breathe()
        // so the package's fetch begins, and nothing else does
        if (typeof data === "string" && data.indexOf("\r\nconnection: close\r\n") > 0) this.left = this.most
        try {
            await socket.packageSend(data)
        } catch (error) {
            throw coded(error as Error, "ENOTCONN")
        }
        const mine = this.begun
        while (this.socket === socket && this.done < mine) {
            this.waits.push(ds.Fiber.self())
            await ds.suspend()
        }
        if (this.done >= mine) return
        throw socket.lastError || netError(`socket ${socket.name}: `, "ENOTCONN")
    }

    private wake(): void {
        for (const fiber of this.waits) resumed(fiber)
        this.waits.insert(0, -this.waits.length)
    }

    unread(): number {
        const conns = this.net.stack.conns
        if (this.id === 0 || conns.getAt(this.at + Tcb.Id, "u16") !== this.id) return 0
        return conns.getAt(this.at + Tcb.ReceiveLength, "u16")
    }

    take(): Buffer {
        const unread = this.unread()
        const bytes = Buffer.alloc(Math.min(unread, Limit.Piece))
        if (this.left < Limit.None && this.socket) {
            this.left -= bytes.length
            if (this.left < 0) {
                const { name } = this.socket
                this.close()
                throw netError(
                    `socket ${name}: `,
                    "EMSGSIZE, the answer is longer than fetch can hold: see bodyOf"
                )
            }
        }
        read(this.net.stack, this.id, bytes, 0, bytes.length)
        this.net.flush()
        return bytes
    }

    /** Tries the first of these addresses. */
    begin(ips: number[], port: number): void {
        this.ips = ips
        this.port = port
        this.next(this.net.now())
    }

    /** The handshake begins, at the next address. */
    private next(now: number): void {
        const { stack } = this.net
        if (this.id > 0) abort(stack, this.id, now)
        const id = connect(stack, this.ips[0] as number, this.port, 0, now)
        this.ips.insert(0, -1)
        this.since = now
        this.id = Math.max(id, 0)
        if (id < 0) this.fail(errorName(id))
        else {
            this.at = findConnection(stack, id)
            this.net.flush()
        }
    }

    work(now: number): void {
        if (this.id === 0) return
        const conns = this.net.stack.conns
        const there = conns.getAt(this.at + Tcb.Id, "u16") === this.id
        const state = there ? conns.getAt(this.at + Tcb.State, "u8") : State.Closed
        if (this.stage === Stage.Opening) this.look(state, now)
        else if (this.stage === Stage.Open) this.move(state)
    }

    /** What becomes of the handshake. */
    private look(state: State, now: number): void {
        const trying = state === State.SynSent || state === State.SynReceived
        const late = ((now - this.since) | 0) >= Limit.Answer
        if (this.ips.length > 0 && (trying ? late : state === State.Closed)) {
            this.next(now)
            return
        }
        if (trying) return
        if (state === State.Closed) {
            this.failWith(errorOf(this.net.stack, this.id))
            return
        }
        this.stage = Stage.Opened
        this.tell("open")
    }

    /** Sends what waits, and tells of what came; of an end only once all before it is taken. */
    private move(state: State): void {
        const done = this.done
        if (state !== State.Closed) this.fill()
        if (this.done !== done) this.wake()
        if (this.socket && this.socket.buffers.length > 0) return
        if (this.unread() > 0) {
            this.tell("data")
            return
        }
        const error = errorOf(this.net.stack, this.id)
        if (error < 0) this.failWith(error)
        // CLOSE-WAIT and all that follow have the peer's FIN; it may go on reading
        else if (state === State.Closed || (state >= State.CloseWait && this.sends.length === 0)) {
            this.release()
            this.tell("close")
        }
    }

    private failWith(error: TcpError): void {
        const { stack } = this.net
        this.fail(explained(whyNot(stack, error, stack.conns.getAt(this.at + Tcb.RemoteIp, "i32"))))
    }

    /** It is over, and that is the reason: a code, a comma and a sentence. */
    fail(why: string): void {
        const { socket } = this
        this.release()
        this.tell("error", why)
        if (socket?.lastError) {
            coded(socket.lastError, why)
            // the MQTT client goes by its end, and never looks at an error
            socket.onclose.emit(undefined)
        }
    }

    tell(event: string, data?: string): void {
        const hooks = ds as unknown as Hooks
        hooks._socketOnEvent(event, data)
    }
}

/** The way to a handshake, which may have to wait for the network and for a name. */
async function opening(backend: Backend, attempt: number, host: string, port: number): Promise<void> {
    const { net } = backend
    let ips: number[] = []
    let problem = ""
    if (port < 0) problem = 'EPROTONOSUPPORT, there is no TLS over this network: use proto "tcp"'
    else {
        try {
            ips = await net.findAll(host, ds.millis() + Limit.Open, "")
        } catch (error) {
            problem = (error as Error).message
        }
    }
    if (backend.attempt !== attempt) return
    if (problem === "") backend.begin(ips, port)
    else backend.fail(problem)
}
