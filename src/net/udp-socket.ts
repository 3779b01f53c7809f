// Datagrams for programs (RFC 768, RFC 1122 section 4.1).

import type { Buffer } from "@devicescript/core"
import { Frame } from "../tcp/context"
import { TcpError } from "../tcp/records"
import { Ip, Protocol } from "../wire/ipv4"
import { Udp } from "../wire/udp"
import { DatagramQueue } from "./datagram-queue"
import { Endpoint, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import type { Stack } from "./stack"

/**
 * Sends and receives datagrams. Its two queues are taken once; what finds no room in them is refused to the program, or
 * dropped and counted (`dropped`). Datagrams go out in the order they were given: one that waits for ARP, 3 seconds at most,
 * holds up those behind it.
 */
export class UdpSocket extends Endpoint {
    /** Who sent the datagram that `receiveFrom` gave last. */
    sourceIp = 0
    sourcePort = 0
    /**
     * Why a datagram that was sent did not arrive, as far as anybody said: Refused when nobody has the port there, Unreachable.
     * It stays until the program resets it. The address and port it was sent to.
     */
    error = TcpError.None
    errorIp = 0
    errorPort = 0
    private readonly incoming: DatagramQueue
    private readonly outgoing: DatagramQueue

    /** Takes memory: bytes of the queues in and out, where each datagram takes up to 15 more than its data. */
    constructor(
        private readonly endpoints: Endpoints,
        receiveBytes: number,
        sendBytes: number
    ) {
        super(Protocol.Udp)
        this.incoming = new DatagramQueue(receiveBytes)
        this.outgoing = new DatagramQueue(sendBytes)
    }

    /** Takes a port, 0 for any that is free: InUse, or Invalid if it has one. */
    bind(port: number): TcpError {
        if (port < 0 || port > 65535 || this.port !== 0) return TcpError.Invalid
        const local = port === 0 ? this.endpoints.freePort() : port
        if (local === 0 || this.endpoints.owner(Protocol.Udp, local)) return TcpError.InUse
        this.port = local
        this.endpoints.add(this)
        return TcpError.None
    }

    /** Gives the port up. What was not sent yet is not sent; what was received stays readable. */
    close(): void {
        this.endpoints.remove(this)
        this.port = 0
        this.due = false
        while (!this.outgoing.isEmpty()) this.outgoing.drop()
    }

    /**
     * Queues `length` bytes at `at` for a port of `ip`, which may be a broadcast address or a group. Else: NotConnected without
     * a port of its own; Invalid for what no frame can carry; NoBuffers when there is no room now; Unreachable while the
     * stack has no address.
     */
    sendTo(ip: number, port: number, data: Buffer, at: number, length: number): TcpError {
        const s = this.endpoints.stack
        if (this.port === 0) return TcpError.NotConnected
        const most = s.config.mtu - Ip.Size - Udp.Size
        const inside = at >= 0 && length >= 0 && at + length <= data.length
        if (port < 1 || port > 65535 || !inside || length > most) return TcpError.Invalid
        if (ip === s.ip || (ip & 0xff) === 0 || (ip & 0xff) === 127) return TcpError.Invalid
        if (s.ip === 0) return TcpError.Unreachable
        const first = this.outgoing.isEmpty()
        if (!this.outgoing.put(ip, port, data, at, length)) return TcpError.NoBuffers
        if (first) this.next(s)
        return TcpError.None
    }

    /** Bytes of the oldest datagram's data; -1 when none waits. */
    waiting(): number {
        return this.incoming.isEmpty() ? -1 : this.incoming.length()
    }

    /** Moves the oldest datagram's data to `at`, at most `length` bytes: more are lost. Gives how many; -1 when none waits. */
    receiveFrom(into: Buffer, at: number, length: number): number {
        const queue = this.incoming
        if (queue.isEmpty()) return -1
        const own = queue.length()
        let n = at < 0 ? 0 : into.length - at
        if (length < n) n = length
        if (own < n) n = own
        if (n < 0) n = 0
        this.sourceIp = queue.ip()
        this.sourcePort = queue.port()
        queue.take(into, at, n)
        return n
    }

    override arrives(packet: Packet, _now: number): void {
        const { stack, sourceIp, sourcePort, at, length } = packet
        if (!this.incoming.put(sourceIp, sourcePort, stack.rx, at, length)) this.dropped++
    }

    override compose(s: Stack, _now: number): number {
        const length = this.outgoing.length()
        this.outgoing.take(s.tx, Frame.Transport + Udp.Size, length)
        this.next(s)
        return length
    }

    override fails(s: Stack, now: number): void {
        this.refused(this.remoteIp, this.remotePort, TcpError.Unreachable, now)
        this.outgoing.drop()
        this.next(s)
    }

    override refused(ip: number, port: number, error: TcpError, _now: number): void {
        this.error = error
        this.errorIp = ip
        this.errorPort = port
    }

    /** Says where the datagram goes that is first in the queue now. */
    private next(s: Stack): void {
        if (this.outgoing.isEmpty()) return
        this.remoteIp = this.outgoing.ip()
        this.remotePort = this.outgoing.port()
        this.send(s)
    }
}
