// Host names for `connect` and fetch: the resolver of net/dns.ts, with a wait for fibers.

import * as ds from "@devicescript/core"
import { netError } from "../base/errors"
import { Resolver as DnsResolver, DnsResult } from "../net/dns"
import { TcpError } from "../tcp/records"
import { resumed, type Worker } from "./driver-loop"
import { endpointsOf } from "./endpoints"
import type { NetworkInterface, Resolver } from "./interface"

/** Settings of `dns`. */
export interface DnsOptions {
    /** Questions and answers that are cached: 4 by default. */
    entries?: number
}

/**
 * Returns a DNS resolver (RFC 1035) for startNetwork's `resolver`. It asks the servers of the settings or of DHCP; for a name that ends
 * in .local it asks all hosts of this network by multicast DNS first (RFC 6762).
 */
export function dns(options?: DnsOptions): Resolver {
    return new Names(options || {})
}

class Names implements Resolver, Worker {
    private net: NetworkInterface | undefined
    private resolver: DnsResolver | undefined
    /** Waiting fibers: a fiber, then its ticket. */
    private readonly waits: unknown[] = []

    constructor(private readonly options: DnsOptions) {}

    start(net: NetworkInterface): void {
        this.net = net
        this.resolver = new DnsResolver(endpointsOf(net), this.options.entries || 4)
        net.add(this)
    }

    serversChanged(): void {
        if (this.net && this.resolver) this.resolver.setServers(this.net.nameserver, this.net.nameserver2)
    }

    async resolve(name: string, until: number): Promise<number[]> {
        const { net, resolver } = this
        if (!net || !resolver) return [0]
        const ticket = resolver.ask(name, net.now())
        net.flush()
        if (ticket === TcpError.Invalid) {
            throw netError(
                "",
                "EINVAL, this is not a host's name: use letters, digits and hyphens between dots"
            )
        }
        while (ticket > 0 && resolver.result(ticket) === DnsResult.Asking) {
            const left = until - ds.millis()
            if (left <= 0) throw netError("", "EAI_AGAIN")
            const fiber = ds.Fiber.self()
            this.waits.push(fiber, ticket)
            if (await ds.suspend<boolean>(left)) continue
            this.waits.insert(this.waits.indexOf(fiber), -2)
        }
        const result = ticket > 0 ? resolver.result(ticket) : DnsResult.Failed
        if (result === DnsResult.Found) {
            const { addresses } = resolver
            const ips: number[] = []
            for (let at = 0; at < addresses.length; at += 4) {
                const ip = addresses.getAt(at, "i32")
                if (ip !== 0) ips.push(ip)
            }
            // a server that blocks a name answers 0.0.0.0, which is no host's address
            if (ips.length > 0) return ips
        }
        throw netError(
            "",
            result === DnsResult.NoName || result === DnsResult.Found ? "ENOTFOUND" : "EAI_AGAIN"
        )
    }

    work(_now: number): void {
        const { waits, resolver } = this
        if (!resolver) return
        for (let i = 0; i < waits.length; ) {
            if (resolver.result(waits[i + 1] as number) === DnsResult.Asking) i += 2
            else {
                const fiber = waits[i] as ds.Fiber
                waits.insert(i, -2)
                resumed(fiber)
            }
        }
    }
}
