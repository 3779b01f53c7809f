// The DHCP client (RFC 2131): asks for an address, keeps it, gives it up when it must.

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

/** RFC 2131 figure 5; Claiming is between ACK and BOUND, while the address is probed for (section 4.4.1). */
export const enum DhcpState {
    Off = 0,
    /** After a NAK or a conflict, before it begins anew. */
    Init = 1,
    Selecting = 2,
    Requesting = 3,
    Claiming = 4,
    Bound = 5,
    Renewing = 6,
    Rebinding = 7,
    /** INIT-REBOOT's question is asked; the address is used meanwhile, as its lease runs on (section 3.2). */
    Rebooting = 8,
}

const enum Time {
    /** ms: the first wait for an answer, which doubles; each is up to a second more or less (section 4.1). */
    First = 4000,
    Jitter = 1000,
    /** Times that the wait doubles. */
    Doublings = 4,
    /** Section 3.1 (5): questions for one offer, and after the cable came back. */
    Requests = 4,
    Reboots = 3,
    /** ms until it begins anew, after a conflict (section 3.1, SHOULD) and after a NAK. */
    Conflict = 10000,
    Nak = 1000,
    /** Seconds between two questions in RENEWING and REBINDING (section 4.4.5). */
    Least = 60,
    /** Seconds that a timer runs at most: milliseconds of a lease may be too many for a number. */
    Most = 86400,
    /** Seconds of the shortest lease that is taken. */
    Lease = 10,
}

const enum HostName {
    Most = 32,
}

/**
 * Has the stack get its address from a server. When it has one, or loses it, `changed` is called. Connections live as long as
 * their address: a lease that is renewed or found again after the cable was out keeps them, one that is lost ends them
 * (change-address.ts).
 */
export class DhcpClient extends Endpoint implements Claimant {
    state = DhcpState.Off
    /** What the server told besides the address: two name servers and a time server, 0 for none. */
    dns = 0
    dns2 = 0
    ntp = 0
    /** Called when the address, or one of the above, has changed. */
    changed: (now: number) => void = () => {}
    /** The address that is used after so many questions (at 4, 12, 28 … seconds) that nobody answered; none if 0. */
    fallbackIp = 0
    fallbackNetmask = 0
    fallbackGateway = 0
    fallbackAfter = 3
    private readonly stack: Stack
    /** What a server says, and what was agreed on. */
    private readonly heard = Buffer.alloc(Lease.Size)
    private readonly lease = Buffer.alloc(Lease.Size)
    private name: Buffer | undefined = undefined
    private message = DhcpType.Discover
    private xid = 0
    private attempt = 0
    /** When asking began, and when the answer was asked for that counts. */
    private started = 0
    private asked = 0
    /** The lease's seconds that are over at `since`. */
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

    /** The name that the server gets to know: letters, digits and hyphens, 32 at most; false for any other. */
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

    /** Begins to ask. The stack has no address until there is an answer. */
    start(now: number): void {
        if (this.state !== DhcpState.Off) return
        changeAddress(this.stack, 0, 0, 0, now)
        this.init(now)
    }

    /** Ends it: the address is no longer used. */
    stop(now: number): void {
        this.lose(now)
        this.state = DhcpState.Off
        this.armed = false
        this.due = false
    }

    /** The cable is back. It may lead to another network: whether the address is still good there is asked first (section 3.7). */
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

    /** INIT: everybody is asked for an address. */
    private init(now: number): void {
        this.state = DhcpState.Selecting
        // what somebody else has is not asked for again
        if (this.message === DhcpType.Decline) this.lease.fillAt(0, Lease.Size, 0)
        this.xid = this.endpoints.random()
        this.started = now
        this.attempt = 0
        this.question(now)
    }

    /** Sends what belongs to the state, and waits for the answer. */
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
        // section 4.1: who has no address yet, or is not sure of it, asks everybody from none
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
            // nobody knows: the address stays for the rest of its lease (section 3.2)
            this.course(now)
        }
    }

    /** Section 4.4.5: what is to be done about the lease at this time. */
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

    /** The timer, so many seconds behind `since`. */
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
        // section 4.3.2: only who answers an offer says whose
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
        // RFC 2131 table 3: an answer has to say whose it is. Some servers do in the offer only
        if (server === 0 && asked && type === DhcpType.Ack) {
            server = lease.getAt(Lease.Server, "i32")
            heard.setAt(Lease.Server, "i32", server)
        }
        const chosen =
            server !== 0 && (state !== DhcpState.Requesting || server === lease.getAt(Lease.Server, "i32"))
        if (type === DhcpType.Offer && state === DhcpState.Selecting && server !== 0 && this.sound()) {
            // the first that comes
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

    /** True when what was heard can be used; what is missing in it is filled in. */
    private sound(): boolean {
        const heard = this.heard
        const ip = heard.getAt(Lease.Ip, "i32")
        let netmask = heard.getAt(Lease.Netmask, "i32")
        if (!isNetmask(netmask)) {
            // by its class, as before there were masks (RFC 950)
            netmask = netmaskOf(!(ip & 0x80) ? 8 : !(ip & 0x40) ? 16 : 24)
            heard.setAt(Lease.Netmask, "i32", netmask)
        }
        let router = 0
        for (let at: number = Lease.Router; at < Lease.Taken; at += 4) {
            const next = heard.getAt(at, "i32")
            if (next === ip || !isHostAddress(next, netmask)) continue
            // one of another network is a neighbour all the same, if there is none of ours: the mask may be of this host alone
            const inside = ((next ^ ip) & netmask) === 0
            if (router === 0 || inside) router = next
            if (inside) break
        }
        heard.setAt(Lease.Router, "i32", router)
        const seconds = heard.getAt(Lease.Seconds, "i32")
        const renewal = heard.getAt(Lease.Renewal, "i32")
        const rebinding = heard.getAt(Lease.Rebinding, "i32")
        if (renewal <= 0 || renewal >= rebinding || rebinding >= seconds) {
            // section 4.4.5: half, and seven eighths
            heard.setAt(Lease.Renewal, "i32", seconds >> 1)
            heard.setAt(Lease.Rebinding, "i32", seconds - (seconds >> 3))
        }
        return seconds >= Time.Lease && isHostAddress(ip, netmask)
    }

    /** The address was agreed on. */
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

    /** The address must no longer be used. */
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

    /** Nobody else has the address. */
    claimed(now: number): void {
        if (this.state === DhcpState.Claiming) {
            this.use(now)
            return
        }
        // the fallback: nobody has offered anything yet
        changeAddress(this.stack, this.fallbackIp, this.fallbackNetmask, this.fallbackGateway, now)
        this.changed(now)
    }

    /** Somebody else has it: the server is told (section 3.1, MUST). */
    conflict(now: number): void {
        const state = this.state
        if (state !== DhcpState.Claiming) this.lose(now)
        // the fallback: asking goes on
        if (state < DhcpState.Claiming) return
        this.xid = this.endpoints.random()
        this.retry(now, Time.Conflict)
        this.ask(DhcpType.Decline)
    }
}
