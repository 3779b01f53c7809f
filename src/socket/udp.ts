// UDP for fibers: net/udp-socket.ts with waits.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { ipv4Text } from "../net/address"
import { UdpSocket } from "../net/udp-socket"
import { errorName, TcpError } from "../tcp/records"
import { resumed, type Worker } from "./driver-loop"
import { endpointsOf } from "./endpoints"
import { type NetError, netError } from "./errors"
import { type NetworkInterface, running } from "./interface"

export interface UdpOptions {
    /** The local port, 1 to 65535; a free one by default. */
    port?: number
    /** Bytes of the queues in and out, where each datagram takes up to 15 more than its data. 1,024 by default. */
    receiveBytes?: number
    sendBytes?: number
}

export interface Datagram {
    data: Buffer
    /** The sender's address and port. */
    host: string
    port: number
}

/** Takes a port for datagrams and returns its socket. Throws a NetError `udp PORT: WHY`: EADDRINUSE, EINVAL. */
export function openUdp(options: UdpOptions): Udp {
    const { port, receiveBytes, sendBytes } = options
    const net = running()
    const socket = new UdpSocket(endpointsOf(net), receiveBytes || 1024, sendBytes || 1024)
    const error = socket.bind(port || 0)
    if (error < 0) throw netError(`udp ${port}: `, errorName(error))
    return new Udp(net, socket)
}

/** @devsWhenUsed */
export class Udp implements Worker {
    private readonly waits: ds.Fiber[] = []
    /** A fiber waits for room in the queue out. */
    private full = false

    constructor(
        private readonly net: NetworkInterface,
        private readonly socket: UdpSocket
    ) {
        net.add(this)
    }

    port(): number {
        return this.socket.port
    }

    /**
     * Sends a datagram; the host "255.255.255.255" is a broadcast on this network. Waits for an address and for room in the queue, at most
     * 30 s. Throws nothing: a datagram need not arrive anyway (RFC 768), and a peer that sent from port 0 cannot be answered. Returns
     * `undefined`, or a NetError `udp HOST:PORT: WHY`: ENETDOWN, EADDRNOTAVAIL, ENOTFOUND, EAI_AGAIN, EINVAL (the data does not fit a
     * frame, or the port is not valid), ENOBUFS (no datagram left the queue for 30 s), ENOTCONN (the socket is closed).
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

    /** Returns the oldest datagram and waits for it; `undefined` when `timeout` milliseconds have passed or the socket was closed. */
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

    /** Gives the port up. */
    close(): void {
        this.socket.close()
        this.net.remove(this)
        this.work(0)
    }

    /** Wakes the waiting fibers when a datagram came, the socket was closed, or there may be room. */
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
