// Ping: sends one ICMP echo request and times its reply (RFC 792, RFC 1122 section 3.2.2.6).

import { readU16, writeU16 } from "../base/bytes"
import { Frame } from "../tcp/context"
import { TcpError } from "../tcp/records"
import { checksumOf, onesSum } from "../wire/checksum"
import { Icmp, IcmpType } from "../wire/icmp"
import { Ip, isNotUnicast, Protocol } from "../wire/ipv4"
import { Endpoint, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import { isBroadcast, type Stack } from "./stack"

export const enum PingResult {
    Waiting = 0,
    /** The reply arrived; `time` holds the round-trip time. */
    Answered = 1,
    TimedOut = 2,
    /** The host does not answer ARP, has no route, or a router reports it as unreachable. */
    Unreachable = 3,
}

/** Pings one host at a time; the object can be used again. */
export class Ping extends Endpoint {
    result = PingResult.TimedOut
    /** Milliseconds from the request to its reply. */
    time = 0
    sequence = 0
    private size = 0
    private sentAt = 0

    constructor(private readonly endpoints: Endpoints) {
        super(Protocol.Icmp)
        endpoints.add(this)
    }

    /**
     * Schedules a request with `size` bytes of data, whose reply may take at most `timeout` ms; `result` reports the outcome.
     * Returns Invalid if no host can have `ip`.
     */
    start(ip: number, size: number, timeout: number, now: number): TcpError {
        const s = this.endpoints.stack
        const most = s.config.mtu - Ip.Size - Icmp.Size
        if (size < 0 || size > most || (ip & 0xff) === 0 || (ip & 0xff) === 127) return TcpError.Invalid
        if (ip === s.ip || isNotUnicast(ip) || isBroadcast(s, ip)) return TcpError.Invalid
        this.result = PingResult.Waiting
        this.remoteIp = ip
        this.size = size
        this.sequence = (this.sequence + 1) & 0xffff
        // the identifier is random: a host that cannot see the request cannot answer it. An identifier of 0 would match no
        // endpoint
        this.port = 1 + this.endpoints.randomBelow(65535)
        this.send(s)
        this.arm(s, now, timeout)
        return TcpError.None
    }

    override compose(s: Stack, now: number): number {
        const tx = s.tx
        const at: number = Frame.Transport
        const length = Icmp.Size + this.size
        tx.setAt(at, "i32", IcmpType.Echo)
        writeU16(tx, at + Icmp.Rest, this.port)
        writeU16(tx, at + Icmp.Rest + 2, this.sequence)
        tx.fillAt(at + Icmp.Data, this.size, 0x55)
        tx.setAt(at + Icmp.Checksum, "u16", checksumOf(onesSum(tx, at, length, 0)))
        this.sentAt = now
        return length
    }

    override arrives(packet: Packet, now: number): void {
        const { at, length, sourceIp, stack } = packet
        const ours =
            this.result === PingResult.Waiting &&
            sourceIp === this.remoteIp &&
            length === Icmp.Size + this.size &&
            readU16(stack.rx, at + Icmp.Rest + 2) === this.sequence
        if (!ours) {
            this.dropped++
            return
        }
        this.time = (now - this.sentAt) | 0
        this.end(PingResult.Answered)
    }

    override expires(): void {
        this.end(PingResult.TimedOut)
    }

    override fails(): void {
        this.end(PingResult.Unreachable)
    }

    override refused(ip: number): void {
        if (this.result === PingResult.Waiting && ip === this.remoteIp) this.end(PingResult.Unreachable)
    }

    private end(result: PingResult): void {
        this.result = result
        this.armed = false
        this.due = false
        this.port = 0
    }
}
