// DHCP for a network: connects the client of net/dhcp.ts and the address guard to a NetworkInterface.

import { AddressGuard } from "../net/address-guard"
import { DhcpClient } from "../net/dhcp"
import { interfaceAddress } from "./address-settings"
import { endpointsOf } from "./endpoints"
import type { Addressing, NetworkInterface } from "./interface"

/** Settings of `dhcp`. */
export interface DhcpOptions {
    /** The host name that is sent to the server: letters, digits and hyphens, at most 32; none by default. */
    hostName?: string
    /** The address that is used when no server answers for 28 seconds, such as "10.0.0.2/24"; none by default. */
    fallback?: string
    /** The router to use with `fallback`; none by default. */
    gateway?: string
    /**
     * ARP probes for the address before it is used: 1 by default, which takes 2 to 3 seconds; RFC 5227 section 1.1 asks for 3.
     */
    probes?: number
}

/**
 * Returns a DHCP client (RFC 2131) for startNetwork's `addressing`. `startNetwork` throws a NetError EINVAL for a host name or fallback
 * address that is not valid.
 */
export function dhcp(options?: DhcpOptions): Addressing {
    return new DhcpAddressing(options || {})
}

class DhcpAddressing implements Addressing {
    private client: DhcpClient | undefined

    constructor(private readonly options: DhcpOptions) {}

    start(net: NetworkInterface): void {
        const { hostName, fallback, gateway, probes } = this.options
        const endpoints = endpointsOf(net)
        const guard = new AddressGuard(endpoints)
        guard.probes = probes === undefined ? 1 : probes
        const client = new DhcpClient(endpoints, guard)
        this.client = client
        if (hostName && !client.setHostName(hostName))
            throw new Error(`hostName "${hostName}" must be 1 to 32 letters, digits and hyphens`)
        if (fallback) {
            const address = interfaceAddress(fallback, gateway || "")
            client.fallbackIp = address.ip
            client.fallbackNetmask = address.netmask
            client.fallbackGateway = address.gateway
        }
        const { nameserver, nameserver2 } = net
        client.changed = () => {
            // if the lease has no name servers, those of the settings stay
            if (client.dns !== 0) net.setServers(client.dns, client.dns2)
            else net.setServers(nameserver, nameserver2)
        }
        client.start(net.now())
    }

    link(up: boolean, now: number): void {
        if (up && this.client) this.client.linkUp(now)
    }
}
