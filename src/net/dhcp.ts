// The DHCP client (RFC 2131): obtains an address, keeps it, and gives it up when it must.

import { Buffer } from "@devicescript/core"
import { Frame } from "../tcp/context"
import { Dhcp, DhcpPort, DhcpType, Lease, Option, parseDhcp, writeAddress, writeDhcp } from "../wire/dhcp"
import { Udp } from "../wire/udp"
import { isHostAddress, isNetmask, netmaskOf } from "./address"
import type { AddressGuard, Claimant } from "./address-guard"
import { changeAddress } from "./change-address"
import { Endpoint, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import type { Stack } from "./stack"

/** The states of RFC 2131 figure 5, and Claiming: between ACK and BOUND, while the address is probed (section 4.4.1). */
export const enum DhcpState {
    Off = 0,
    /** After a NAK or a conflict, until the client starts again. */
    Init = 1,
    Selecting = 2,
    Requesting = 3,
    Claiming = 4,
    Bound = 5,
    Renewing = 6,
    Rebinding = 7,
    /** INIT-REBOOT's request was sent. The address stays in use meanwhile because its lease still runs (section 3.2). */
    Rebooting = 8,
}

const enum Time {
    /** ms: the first wait for an answer, which doubles; each wait varies by up to a second (section 4.1). */
    First = 4000,
    Jitter = 1000,
    /** Number of times that the wait doubles. */
    Doublings = 4,
    /** Number of REQUESTs for an offer (section 3.1 (5)), and after the link came back. */
    Requests = 4,
    Reboots = 3,
    /** ms until the client starts again after a conflict (section 3.1, SHOULD), and after a NAK. */
    Conflict = 10000,
    Nak = 1000,
    /** Seconds between two REQUESTs in RENEWING and REBINDING (section 4.4.5). */
    Least = 60,
    /** Longest timer, in seconds: the milliseconds of a whole lease may not fit an integer. */
    Most = 86400,
    /** Seconds of the shortest lease that is accepted. */
    Lease = 10,
}

const enum HostName {
    Most = 32,
}

/**
 * Obtains the stack's address from a server, and calls `changed` when it has one or loses it. Connections last as long as their
 * address: a lease that is renewed, or confirmed after the link was down, keeps them; a lost lease ends them (change-address.ts).
 */
export class DhcpClient extends Endpoint implements Claimant {
    state = DhcpState.Off
    /** The other addresses that the server reports: two name servers and a time server; 0 = none. */
    dns = 0
    dns2 = 0
    ntp = 0
    /** Called when the address or one of the servers above has changed. */
    changed: (now: number) => void = () => {}
    /**
     * The address to use after `fallbackAfter` DISCOVERs without an offer (1 to 3 of them take 4, 12 and 28 seconds); 0 = none.
     */
    fallbackIp = 0
    fallbackNetmask = 0
    fallbackGateway = 0
    fallbackAfter = 3
    private readonly stack: Stack
    /** The server's last message, and the lease that is or may become ours. */
    private readonly heard = Buffer.alloc(Lease.Size)
    private readonly lease = Buffer.alloc(Lease.Size)
    private name: Buffer | undefined = undefined
    private message = DhcpType.Discover
    private xid = 0
    private attempt = 0
    /** When this exchange began, and when the last REQUEST was sent, from which the lease counts. */
    private started = 0
    private asked = 0
    /** Seconds of the lease that had passed at `since`. */
    private elapsed = 0
    private since = 0

    constructor(
        private readonly endpoints: Endpoints,
        private readonly guard: AddressGuard
    ) {
        super()
        this.port = DhcpPort.Client
        this.remotePort = DhcpPort.Server
        this.stack = endpoints.stack
        endpoints.add(this)
    }

    /** Sets the host name that is sent to the server: 1 to 32 letters, digits and hyphens. Returns false for any other text. */
    setHostName(text: string): boolean {
        if (text.length < 1 || text.length > HostName.Most) return false
        for (let i = 0; i < text.length; i++) {
            const c = text.charCodeAt(i)
            const letter = (c | 32) >= 97 && (c | 32) <= 122
            if (!letter && !(c >= 48 && c <= 57) && c !== 45) return false
        }
        this.name = Buffer.from(text)
        return true
    }

    /** Starts the client. The stack has no address until a server has answered. */
    start(now: number): void {
        if (this.state !== DhcpState.Off) return
        changeAddress(this.stack, 0, 0, 0, now)
        this.init(now)
    }

    /** Stops the client: the address is no longer used. */
    stop(now: number): void {
        this.lose(now)
        this.state = DhcpState.Off
        this.armed = false
        this.due = false
    }

    /**
     * Asks again after the link came back, because the cable may lead to another network where the address is not valid (section
     * 3.7).
     */
    linkUp(now: number): void {
        const state = this.state
        if (state === DhcpState.Off) return
        if (state < DhcpState.Bound) {
            this.init(now)
            return
        }
        this.state = DhcpState.Rebooting
        this.xid = this.endpoints.random()
        this.started = now
        this.attempt = 0
        this.question(now)
    }

    /** Broadcasts a DISCOVER (state INIT). */
    private init(now: number): void {
        this.state = DhcpState.Selecting
        // a declined address is not requested again
        if (this.message === DhcpType.Decline) this.lease.fillAt(0, Lease.Size, 0)
        this.xid = this.endpoints.random()
        this.started = now
        this.attempt = 0
        this.question(now)
    }

    /** Sends the message that belongs to the state, and waits for its answer. */
    private question(now: number): void {
        this.ask(this.state === DhcpState.Selecting ? DhcpType.Discover : DhcpType.Request)
        const doublings = Math.min(this.attempt, Time.Doublings)
        const jitter = this.endpoints.randomBelow(2 * Time.Jitter + 1) - Time.Jitter
        this.arm(this.stack, now, (Time.First << doublings) + jitter)
    }

    private ask(type: DhcpType): void {
        const state = this.state
        const renewing = state === DhcpState.Renewing
        this.message = type
        // section 4.1: a client whose address is missing or not confirmed broadcasts from 0.0.0.0
        this.anonymous = !renewing && state !== DhcpState.Rebinding
        this.remoteIp = renewing ? this.lease.getAt(Lease.Server, "i32") : -1
        this.send(this.stack)
    }

    override expires(_s: Stack, now: number): void {
        const state = this.state
        this.attempt++
        if (state === DhcpState.Init || (state === DhcpState.Requesting && this.attempt >= Time.Requests)) {
            this.init(now)
        } else if (state === DhcpState.Selecting || state === DhcpState.Requesting) {
            if (state === DhcpState.Selecting && this.attempt === this.fallbackAfter && this.fallbackIp !== 0)
                this.guard.claim(this.fallbackIp, this, now)
            this.question(now)
        } else if (state === DhcpState.Rebooting && this.attempt < Time.Reboots) {
            this.question(now)
        } else {
            // no server answers: the address stays in use for the rest of its lease (section 3.2)
            this.course(now)
        }
    }

    /** Does what the lease requires by now (section 4.4.5): waits, renews, rebinds, or starts again. */
    private course(now: number): void {
        const s = this.stack
        const lease = this.lease
        const over = Math.idiv((now - this.since) | 0, 1000)
        this.elapsed += over
        this.since = (this.since + over * 1000) | 0
        const renewal = lease.getAt(Lease.Renewal, "i32")
        const rebinding = lease.getAt(Lease.Rebinding, "i32")
        let end = lease.getAt(Lease.Seconds, "i32")
        if (this.elapsed >= end) {
            this.lose(now)
            this.init(now)
            return
        }
        if (this.elapsed < renewal) {
            this.state = DhcpState.Bound
            this.armSeconds(s, renewal - this.elapsed)
            return
        }
        if (this.state === DhcpState.Bound) {
            this.xid = this.endpoints.random()
            this.started = now
        }
        this.state = DhcpState.Rebinding
        if (this.elapsed < rebinding) {
            this.state = DhcpState.Renewing
            end = rebinding
        }
        this.ask(DhcpType.Request)
        const left = end - this.elapsed
        const half = left >> 1
        const wait = Math.max(half, Time.Least)
        this.armSeconds(s, Math.min(wait, left))
    }

    /** Arms the timer for `seconds` after `since`, or for the longest time that it may run. */
    private armSeconds(s: Stack, seconds: number): void {
        this.arm(s, this.since, Math.min(seconds, Time.Most) * 1000)
    }

    override compose(s: Stack, now: number): number {
        const tx = s.tx
        const start: number = Frame.Transport + Udp.Size
        const state = this.state
        const type = this.message
        const seconds = Math.idiv((now - this.started) | 0, 1000)
        const clientIp = this.anonymous ? 0 : s.ip
        if (type === DhcpType.Request) this.asked = now
        let at = writeDhcp(tx, start, type, this.xid, Math.min(seconds, 0xffff), clientIp, s.mac)
        const ip = this.lease.getAt(Lease.Ip, "i32")
        if (clientIp === 0 && ip !== 0) at = writeAddress(tx, at, Option.RequestedIp, ip)
        // section 4.3.2: a REQUEST names the server only when it answers an offer
        if (state === DhcpState.Requesting || type === DhcpType.Decline)
            at = writeAddress(tx, at, Option.Server, this.lease.getAt(Lease.Server, "i32"))
        if (type !== DhcpType.Decline) {
            tx.setAt(at, "u16", Option.Parameters | (4 << 8))
            tx.setAt(
                at + 2,
                "i32",
                Option.Netmask | (Option.Router << 8) | (Option.Dns << 16) | (Option.Ntp << 24)
            )
            at += 6
            const name = this.name
            if (name) {
                tx.setAt(at, "u16", Option.HostName | (name.length << 8))
                tx.blitAt(at + 2, name, 0, name.length)
                at += 2 + name.length
            }
        }
        tx.setAt(at, "u8", Option.End)
        const length = at + 1 - start
        return Math.max(length, Dhcp.Shortest)
    }

    override arrives(packet: Packet, now: number): void {
        const { stack, at, length, sourcePort } = packet
        const heard = this.heard
        const state = this.state
        const lease = this.lease
        if (sourcePort !== DhcpPort.Server || !parseDhcp(stack.rx, at, length, this.xid, stack.mac, heard)) {
            this.dropped++
            return
        }
        const type = heard.getAt(Lease.Type, "u8")
        let server = heard.getAt(Lease.Server, "i32")
        const asked = state === DhcpState.Requesting || state >= DhcpState.Renewing
        // RFC 2131 table 3: an ACK must name its server. Some servers do so only in the OFFER
        if (server === 0 && asked && type === DhcpType.Ack) {
            server = lease.getAt(Lease.Server, "i32")
            heard.setAt(Lease.Server, "i32", server)
        }
        const chosen =
            server !== 0 && (state !== DhcpState.Requesting || server === lease.getAt(Lease.Server, "i32"))
        if (type === DhcpType.Offer && state === DhcpState.Selecting && server !== 0 && this.sound()) {
            // the client accepts the first offer
            lease.blitAt(0, heard, 0, Lease.Size)
            this.state = DhcpState.Requesting
            this.attempt = 0
            this.question(now)
        } else if (type === DhcpType.Nak && asked && chosen) {
            if (state !== DhcpState.Requesting) this.lose(now)
            lease.fillAt(0, Lease.Size, 0)
            this.retry(now, Time.Nak)
        } else if (
            type === DhcpType.Ack &&
            asked &&
            chosen &&
            heard.getAt(Lease.Ip, "i32") === lease.getAt(Lease.Ip, "i32") &&
            this.sound()
        ) {
            lease.blitAt(0, heard, 0, Lease.Size)
            this.due = false
            this.since = this.asked
            this.elapsed = 0
            if (state === DhcpState.Requesting) {
                this.state = DhcpState.Claiming
                this.armed = false
                this.guard.claim(lease.getAt(Lease.Ip, "i32"), this, now)
            } else {
                this.use(now)
                if (state === DhcpState.Rebooting) this.guard.announce(stack.ip, this, now)
            }
        } else this.dropped++
    }

    /** Returns true when the message in `heard` can be used. Replaces those of its options that are missing or not valid. */
    private sound(): boolean {
        const heard = this.heard
        const ip = heard.getAt(Lease.Ip, "i32")
        let netmask = heard.getAt(Lease.Netmask, "i32")
        if (!isNetmask(netmask)) {
            // the mask of the address's class, as before there were masks (RFC 950)
            netmask = netmaskOf(!(ip & 0x80) ? 8 : !(ip & 0x40) ? 16 : 24)
            heard.setAt(Lease.Netmask, "i32", netmask)
        }
        let router = 0
        for (let at: number = Lease.Router; at < Lease.Taken; at += 4) {
            const next = heard.getAt(at, "i32")
            if (next === ip || !isHostAddress(next, netmask)) continue
            // A router in our network comes first. A router outside of it counts as a neighbour, too: the mask may cover this
            // host only
            const inside = ((next ^ ip) & netmask) === 0
            if (router === 0 || inside) router = next
            if (inside) break
        }
        heard.setAt(Lease.Router, "i32", router)
        const seconds = heard.getAt(Lease.Seconds, "i32")
        const renewal = heard.getAt(Lease.Renewal, "i32")
        const rebinding = heard.getAt(Lease.Rebinding, "i32")
        if (renewal <= 0 || renewal >= rebinding || rebinding >= seconds) {
            // section 4.4.5: half of the lease, and seven eighths
            heard.setAt(Lease.Renewal, "i32", seconds >> 1)
            heard.setAt(Lease.Rebinding, "i32", seconds - (seconds >> 3))
        }
        return seconds >= Time.Lease && isHostAddress(ip, netmask)
    }

    /** Sets the stack's address to that of the lease. */
    private use(now: number): void {
        const lease = this.lease
        changeAddress(
            this.stack,
            lease.getAt(Lease.Ip, "i32"),
            lease.getAt(Lease.Netmask, "i32"),
            lease.getAt(Lease.Router, "i32"),
            now
        )
        this.anonymous = false
        this.dns = lease.getAt(Lease.Dns, "i32")
        this.dns2 = lease.getAt(Lease.Dns2, "i32")
        this.ntp = lease.getAt(Lease.Ntp, "i32")
        this.state = DhcpState.Bound
        this.course(now)
        this.changed(now)
    }

    /** Removes the stack's address. */
    private lose(now: number): void {
        this.guard.release()
        this.dns = 0
        this.dns2 = 0
        this.ntp = 0
        if (this.stack.ip === 0) return
        changeAddress(this.stack, 0, 0, 0, now)
        this.changed(now)
    }

    private retry(now: number, ms: number): void {
        this.state = DhcpState.Init
        this.due = false
        this.arm(this.stack, now, ms)
    }

    /** Starts to use the address, which no other host has. */
    claimed(now: number): void {
        if (this.state === DhcpState.Claiming) {
            this.use(now)
            return
        }
        // the fallback address: no server has offered one yet
        changeAddress(this.stack, this.fallbackIp, this.fallbackNetmask, this.fallbackGateway, now)
        this.changed(now)
    }

    /** Declines the address, which another host has (section 3.1, MUST). */
    conflict(now: number): void {
        const state = this.state
        if (state !== DhcpState.Claiming) this.lose(now)
        // the fallback address was in use: the client continues to ask
        if (state < DhcpState.Claiming) return
        this.xid = this.endpoints.random()
        this.retry(now, Time.Conflict)
        this.ask(DhcpType.Decline)
    }
}
