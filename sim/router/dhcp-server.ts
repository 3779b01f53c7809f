// The router's DHCP server (RFC 2131 section 4.3). The server keeps a client's address as long as the router runs.

import { swap32 } from "../../src/base/bytes"
import { ipv4Of, ipv4Text, netmaskOf } from "../../src/net/address"
import { type Answer, type ClientMessage, Message, parseDhcp, writeDhcp } from "./dhcp"
import type { Counters, Limits } from "./limits"

export const DHCP_SERVER_PORT = 67
export const DHCP_CLIENT_PORT = 68
const NOBODY = "0.0.0.0"

interface DhcpOptions {
    router: string
    prefix: number
    /** The first client gets this address, each further client the next free one. */
    first: string
    limits: Limits
    counters: Counters
}

/** The server's reply and its destination. */
interface DhcpReply {
    readonly bytes: Uint8Array
    /** The destination: the client's own address, or the broadcast address. */
    readonly ip: string
    readonly broadcast: boolean
}

/** How a DHCP server behaves: it answers, is silent, refuses all requests, or offers a lease that no client can use. */
export type DhcpMode = "on" | "off" | "refuse" | "unusable"

export class DhcpServer {
    mode: DhcpMode = "on"
    /** Addresses by the client's Ethernet address in hexadecimal digits. */
    private readonly leases = new Map<string, string>()
    /** Addresses that a client declined because another host has them, and that no client gets (section 4.3.3, MUST). */
    private readonly taken = new Set<string>()

    constructor(private readonly options: DhcpOptions) {}

    /** Handles a datagram to the server's port; returns undefined when the server sends no reply. */
    receive(bytes: Uint8Array): DhcpReply | undefined {
        const client = parseDhcp(bytes)
        if (client === undefined) return undefined
        this.options.counters.dhcp++
        const answer = this.mode === "off" ? undefined : this.decide(client)
        if (answer === undefined) return undefined
        const { router, prefix } = this.options
        const written = writeDhcp(client, answer, { router, mask: ipv4Text(netmaskOf(prefix)) })
        return { bytes: written, ...whereTo(client, answer) }
    }

    private decide(client: ClientMessage): Answer | undefined {
        const { router, limits } = this.options
        const key = hex(client.chaddr)
        switch (client.type) {
            case Message.Discover: {
                const yiaddr = this.addressFor(key)
                return yiaddr === undefined
                    ? undefined
                    : { type: Message.Offer, yiaddr, lease: this.mode === "unusable" ? 0 : limits.leaseTime }
            }
            case Message.Request:
                return client.server !== undefined && client.server !== router
                    ? this.chosenOther(key)
                    : this.request(client, key)
            case Message.Release:
                if (this.leases.get(key) === client.ciaddr) this.leases.delete(key)
                return undefined
            case Message.Inform:
                // section 4.3.5: no lease time, no yiaddr
                return { type: Message.Ack, yiaddr: NOBODY, lease: undefined }
            case Message.Decline:
                return this.declined(client, key)
            default:
                return undefined
        }
    }

    /**
     * Decides on a REQUEST in SELECTING, INIT-REBOOT, RENEWING and REBINDING (section 4.3.2): a client may have its own address,
     * or the one that the server would offer to it.
     */
    private request(client: ClientMessage, key: string): Answer | undefined {
        const wanted = client.requested ?? client.ciaddr
        const own = this.addressFor(key)
        if (own === undefined) return undefined
        if (wanted !== own || this.mode === "refuse")
            return { type: Message.Nak, yiaddr: NOBODY, lease: undefined }
        return { type: Message.Ack, yiaddr: own, lease: this.options.limits.leaseTime }
    }

    /** Frees the address that was offered to a client that has chosen another server. */
    private chosenOther(key: string): undefined {
        this.leases.delete(key)
    }

    /**
     * Takes a declined address out of use, if it was offered to this client: a client cannot decline another client's address.
     */
    private declined(client: ClientMessage, key: string): undefined {
        const { router, limits } = this.options
        const ip = this.leases.get(key)
        if (client.server !== router || ip === undefined || client.requested !== ip) return
        this.leases.delete(key)
        this.taken.add(ip)
        // the list is full: the host that used the oldest of these addresses may have left
        const [oldest] = this.taken
        if (this.taken.size > limits.leases && oldest !== undefined) this.taken.delete(oldest)
    }

    private addressFor(key: string): string | undefined {
        const known = this.leases.get(key)
        if (known !== undefined) return known
        const { first, router, prefix, limits, counters } = this.options
        if (this.leases.size < limits.leases) {
            const taken = new Set([router, ...this.leases.values(), ...this.taken])
            for (const ip of hostsFrom(first, prefix, taken.size + 2)) {
                if (taken.has(ip)) continue
                this.leases.set(key, ip)
                return ip
            }
        }
        counters.dhcpFull++
        return undefined
    }
}

/** Returns the destination of a reply (RFC 2131 section 4.1). */
function whereTo(client: ClientMessage, { type, yiaddr }: Answer): { ip: string; broadcast: boolean } {
    const everybody = { ip: "255.255.255.255", broadcast: true }
    if (type === Message.Nak) return everybody
    if (client.ciaddr !== NOBODY) return { ip: client.ciaddr, broadcast: false }
    return client.broadcast || yiaddr === NOBODY ? everybody : { ip: yiaddr, broadcast: false }
}

/** Returns at most `count` host addresses of the network, from `first` on; the lowest address follows the highest. */
function* hostsFrom(first: string, prefix: number, count: number): Generator<string> {
    const mask = swap32(netmaskOf(prefix))
    const network = swap32(ipv4Of(first)) & mask
    const size = ~mask >>> 0
    let host = (swap32(ipv4Of(first)) & ~mask) >>> 0
    for (let i = 0; i < count; i++) {
        if (host === 0 || host >= size) host = 1
        yield ipv4Text(swap32(network | host))
        host++
    }
}

function hex(bytes: Uint8Array): string {
    return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("")
}
