// The backend of @devicescript/net: runs its connect, fetch, encryptedFetch and MQTT client, unmodified, over this stack.
//
// The package calls three functions of the runtime, _socketOpen, _socketWrite and _socketClose, and receives events: open, data,
// close, error. None of these functions can wait, and the package queues all received data in a list without a limit. To spare
// the heap, this backend also changes each of the package's sockets once it is open: `Arrived` replaces the list and leaves
// received data in the receive ring until the program reads it (which closes the peer's window meanwhile); and `send` returns
// only when all data is in the send ring.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { type Response, Socket } from "@devicescript/net"
import { type NetError, netError, withCode, withSentence } from "../base/errors"
import { abort, close, connect, errorOf, read, write } from "../tcp/calls"
import type { Connection } from "../tcp/context"
import { errorName, State, Tcb, type TcpError } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import { resumed, type Worker } from "./driver-loop"
import { failureReason } from "./failure-reason"
import type { NetworkInterface } from "./interface"

/** The functions of the runtime that the package calls, and the one that the runtime calls. */
interface Hooks {
    _socketOpen(host: string, port: number): number
    _socketWrite(data: Buffer | string): number
    _socketClose(): number
    _socketOnEvent(event: string, data?: Buffer | string): void
}

/** The members of the package's sockets that this backend uses or replaces. */
interface PackageSocket {
    name: string
    buffers: Arrived
    lastError: NetError | undefined
    closed: boolean | undefined
    send(data: Buffer | string): Promise<void>
    packageSend(data: Buffer | string): Promise<void>
    readLine(): Promise<string | null>
    packageReadLine(): Promise<string | null>
    /** True once a request of the package's fetch was sent. */
    asks: boolean | undefined
    recv(timeout?: number): Promise<Buffer | undefined | null>
    packageRecv(timeout?: number): Promise<Buffer | undefined | null>
    readonly onclose: ds.Emitter<unknown>
    readonly onerror: Errors
    readonly onmessage: Messages
}

type Handler = () => Promise<void>

/** Emitters of the package. */
interface Errors {
    emit(error: Error): void
    packageEmit(error: Error): void
}

interface Messages {
    subscribe(handler: Handler): ds.Unsubscribe
    packageSubscribe(handler: Handler): ds.Unsubscribe
}

interface PackageClass {
    _connect(options: unknown): Promise<PackageSocket>
    packageConnect(options: unknown): Promise<PackageSocket>
}

const enum Stage {
    /** The backend has no connection, or its end was reported. */
    None = 0,
    /** The backend waits for an address, for a name, or for the handshake. */
    Opening = 1,
    /** "open" was reported; the package has yet to hand its socket to the program. */
    Opened = 2,
    Open = 3,
}

const enum Code {
    /** What the runtime's own _socketWrite returns when it has no connection. */
    NoSocket = -100,
    /** Number of sends that may wait for room in the ring, each in a fiber of its own. */
    Waiting = 8,
    TooMany = -102,
}

const enum Limit {
    /**
     * The most bytes that recv returns. The package's MQTT client calls itself for each further message in a piece and copies the
     * rest each time: 1,024 bytes of small messages exhaust the heap.
     */
    Piece = 256,
    /** Milliseconds to wait for an address and a name: longer than any caller waits. */
    Open = 600000,
    /** Milliseconds in which one of several addresses has to answer before the next is tried. The package waits three times as long. */
    Answer = 10000,
    /** Bytes of an answer to fetch, and the bytes that each line of its head counts in addition. */
    Fetch = 3072,
    Line = 32,
    /** No limit: the connection does not belong to fetch. */
    None = 0x7fffffff,
}

/**
 * Routes `connect`, `fetch` and the MQTT client of @devicescript/net through this network from now on. Call it once.
 * docs/programs.md says which behaviour of the package is kept and what differs. An answer to `fetch` ends with EMSGSIZE when
 * head and body are longer than `most` bytes, 3,072 by default: the package keeps the whole answer, several times over, and a
 * program cannot catch an exhausted heap.
 */
export function useForNet(net: NetworkInterface, most: number = Limit.Fetch): void {
    const backend = new Backend(net, most)
    current = backend
    const hooks = ds as unknown as Hooks
    hooks._socketOpen = (host, port) => backend.open(host, port)
    hooks._socketWrite = data => backend.queue(data)
    hooks._socketClose = () => backend.close()
    const sockets = Socket as unknown as PackageClass
    // on the VM, reading a method binds it to its object; under Node, calling it as the object's method does
    sockets.packageConnect = sockets._connect
    sockets._connect = async options => await connected(backend, sockets, options)
    net.add(backend)
}

let current: Backend | undefined

/** Returns the socket of a response of the package's `fetch`. Its `recv` returns the body, of any length, and `null` at the end. */
export function bodyOf(response: Response): Socket {
    if (current) current.left = Limit.None
    return (response as unknown as { socket: Socket }).socket
}

/**
 * Returns an error of the package's MQTT client (its `onerror`) with a code. Errors of the connection have one; what the client finds
 * wrong with the broker gets EACCES (the broker refuses the client), ENOTCONN (the client connects again) or EPROTO.
 */
export function mqttError(error: Error): NetError {
    const it = error as NetError
    if (it.code) return it
    const { message } = error
    return netError(
        "mqtt: ",
        message.startsWith("Connection refused, ")
            ? `EACCES, the broker refuses the client (${message.slice(20, message.length - 1)}): check its user name, password and clientId`
            : message.startsWith("No connection")
              ? "ENOTCONN, there is no connection to the broker: the client connects again"
              : `EPROTO, the client cannot read what the broker sent (${message})`
    )
}

/** Why a socket ends when the program connects again. */
const REPLACED = "ECONNABORTED, a newer connect has ended this one: @devicescript/net has one socket"

/** Calls the package's connect. When the package gives up after its timeout, ends the attempt in the stack, too. */
async function connected(backend: Backend, sockets: PackageClass, options: unknown): Promise<PackageSocket> {
    const attempt = backend.attempt + 1
    try {
        const socket = await sockets.packageConnect(options)
        backend.adopt(socket)
        // only the MQTT client sets a clientId
        if ((options as { clientId?: string }).clientId) guard(backend, socket)
        return socket
    } catch (error) {
        if (backend.attempt === attempt) backend.close()
        // the message is `socket NAME: ` and a reason: one of the package's own, or `CODE, SENTENCE`
        const { message } = error as Error
        const at = message.indexOf(": ") + 2
        const why = message.slice(at, message.length)
        throw netError(
            message.slice(0, at),
            why === "Timeout" ? "ETIMEDOUT" : why === "terminated" ? REPLACED : why
        )
    }
}

/** Replaces a socket's `send` with the backend's, and makes `recv` let other fibers run. */
function route(backend: Backend, socket: PackageSocket): void {
    socket.packageSend = socket.send
    socket.send = async data => await backend.send(socket, data)
    socket.packageRecv = socket.recv
    socket.recv = async timeout => {
        await backend.net.breathe()
        return await socket.packageRecv(timeout)
    }
    socket.packageReadLine = socket.readLine
    socket.readLine = async () => {
        const line = await socket.packageReadLine()
        // the package's fetch takes each line of a head to be there
        if (line === null && socket.asks)
            throw netError(
                `socket ${socket.name}: `,
                "EPROTO, the server's answer ends within its head: ask again"
            )
        return line
    }
    const { onerror } = socket
    onerror.packageEmit = onerror.emit
    onerror.emit = error => onerror.packageEmit(withCode(error, error.message))
}

/**
 * Guards the MQTT client's fibers, which catch nothing (its pings, for example): an error there ends the connection, not the program. The
 * client then sees `onclose` and connects again.
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
        // the end of a connection was already reported, but an unreadable message from the broker was not
        if (socket.closed) return
        const { code, message } = error as NetError
        backend.fail(
            code
                ? message.slice(message.indexOf(code))
                : `EPROTO, a message of the broker, or its handler, has failed: ${message}`
        )
    }
}

/** Replaces the list of buffers of a package's socket: `shift` takes data from the receive ring and reports the rest as a message. */
class Arrived {
    /** 1 when data can be read. */
    length = 0
    /** Bytes that the package's readLine has put back. */
    private rest: Buffer | undefined

    constructor(private readonly backend: Backend) {}

    push(_data: Buffer): void {
        this.length = 1
    }

    unshift(rest: Buffer): void {
        // each line of a head becomes objects, however short it is
        if (this.backend.left < Limit.None) this.backend.left -= Limit.Line
        this.rest = rest
        this.length = 1
    }

    /** Drops the bytes that were put back, because the socket has lost its connection. */
    end(): void {
        this.rest = undefined
        this.length = 0
    }

    shift(): Buffer {
        const rest = this.rest
        this.rest = undefined
        const bytes = rest || this.backend.take()
        this.length = 0
        // "data" calls `push`, which sets the length
        if (this.backend.unread() > 0) this.backend.tell("data")
        // if this was the last data, the connection's end can be reported now
        else this.backend.net.poke()
        return bytes
    }
}

/** The package's one connection. */
class Backend implements Worker {
    /**
     * Number of attempts to connect. A fiber that has waited compares the number to find out whether its attempt is still
     * current.
     */
    attempt = 0
    private stage = Stage.None
    /** Addresses that were not tried yet, their port, and the time at which the current attempt began. */
    private ips: number[] = []
    private port = 0
    private since = 0
    private id = 0
    private at!: Connection
    private socket: PackageSocket | undefined
    /** Buffers or strings that are being sent, by reference, and how many bytes of the first are in the ring. */
    private readonly sends: Buffer[] = []
    private sent = 0
    /** Why a send is refused: the package knows only that it is. */
    private refusal = ""
    /** How many sends have begun, and how many are done. */
    private begun = 0
    private done = 0
    private readonly waits: ds.Fiber[] = []
    /** Bytes of the answer that may still arrive. */
    left = Limit.None

    constructor(
        readonly net: NetworkInterface,
        private readonly most: number
    ) {}

    open(host: string, port: number): number {
        const { socket } = this
        // the package has just set the error "terminated", and does not emit onclose
        if (socket?.lastError) {
            socket.lastError = netError(`socket ${socket.name}: `, REPLACED)
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

    /** Closes the connection on our side: sent data is delivered, unread data is lost. */
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
        if (this.sends.length >= Code.Waiting) {
            this.refusal = "ENOBUFS"
            return Code.TooMany
        }
        // a string of ASCII letters goes to the ring as it is, as blitAt takes strings, too
        const plain = typeof data !== "string" || data.length === data.byteLength
        this.sends.push((plain ? data : Buffer.from(data)) as Buffer)
        this.begun++
        const error = this.fill()
        return Math.min(error, 0)
    }

    /** Moves data that is being sent to the ring, as far as it has room. Returns an error, or 0. */
    private fill(): number {
        const { net, sends } = this
        while (sends.length > 0) {
            const first = sends[0] as Buffer
            const n = write(net.stack, this.id, first, this.sent, first.length - this.sent)
            if (n < 0) {
                this.forget()
                this.refusal = errorName(n)
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

    /** Drops data that is not in the ring yet. */
    private forget(): void {
        this.sends.insert(0, -this.sends.length)
        this.sent = 0
        this.begun = this.done
    }

    /** Takes over the socket that `connect` is about to return to the program. */
    adopt(socket: PackageSocket): void {
        if (this.stage !== Stage.Opened) return
        this.stage = Stage.Open
        this.socket = socket
        socket.buffers = new Arrived(this)
        route(this, socket)
        this.net.poke()
    }

    /** Calls the package's send, which cannot wait, and then waits until all data is in the ring. */
    async send(socket: PackageSocket, data: Buffer | string): Promise<void> {
        await this.net.breathe()
        // only a request of the package's fetch has this line
        if (typeof data === "string" && data.indexOf("\r\nconnection: close\r\n") > 0) {
            this.left = this.most
            socket.asks = true
        }
        this.refusal = "ENOTCONN"
        try {
            await socket.packageSend(data)
        } catch {
            throw socket.lastError || netError(`socket ${socket.name}: `, this.refusal)
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
        if (this.id === 0 || this.at.getAt(Tcb.Id, "u16") !== this.id) return 0
        return this.at.getAt(Tcb.ReceiveLength, "u16")
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
                    "EMSGSIZE, the answer is longer than fetch can hold: read it by bodyOf"
                )
            }
        }
        read(this.net.stack, this.id, bytes, 0, bytes.length)
        this.net.flush()
        return bytes
    }

    /** Connects to the first of these addresses that answers. */
    begin(ips: number[], port: number): void {
        this.ips = ips
        this.port = port
        this.next(this.net.now())
    }

    /** Starts the handshake with the next address. */
    private next(now: number): void {
        const { stack } = this.net
        if (this.id > 0) abort(stack, this.id, now)
        const id = connect(stack, this.ips[0] as number, this.port, 0, now)
        this.ips.insert(0, -1)
        this.since = now
        this.id = Math.max(id, 0)
        if (id < 0) this.fail(errorName(id))
        else {
            this.at = findConnection(stack, id) as Connection
            this.net.flush()
        }
    }

    work(now: number): void {
        if (this.id === 0) return
        const there = this.at.getAt(Tcb.Id, "u16") === this.id
        const state = there ? this.at.getAt(Tcb.State, "u8") : State.Closed
        if (this.stage === Stage.Opening) this.look(state, now)
        else if (this.stage === Stage.Open) this.move(state)
    }

    /** Checks the handshake: reports its outcome, or tries the next address. */
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

    /** Sends waiting data and reports received data; reports the connection's end only after all data before it was read. */
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
        // from CLOSE-WAIT on the peer has sent its FIN; it may still read what we send
        else if (state === State.Closed || (state >= State.CloseWait && this.sends.length === 0)) {
            this.release()
            this.tell("close")
        }
    }

    private failWith(error: TcpError): void {
        const { stack } = this.net
        this.fail(failureReason(stack, error, this.at.getAt(Tcb.RemoteIp, "i32")))
    }

    /** Ends the connection and reports why: a code, or a code, a comma and a sentence. */
    fail(why: string): void {
        const { socket } = this
        this.release()
        this.tell("error", withSentence(why))
        if (socket?.lastError) {
            withCode(socket.lastError, why)
            // the MQTT client subscribes to onclose only, not to errors
            socket.onclose.emit(undefined)
        }
    }

    tell(event: string, data?: string): void {
        const hooks = ds as unknown as Hooks
        hooks._socketOnEvent(event, data)
    }
}

/** Waits for the network and for the name's addresses, then starts the handshake. */
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
