// A UDP socket that never waits (RFC 768, RFC 1122 section 4.1).

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
 * Sends and receives datagrams. Its two queues are allocated once: `sendTo` refuses a datagram that does not fit its queue, and a
 * received datagram that does not fit is dropped and counted (`dropped`). Datagrams are sent in order: one that waits for ARP, at
 * most 3 seconds, delays those after it.
 */
export class UdpSocket extends Endpoint {
    /** Sender of the datagram that `receiveFrom` returned last. */
    sourceIp = 0
    sourcePort = 0
    /**
     * Why a datagram did not arrive, as ICMP or ARP reports it: Refused when the host has no such port, else Unreachable. The
     * error stays until the program resets it. The next two fields are the address and the port that the datagram was sent to.
     */
    error = TcpError.None
    errorIp = 0
    errorPort = 0
    private readonly incoming: DatagramQueue
    private readonly outgoing: DatagramQueue

    /** Allocates the receive and send queues, sizes in bytes: each datagram takes up to 15 more than its data. */
    constructor(
        private readonly endpoints: Endpoints,
        receiveBytes: number,
        sendBytes: number
    ) {
        super(Protocol.Udp)
        this.incoming = new DatagramQueue(receiveBytes)
        this.outgoing = new DatagramQueue(sendBytes)
    }

    /**
     * Binds the socket to a port, 0 for any free one. Returns InUse when the port is taken, Invalid for another number or when
     * the socket already has a port.
     */
    bind(port: number): TcpError {
        if (port < 0 || port > 65535 || this.port !== 0) return TcpError.Invalid
        const local = port === 0 ? this.endpoints.freePort() : port
        if (local === 0 || this.endpoints.owner(Protocol.Udp, local)) return TcpError.InUse
        this.port = local
        this.endpoints.add(this)
        return TcpError.None
    }

    /** Gives up the port. Drops datagrams that were not sent yet; received ones stay readable. */
    close(): void {
        this.endpoints.remove(this)
        this.port = 0
        this.due = false
        while (!this.outgoing.isEmpty()) this.outgoing.drop()
    }

    /**
     * Queues `length` bytes at `at` for a port of `ip`, which may be a broadcast address or a group. Returns None, or an error:
     * NotConnected when the socket has no port, Invalid when no frame can carry the datagram, NoBuffers when the queue has no
     * room now, Unreachable while the stack has no address.
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

    /** Returns the length of the oldest datagram's data; -1 = none. */
    waiting(): number {
        return this.incoming.isEmpty() ? -1 : this.incoming.length()
    }

    /** Moves at most `length` bytes of the oldest datagram to `at` and drops the rest. Returns how many; -1 = none. */
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

    /** Schedules the datagram that is now first in the queue. */
    private next(s: Stack): void {
        if (this.outgoing.isEmpty()) return
        this.remoteIp = this.outgoing.ip()
        this.remotePort = this.outgoing.port()
        this.send(s)
    }
}
