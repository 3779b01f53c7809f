// Datagrams for fibers: net/udp-socket.ts with waits.

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
    /** 1 to 65535; one that is free unless given. */
    port?: number
    /** Bytes of the queue of what comes in, and of what goes out; each datagram takes up to 15 more than its data. 1,024 unless given. */
    receiveBytes?: number
    sendBytes?: number
}

export interface Datagram {
    data: Buffer
    /** Who sent it. */
    host: string
    port: number
}

/** Takes a port for datagrams. Throws a NetError `udp PORT: WHY`: EADDRINUSE, EINVAL. */
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
    /** A send waits for room. */
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
     * Sends a datagram; "255.255.255.255" is everybody on this network. Waits for an address and for room in the queue, 30 s at most.
     * Throws nothing, as nobody promises that a datagram arrives (RFC 768) and who is answered may have sent from port 0. Gives
     * `undefined`, or why it was not sent, a NetError `udp HOST:PORT: WHY`: ENETDOWN, EADDRNOTAVAIL, ENOTFOUND, EAI_AGAIN, EINVAL
     * (longer than a frame, no such port), ENOBUFS (nothing left for 30 s), ENOTCONN (closed).
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

    /** The oldest datagram that came; `undefined` when `timeout` ms are over or the socket was closed. */
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

    /** Who waits looks again: something came, or there may be room. */
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
