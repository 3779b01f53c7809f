// The guard of this host's address: probes whether another host has it, announces it, and defends it (RFC 5227).

import { Arp, ArpOperation, arpOperation, arpRequest } from "../wire/arp"
import { Endpoint, Over, type Packet } from "./endpoint"
import type { Endpoints } from "./endpoint-table"
import type { Stack } from "./stack"

/** The owner of the address that the guard watches; the guard calls it with the outcome. */
export interface Claimant {
    /** Called when no other host has the address: the owner may set it. The guard announces it next. */
    claimed(now: number): void
    /** Called when another host has the address: the owner must not use it (any more). The guard does nothing further. */
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
    /** Probes before the address is used. RFC 5227 asks for 3, which take 4 to 7 seconds; 1 takes 2 to 3, 0 takes no time. */
    probes = 3
    /** True for an address that is never given up (section 2.4 (c)): one that a person has set. */
    keeps = false
    /** Number of times that another host used the address. */
    conflicts = 0
    private count = 0
    /** True when a conflict was answered within the last ten seconds. */
    private defended = false
    private owner: Claimant | undefined = undefined

    constructor(private readonly endpoints: Endpoints) {
        super(Over.Arp)
        endpoints.add(this)
    }

    /** Probes whether `ip` is free and calls `owner` with the outcome. Stops watching the previous address. */
    claim(ip: number, owner: Claimant, now: number): void {
        this.begin(GuardState.Probing, ip, owner, now, this.endpoints.randomBelow(Guard.ProbeWait))
    }

    /** Announces that this host already has `ip`, and defends it. */
    announce(ip: number, owner: Claimant, now: number): void {
        this.begin(GuardState.Announcing, ip, owner, now, 0)
    }

    /** Stops watching. */
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
            // the owner may have released the address, or claimed another one
            if (this.state !== GuardState.Announcing) return
        }
        this.send(s)
        if (++this.count < Guard.Announcements) this.arm(s, now, Guard.AnnounceInterval)
        else this.state = GuardState.Holding
    }

    /** Writes an ARP request for the address itself; the sender's address in a probe is 0.0.0.0 (section 1.1). */
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
        // this is our own packet, returned by the network
        if (
            rx.getAt(at + Arp.SenderMac, "i32") === s.macStart &&
            rx.getAt(at + Arp.SenderMac + 4, "u16") === s.macEnd
        )
            return
        const sender = rx.getAt(at + Arp.SenderIp, "i32")
        const probing = this.state === GuardState.Probing
        // section 2.1.1: another host that probes for the address wants to use it, too
        const rival = probing && sender === 0 && rx.getAt(at + Arp.TargetIp, "i32") === ip
        if (sender !== ip && !(rival && arpOperation(rx, at, Arp.Size) === ArpOperation.Request)) return
        this.conflicts++
        if (probing || (this.defended && !this.keeps)) {
            this.release()
            if (this.owner) this.owner.conflict(now)
        } else if (!this.defended) {
            // section 2.4 (b): the address is announced again, at most once in ten seconds
            this.state = GuardState.Holding
            this.defended = true
            this.send(s)
            this.arm(s, now, Guard.DefendInterval)
        }
    }
}
