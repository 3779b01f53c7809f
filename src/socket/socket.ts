// A TCP connection for programs: has the methods of @devicescript/net's Socket, and those that it lacks.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { swap16 } from "../base/bytes"
import { type NetError, netError } from "../base/errors"
import { ACTIVE_OPENS } from "../features"
import { ipv4Text } from "../net/address"
import { abort, close, errorOf, read, shutdown, stateOf, connect as tcpConnect, write } from "../tcp/calls"
import { setKeepAlive, setNoDelay, setUserTimeout } from "../tcp/connection-settings"
import type { Connection } from "../tcp/context"
import { errorName, State, stateName, Tcb, TcpError } from "../tcp/records"
import { findConnection } from "../tcp/tables"
import { failureReason } from "./failure-reason"
import { currentNetwork, type NetworkInterface } from "./interface"
import { Sockets, Want } from "./waiting"

/** Settings of `connect`. */
export interface ConnectOptions {
    /** The peer: an address, or a name if the network was started with a resolver. */
    host: string
    /** The peer's port, 1 to 65535. */
    port: number
    /** Milliseconds for the whole call, including the wait for an address, the name and the handshake; 30,000 by default. */
    timeout?: number
}

const enum Limit {
    /** Default of ConnectOptions.timeout. */
    Connect = 30000,
    /**
     * Longest line, and the most bytes that recv returns. The peer decides how many bytes arrive, and running out of heap cannot
     * be caught: the heap must still have three blocks of this size (the line, its text, and its parts).
     */
    Piece = 2048,
}

/**
 * Opens a connection (RFC 9293), to the first of a host's addresses that answers, and returns when the handshake is done. Throws a NetError
 * `socket tcp://HOST:PORT: WHY` whose code says which step failed: ENETDOWN (no cable), EADDRNOTAVAIL (no address), ENOTFOUND, EAI_AGAIN
 * (names), EHOSTUNREACH (ARP, routers), EACCES (a firewall), ETIMEDOUT, ECONNREFUSED (the host), ENOBUFS (all connections of the
 * configuration are taken), EINVAL (no such port; this host's address, or the network's); ENOSYS in a program without ACTIVE_OPENS
 * (src/features.ts).
 */
export async function connect(options: ConnectOptions): Promise<Socket> {
    const { host, port } = options
    if (!ACTIVE_OPENS)
        throw netError(
            `socket tcp://${host}:${port}: `,
            "ENOSYS, ACTIVE_OPENS is left out of this program: take it from the list in package.json"
        )
    const net = currentNetwork()
    const name = `tcp://${host}:${port}`
    const until = ds.millis() + (options.timeout === undefined ? Limit.Connect : options.timeout)
    const ips = await net.findAll(host, until, `socket ${name}: `)
    for (let left = ips.length; ; left--) {
        const ip = ips[ips.length - left] as number
        const now = ds.millis()
        try {
            const id = tcpConnect(net.stack, ip, port, 0, now | 0)
            if (id < 0) throw netError(`socket ${name}: `, errorName(id))
            const socket = new Socket(net, id, name)
            net.flush()
            // RFC 1123 section 2.3: each address of a name is tried, for its share of the time
            return await socket.opened(now + (until - now) / left, ip)
        } catch (error) {
            if (left === 1) throw error
        }
    }
}

/** Returns the sockets of a network. Creates them on the first call, because not every program needs them. */
export function socketsOf(net: NetworkInterface): Sockets {
    let sockets = net.sockets
    if (!sockets) {
        sockets = new Sockets(net.stack)
        net.sockets = sockets
        net.add(sockets)
    }
    return sockets
}

/**
 * An open connection; `connect` and `listen` create it. One fiber, or several, may use it. A method that fails throws a NetError
 * `socket NAME: WHY`: ECONNRESET, ETIMEDOUT (no acknowledgment for `r2` or `userTimeout`), EHOSTUNREACH, ECONNABORTED, or
 * ENOTCONN and EPIPE after `close` and `shutdown`.
 *
 * @devsWhenUsed
 */
export class Socket {
    /** Id of the connection; 0 once the program has closed it. */
    id: number
    /** Offset of the record, which is this connection's while the id in it is the same. @internal */
    readonly at: Connection
    /** Tcb.RcvNxt at the last check. @internal */
    seen: number
    /** What fibers wait for: bits of Want. @internal */
    waiting = 0
    /** True when the connection's end was reported. @internal */
    told = false
    private readonly sockets: Sockets
    /** The start of a line that did not fit the receive ring. */
    private line: Buffer | undefined
    /** True while a fiber is sending. */
    private sending = false
    /** Emitted when the handshake is done, before `connect` returns, as in @devicescript/net. */
    readonly onopen = ds.emitter<void>()
    /** Emitted when the peer has closed its side without an error. Data that it sent before can still be read. */
    readonly onclose = ds.emitter<void>()
    /** Emitted when the connection has failed. */
    readonly onerror = ds.emitter<NetError>()
    /** Emitted when data has arrived: `recv` returns it. */
    readonly onmessage = ds.emitter<void>()

    /** @internal */
    constructor(
        private readonly net: NetworkInterface,
        id: number,
        /** The connection's name in errors, such as `tcp://10.0.0.1:7`. */
        public name: string
    ) {
        const { stack } = net
        this.id = id
        this.at = findConnection(stack, id) as Connection
        this.seen = this.at.getAt(Tcb.RcvNxt, "i32")
        this.sockets = socketsOf(net)
        this.sockets.add(this)
    }

    /** Waits for the handshake: for `connect`. @internal */
    async opened(until: number, ip: number): Promise<Socket> {
        const { stack } = this.net
        if (stateOf(stack, this.id) === State.SynSent) await this.wait(Want.Opened, until)
        const state = stateOf(stack, this.id)
        const error = errorOf(stack, this.id)
        if (state !== State.SynSent && state !== State.SynReceived && error === TcpError.None) {
            this.onopen.emit(undefined)
            return this
        }
        this.end(abort)
        throw this.error(failureReason(stack, error === TcpError.None ? TcpError.TimedOut : error, ip))
    }

    /**
     * Returns the data that has arrived, at most 2,048 bytes, and waits for the first byte. Returns `undefined` when `timeout` ms have passed
     * (without `timeout` it waits forever), and `null` when the peer has closed its side or this end was closed. Throws a NetError when the
     * connection failed, after all data is read.
     */
    async recv(timeout?: number): Promise<Buffer | undefined | null> {
        const until = timeout === undefined ? undefined : ds.millis() + timeout
        await this.net.breathe()
        for (;;) {
            const line = this.line
            if (line) {
                this.line = undefined
                return line
            }
            // flat on purpose: each segment with data takes this path
            const { id, at } = this
            let state = State.Closed
            // a record that is free has the id 0, like a socket that the program has closed
            if (id > 0) {
                if (at.getAt(Tcb.Id, "u16") === id) {
                    const unread = at.getAt(Tcb.ReceiveLength, "u16")
                    if (unread > 0) return this.take(Math.min(unread, Limit.Piece))
                    state = at.getAt(Tcb.State, "u8")
                }
            }
            if (state !== State.Established) {
                if (this.isOver()) return null
            }
            if (!(await this.wait(Want.More, until))) return undefined
        }
    }

    /**
     * Returns exactly `length` bytes, 2,048 at most, and waits for them; `null` when the stream ends before. Returns `undefined` when
     * `timeout` ms have passed: the bytes that have arrived stay for the next call. Throws a NetError EMSGSIZE for a greater length, and in
     * the cases of `recv`.
     */
    async readBytes(length: number, timeout?: number): Promise<Buffer | undefined | null> {
        if (length > Limit.Piece)
            throw this.error("EMSGSIZE, readBytes returns at most 2048 bytes: call it again")
        const until = timeout === undefined ? undefined : ds.millis() + timeout
        await this.net.breathe()
        for (;;) {
            const start = this.line || Buffer.alloc(0)
            const missing = length - start.length
            if (missing <= 0) {
                this.line = missing < 0 ? start.slice(length) : undefined
                return start.slice(0, length)
            }
            const unread = this.unread()
            if (unread > 0) this.line = start.concat(this.take(Math.min(unread, missing)))
            else if (this.isOver()) return null
            else if (!(await this.wait(Want.More, until))) return undefined
        }
    }

    /**
     * Returns the next line, without its LF or CR LF; at the end of the stream the data that is left, then `null`. Returns
     * `undefined` when `timeout` ms have passed. Throws a NetError EMSGSIZE when a line is longer than 2,048 bytes (`recv`
     * returns it in pieces), and in the cases of `recv`.
     */
    async readLine(timeout?: number): Promise<string | undefined | null> {
        const until = timeout === undefined ? undefined : ds.millis() + timeout
        const half = this.net.stack.receiveSize >> 1
        await this.net.breathe()
        for (;;) {
            const unread = this.unread()
            let n = this.lineLength(unread)
            const whole = n > 0
            // a sender may wait until half of the ring is free (RFC 9293 section 3.8.6.2.1), so a longer line leaves the ring in pieces
            if (!whole && (unread >= half || (unread > 0 && this.hasFin()))) n = unread
            if (n > 0) {
                const start = this.line
                if (n + (start ? start.length : 0) > Limit.Piece) {
                    throw this.error("EMSGSIZE, a line is longer than 2048 bytes: recv returns it in pieces")
                }
                const part = this.take(n)
                const line = start ? start.concat(part) : part
                this.line = whole ? undefined : line
                if (whole) return lineText(line)
            } else if (unread === 0 && this.isOver()) {
                const line = this.line
                this.line = undefined
                return line ? line.toString("utf-8") : null
            } else if (!(await this.wait(Want.More, until))) {
                return undefined
            }
        }
    }

    /**
     * Sends all of `data`. Waits for room, and for other fibers that began to send before; returns when all data is in the send
     * ring, so the buffer may be reused. Throws a NetError when the connection has ended (ENOTCONN, or the reason) or was shut
     * down (EPIPE): part of the data may have been sent.
     */
    async send(data: Buffer | string): Promise<void> {
        // a string of ASCII letters goes from flash to the ring as it is, as blitAt takes strings, too
        const plain = typeof data !== "string" || data.length === data.byteLength
        const bytes = (plain ? data : Buffer.from(data)) as Buffer
        await this.turn()
        try {
            const { stack } = this.net
            let at = 0
            for (;;) {
                const n = write(stack, this.id, bytes, at, bytes.length - at)
                if (n < 0) throw this.failure(n)
                at += n
                this.net.flush()
                if (at >= bytes.length) return
                await this.sockets.wait(this, Want.Room)
            }
        } finally {
            this.done()
        }
    }

    /** Sends a FIN after all data, and continues to receive. Throws a NetError when the connection has ended. */
    async shutdown(): Promise<void> {
        await this.turn()
        const error = shutdown(this.net.stack, this.id, ds.millis() | 0)
        this.done()
        if (error < 0) throw this.failure(error)
        this.net.flush()
    }

    /**
     * Closes the connection: delivers the sent data, then a FIN. Data that is unread, or still arrives, is answered with a reset
     * (RFC 9293 section 3.6.1). Fibers that wait in `recv` get `null`. Returns at once; throws nothing.
     */
    async close(): Promise<void> {
        await this.net.breathe()
        if (this.id > 0) this.end(close)
    }

    /** Ends the connection with a reset. Throws nothing. */
    async abort(): Promise<void> {
        await this.net.breathe()
        if (this.id > 0) this.end(abort)
    }

    /** Returns the state by its name in RFC 9293, such as "ESTABLISHED"; "CLOSED" once this end was closed. */
    state(): string {
        return stateName(stateOf(this.net.stack, this.id))
    }

    /** Returns the peer's address; "0.0.0.0" once the connection has ended. */
    remoteAddress(): string {
        return ipv4Text(this.isThere() ? this.at.getAt(Tcb.RemoteIp, "i32") : 0)
    }

    /** Returns the peer's port; 0 once the connection has ended. */
    remotePort(): number {
        return this.port(0)
    }

    /** Returns this host's address. */
    localAddress(): string {
        return ipv4Text(this.net.stack.ip)
    }

    /** Returns the local port; 0 once the connection has ended. */
    localPort(): number {
        return this.port(2)
    }

    /**
     * Turns Nagle's algorithm (RFC 9293 section 3.7.4) off with true, on again with false. Throws a NetError when the connection
     * has ended.
     */
    noDelay(on: boolean): void {
        this.set(setNoDelay(this.net.stack, this.id, on))
    }

    /**
     * Turns keep-alive (RFC 9293 section 3.8.4) on or off: probes when idle, by the configuration's keepAliveIdle,
     * keepAliveInterval and keepAliveProbes. Throws a NetError when the connection has ended.
     */
    keepAlive(on: boolean): void {
        this.set(setKeepAlive(this.net.stack, this.id, on, ds.millis() | 0))
    }

    /**
     * Sets the user timeout (RFC 5482): seconds without progress after which the connection fails, 1 to 65535, 0 for the
     * configuration's r2. Throws a NetError: EINVAL, or ENOTCONN when the connection has ended.
     */
    userTimeout(seconds: number): void {
        this.set(setUserTimeout(this.net.stack, this.id, seconds))
    }

    /** Returns the Error that a program gets for a TcpError. @internal */
    failure(error: TcpError): NetError {
        return this.error(errorName(this.id === 0 ? TcpError.NotConnected : error))
    }

    private error(why: string): NetError {
        return netError(`socket ${this.name}: `, why)
    }

    private set(error: TcpError): void {
        if (error < 0) throw this.failure(error)
        this.net.flush()
    }

    /** Returns true while the record at `at` is this connection's. */
    private isThere(): boolean {
        return this.id > 0 && this.at.getAt(Tcb.Id, "u16") === this.id
    }

    private port(at: number): number {
        return this.isThere() ? swap16(this.at.getAt(Tcb.Ports + at, "u16")) : 0
    }

    private unread(): number {
        return this.isThere() ? this.at.getAt(Tcb.ReceiveLength, "u16") : 0
    }

    private hasFin(): boolean {
        const state = stateOf(this.net.stack, this.id)
        return state === State.Closed || state >= State.CloseWait
    }

    /** Returns true when no more data will arrive; called when no data is unread. Throws when the connection has failed. */
    private isOver(): boolean {
        const end = read(this.net.stack, this.id, this.net.stack.tx, 0, 0)
        // the record is no longer this connection's, which was closed here, or whose record was reused in TIME-WAIT
        if (end === 0 || end === TcpError.Eof || end === TcpError.NotConnected) return end !== 0
        throw this.failure(end)
    }

    /** Removes and returns the oldest `n` unread bytes. */
    private take(n: number): Buffer {
        const bytes = Buffer.alloc(n)
        read(this.net.stack, this.id, bytes, 0, n)
        this.net.flush()
        return bytes
    }

    /** Returns the length of the first line of the unread bytes, its end included; 0 if they contain no end of line. */
    private lineLength(unread: number): number {
        if (unread === 0) return 0
        const t = this.net.stack
        const size = t.receiveSize
        const ring = Tcb.Size + t.sendSize
        const { at } = this
        const head = at.getAt(Tcb.ReceiveHead, "u16")
        const part = unread < size - head ? unread : size - head
        const end = at.indexOf(10, ring + head, ring + head + part)
        if (end >= 0) return end + 1 - ring - head
        if (part === unread) return 0
        return at.indexOf(10, ring, ring + unread - part) < 0
            ? 0
            : at.indexOf(10, ring, ring + unread - part) + 1 - ring + part
    }

    /** Waits until this fiber may send, when other fibers' sends are done. */
    private async turn(): Promise<void> {
        await this.net.breathe()
        // a fiber that is woken already has the turn, which was handed over
        if (this.sending) await this.sockets.wait(this, Want.Turn)
        this.sending = true
    }

    private done(): void {
        this.sending = (this.waiting & Want.Turn) > 0 && this.sockets.handOver(this)
    }

    /** Waits until the time `until`, forever if that is undefined. Returns false when that time has passed. */
    private async wait(want: Want, until: number | undefined): Promise<boolean> {
        if (until === undefined) return await this.sockets.wait(this, want)
        const left = until - ds.millis()
        return left > 0 && (await this.sockets.wait(this, want, left))
    }

    private end(how: typeof close): void {
        const { id, net } = this
        this.id = 0
        how(net.stack, id, ds.millis() | 0)
        this.sockets.remove(this)
        net.flush()
    }
}

/** Returns the text of a line without its end. */
function lineText(line: Buffer): string {
    let length = line.length - 1
    if (length > 0 && line.getAt(length - 1, "u8") === 13) length--
    return line.slice(0, length).toString("utf-8")
}
