// The SNTP client (RFC 4330, RFC 5905 section 14): obtains the time of day from a server.

import { Frame } from "../tcp/context"
import { Ntp, NtpCheck, NtpPort, ntpCheck, unixMs, writeNtp } from "../wire/ntp"
import { Udp } from "../wire/udp"
import { Endpoint, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import type { Stack } from "./stack"

/** Seconds between requests (RFC 4330 section 10: at least 15, and longer each time). */
const enum Poll {
    First = 15,
    Longest = 1024,
    /** Interval after an answer, unless the server asks for fewer requests. */
    Usual = 3600,
    /** Longest interval, after answers that asked for fewer requests. */
    MostUsual = 86400,
}

export class SntpClient extends Endpoint {
    /** True when the time is known. */
    known = false
    /** True when the server has refused (kiss-o'-death): it is not asked again. */
    denied = false
    /** Called when the time was set. */
    changed: (now: number) => void = () => {}
    /** Milliseconds since 1970 at the time `at`. */
    private base = 0
    private at = 0
    private sentAt = 0
    private nonce = 0
    private nonce2 = 0
    private interval: number = Poll.First
    private usual: number = Poll.Usual

    constructor(private readonly endpoints: Endpoints) {
        super()
        this.remotePort = NtpPort.Server
        endpoints.add(this)
    }

    /** Sets the server to ask from now on, 0 = none. */
    setServer(ip: number, now: number): void {
        if (ip === this.remoteIp && !this.denied) return
        this.remoteIp = ip
        this.denied = false
        this.interval = Poll.First
        this.usual = Poll.Usual
        this.due = false
        this.port = 0
        if (ip === 0) this.armed = false
        else this.arm(this.endpoints.stack, now, 0)
    }

    /** Returns milliseconds since 1970; 0 while the time is not known. */
    time(now: number): number {
        return this.known ? this.base + ((now - this.at) | 0) : 0
    }

    override expires(s: Stack, now: number): void {
        // `base` advances with each request, so that the difference to `at` always fits an integer
        if (this.known) this.base = this.time(now)
        this.at = now
        if (this.remoteIp === 0) return
        this.port = this.endpoints.freePort()
        this.nonce = this.endpoints.random()
        this.nonce2 = this.endpoints.random()
        this.send(s)
        this.arm(s, now, this.interval * 1000)
        if (this.interval < Poll.Longest) this.interval *= 2
    }

    override compose(s: Stack, now: number): number {
        this.sentAt = now
        return writeNtp(s.tx, Frame.Transport + Udp.Size, this.nonce, this.nonce2)
    }

    override arrives(packet: Packet, now: number): void {
        const { stack, at, length, sourceIp, sourcePort } = packet
        const from123 = sourceIp === this.remoteIp && sourcePort === NtpPort.Server
        const check = from123 ? ntpCheck(stack.rx, at, length, this.nonce, this.nonce2) : NtpCheck.None
        if (check === NtpCheck.None) {
            this.dropped++
            return
        }
        // later copies of the answer are ignored
        this.port = 0
        if (check === NtpCheck.Deny) {
            this.denied = true
            this.armed = false
        } else if (check === NtpCheck.Rate) {
            if (this.usual < Poll.MostUsual) this.usual *= 2
            this.arm(stack, now, this.usual * 1000)
        } else if (check === NtpCheck.Ok) {
            // the server's time is about half of the round trip old
            this.base = unixMs(stack.rx, at + Ntp.Transmit) + (((now - this.sentAt) | 0) >> 1)
            this.at = now
            this.known = true
            this.interval = Poll.First
            this.arm(stack, now, this.usual * 1000)
            this.changed(now)
        }
    }
}
