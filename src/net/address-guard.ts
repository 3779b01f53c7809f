// Watches over this host's address: probes for others that have it, announces it, defends it (RFC 5227).

import { Arp, ArpOperation, arpOperation, arpRequest } from "../wire/arp"
import { Endpoint, Over, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import type { Stack } from "./stack"

/** Whose the address is. */
export interface Claimant {
    /** Nobody else has the address: it may be set. It is announced after this. */
    claimed(now: number): void
    /** Somebody else has it: it must not be used (any more). Nothing more is done about it. */
    conflict(now: number): void
}

/** RFC 5227 section 1.1, ms. */
const enum Guard {
    ProbeWait = 1000,
    ProbeMin = 1000,
    ProbeSpread = 1000,
    AnnounceWait = 2000,
    Announcements = 2,
    AnnounceInterval = 2000,
    DefendInterval = 10000,
}

export const enum GuardState {
    Idle = 0,
    Probing = 1,
    Announcing = 2,
    Holding = 3,
}

export class AddressGuard extends Endpoint {
    state = GuardState.Idle
    /** Probes before an address is taken: RFC 5227 says 3, which takes 4 to 7 seconds; with 1 it is 2 to 3, with 0 none. */
    probes = 3
    /** Never gives the address up (RFC 5227 section 2.4 c): for one that a person has chosen. */
    keeps = false
    /** Times that somebody else used the address. */
    conflicts = 0
    private count = 0
    /** A conflict was answered in these ten seconds. */
    private defended = false
    private owner: Claimant | undefined = undefined

    constructor(private readonly endpoints: Endpoints) {
        super(Over.Arp)
        endpoints.add(this)
    }

    /** Finds out whether `ip` is free; `owner` is told. What was watched over before no longer is. */
    claim(ip: number, owner: Claimant, now: number): void {
        this.begin(GuardState.Probing, ip, owner, now, this.endpoints.randomBelow(Guard.ProbeWait))
    }

    /** Tells everybody that this host has `ip` already, and defends it. */
    announce(ip: number, owner: Claimant, now: number): void {
        this.begin(GuardState.Announcing, ip, owner, now, 0)
    }

    /** Watches over nothing. */
    release(): void {
        this.state = GuardState.Idle
        this.due = false
        this.armed = false
    }

    private begin(state: GuardState, ip: number, owner: Claimant, now: number, wait: number): void {
        this.state = state
        this.remoteIp = ip
        this.owner = owner
        this.count = 0
        this.defended = false
        this.due = false
        this.arm(this.endpoints.stack, now, wait)
    }

    override expires(s: Stack, now: number): void {
        if (this.state === GuardState.Holding) {
            this.defended = false
            return
        }
        if (this.state === GuardState.Probing) {
            if (this.count < this.probes) {
                this.count++
                this.send(s)
                const last = this.count === this.probes
                const spread = last ? Guard.AnnounceWait : this.endpoints.randomBelow(Guard.ProbeSpread)
                this.arm(s, now, last ? spread : Guard.ProbeMin + spread)
                return
            }
            this.state = GuardState.Announcing
            this.count = 0
            if (this.owner) this.owner.claimed(now)
            // it may have thought better of it
            if (this.state !== GuardState.Announcing) return
        }
        this.send(s)
        if (++this.count < Guard.Announcements) this.arm(s, now, Guard.AnnounceInterval)
        else this.state = GuardState.Holding
    }

    /** A request for the address itself; a probe (section 1.1) comes from no address. */
    override compose(s: Stack): number {
        const sender = this.state === GuardState.Probing ? 0 : this.remoteIp
        return arpRequest(s.tx, s.mac, sender, this.remoteIp)
    }

    override arrives(packet: Packet, now: number): void {
        const s = packet.stack
        const rx = s.rx
        const at = packet.at
        const ip = this.remoteIp
        if (this.state === GuardState.Idle) return
        // our own, back from somewhere
        if (
            rx.getAt(at + Arp.SenderMac, "i32") === s.macStart &&
            rx.getAt(at + Arp.SenderMac + 4, "u16") === s.macEnd
        )
            return
        const sender = rx.getAt(at + Arp.SenderIp, "i32")
        const probing = this.state === GuardState.Probing
        // section 2.1.1: who else probes for it, wants it as well
        const rival = probing && sender === 0 && rx.getAt(at + Arp.TargetIp, "i32") === ip
        if (sender !== ip && !(rival && arpOperation(rx, at, Arp.Size) === ArpOperation.Request)) return
        this.conflicts++
        if (probing || (this.defended && !this.keeps)) {
            this.release()
            if (this.owner) this.owner.conflict(now)
        } else if (!this.defended) {
            // section 2.4 (b): once in ten seconds it is announced again
            this.state = GuardState.Holding
            this.defended = true
            this.send(s)
            this.arm(s, now, Guard.DefendInterval)
        }
    }
}
