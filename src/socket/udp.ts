// UDP for fibers: wraps net/udp-socket.ts and waits for room and data.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { type NetError, netError } from "../base/errors"
import { ipv4Text } from "../net/address"
import { UdpSocket } from "../net/udp-socket"
import { errorName, TcpError } from "../tcp/records"
import { resumed, type Worker } from "./driver-loop"
import { endpointsOf } from "./endpoints"
import { currentNetwork, type NetworkInterface } from "./interface"

/** Settings of `openUdp`. */
export interface UdpOptions {
    /** Local port, 1 to 65535; a free one by default. */
    port?: number
    /** Bytes of the queue of received datagrams: 1,024 by default. A datagram takes up to 15 bytes more than its data; one that does not fit is dropped. */
    receiveBytes?: number
    /** Bytes of the queue of datagrams to send: 1,024 by default. A datagram takes up to 15 bytes more than its data. */
    sendBytes?: number
}

/** A datagram that has arrived. */
export interface Datagram {
    /** Its data. */
    data: Buffer
    /** The sender's address. */
    host: string
    /** The sender's port; 0 if the sender wants no answer. */
    port: number
}

/**
 * Opens a socket for datagrams (RFC 768) and allocates its queues. Throws a NetError `udp PORT: WHY`: EADDRINUSE, EINVAL (no such
 * port); ENOSYS in a program without UDP (src/features.ts).
 */
export function openUdp(options: UdpOptions): Udp {
    const { port, receiveBytes, sendBytes } = options
    const net = currentNetwork()
    const socket = new UdpSocket(endpointsOf(net), receiveBytes || 1024, sendBytes || 1024)
    const error = socket.bind(port || 0)
    if (error < 0) throw netError(`udp ${port}: `, errorName(error))
    return new Udp(net, socket)
}

/**
 * A socket for datagrams; `openUdp` creates it.
 *
 * @devsWhenUsed
 */
export class Udp implements Worker {
    private readonly waits: ds.Fiber[] = []
    /** True while a fiber waits for room in the send queue. */
    private full = false

    /** @internal */
    constructor(
        private readonly net: NetworkInterface,
        private readonly socket: UdpSocket
    ) {
        net.add(this)
    }

    /** Returns the local port; 0 once the socket is closed. */
    port(): number {
        return this.socket.port
    }

    /**
     * Sends a datagram to an address or name; "255.255.255.255" stands for all hosts on this network. Waits for an address of
     * this host and for room in the queue, 30 s at most. Throws nothing, because UDP does not promise that a datagram arrives
     * (RFC 768), and a peer that the program answers may have sent from port 0. Returns `undefined`, or why the datagram was not
     * sent, a NetError `udp HOST:PORT: WHY`: ENETDOWN, EADDRNOTAVAIL, ENOTFOUND, EAI_AGAIN, EINVAL (longer than a frame, no such
     * port), ENOBUFS (no datagram was sent for 30 s), ENOTCONN (closed).
     */
    async send(host: string, port: number, data: Buffer | string): Promise<NetError | undefined> {
        const until = ds.millis() + 30000
        const what = `udp ${host}:${port}: `
        const bytes = typeof data === "string" ? Buffer.from(data) : data
        const everybody = host === "255.255.255.255"
        let ip = -1
        try {
            const found = await this.net.find(everybody ? "0.0.0.0" : host, until, what)
            if (!everybody) ip = found
        } catch (error) {
            return error as NetError
        }
        for (;;) {
            const error = this.socket.sendTo(ip, port, bytes, 0, bytes.length)
            this.full = error === TcpError.NoBuffers
            if (this.full && (await this.wait(until - ds.millis()))) continue
            if (error < 0) return netError(what, errorName(error))
            this.net.flush()
            return undefined
        }
    }

    /**
     * Returns the oldest datagram that has arrived, and waits for one; `undefined` when `timeout` ms have passed or the socket
     * was closed.
     */
    async recv(timeout?: number): Promise<Datagram | undefined> {
        const until = timeout === undefined ? undefined : ds.millis() + timeout
        const { socket } = this
        await this.net.breathe()
        while (socket.waiting() < 0) {
            const left = until === undefined ? undefined : until - ds.millis()
            if (socket.port === 0 || (left !== undefined && left <= 0)) return undefined
            await this.wait(left)
        }
        const data = Buffer.alloc(socket.waiting())
        socket.receiveFrom(data, 0, data.length)
        return { data, host: ipv4Text(socket.sourceIp), port: socket.sourcePort }
    }

    /** Closes the socket and frees its port. Fibers that wait in `recv` get `undefined`. */
    close(): void {
        this.socket.close()
        this.net.remove(this)
        this.work(0)
    }

    /** Wakes the fibers that wait, because a datagram may have arrived, or the queue may have room. @internal */
    work(_now: number): void {
        if (this.socket.waiting() < 0 && this.socket.port !== 0 && !this.full) return
        for (const fiber of this.waits) resumed(fiber)
        this.waits.insert(0, -this.waits.length)
    }

    private async wait(ms: number | undefined): Promise<boolean> {
        const fiber = ds.Fiber.self()
        this.waits.push(fiber)
        if (await ds.suspend<boolean>(ms)) return true
        const at = this.waits.indexOf(fiber)
        if (at >= 0) this.waits.insert(at, -1)
        return false
    }
}
