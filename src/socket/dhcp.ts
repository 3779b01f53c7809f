// `ip: "dhcp"`: the DHCP client of net/dhcp.ts finds the address, and the address guard looks that nobody else has it.

import { AddressGuard } from "../net/address-guard"
import { DhcpClient } from "../net/dhcp"
import { interfaceAddress } from "./address-settings"
import { endpointsOf } from "./endpoints"
import type { Addressing, NetworkInterface } from "./interface"

export interface DhcpOptions {
    /** The name that the server gets to know: letters, digits and hyphens, 32 at most. */
    hostName?: string
    /** The address, such as "10.0.0.2/24", that is used when nobody answers for 28 seconds, and its router; none unless given. */
    fallback?: string
    gateway?: string
    /** Questions whether somebody has the address already, before it is used: 1 unless given, which takes 2 to 3 seconds; RFC 5227 says 3. */
    probes?: number
}

/** For startNetwork's `addressing`. */
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
            throw new Error(`hostName "${hostName}" is not letters, digits and hyphens`)
        if (fallback) {
            const address = interfaceAddress(fallback, gateway || "")
            client.fallbackIp = address.ip
            client.fallbackNetmask = address.netmask
            client.fallbackGateway = address.gateway
        }
        const { nameserver, nameserver2 } = net
        client.changed = () => {
            // those of the settings when it tells of none
            if (client.dns !== 0) net.setServers(client.dns, client.dns2)
            else net.setServers(nameserver, nameserver2)
        }
        client.start(net.now())
    }

    link(up: boolean, now: number): void {
        if (up && this.client) this.client.linkUp(now)
    }
}
