// Parses the settings of an interface's addresses, which are text.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { digest } from "@devicescript/crypto"
import { CONFIG_CHECKS } from "../features"
import { Address, decimal, ipv4Of, isHostAddress, macOf, netmaskOf } from "../net/address"

/** An interface's addresses, in network order. */
export interface InterfaceAddress {
    ip: number
    netmask: number
    /** The default router; 0 = none. */
    gateway: number
}

/** Returns the addresses for `ip`, such as "10.0.0.2/24", and `router` ("" = none). Throws an Error that says what is wrong. */
export function interfaceAddress(ip: string, router: string): InterfaceAddress {
    const slash = ip.indexOf("/")
    const own = ipv4Of(ip.slice(0, slash))
    // without a slash this is the whole text, which is no number if its beginning is an address
    const length = decimal(ip.slice(slash + 1))
    if (own === Address.None || length < 1 || length > 32) {
        throw new Error(`ip "${ip}" is not an address with a prefix length of 1 to 32, as 10.0.0.2/24 is`)
    }
    const netmask = netmaskOf(length)
    if (CONFIG_CHECKS ? !isHostAddress(own, netmask) : false)
        throw new Error(`ip "${ip}" cannot be a host's address`)
    if (router === "" || router === "0.0.0.0") return { ip: own, netmask, gateway: 0 }
    const gateway = ipv4Of(router)
    if (gateway === Address.None) throw new Error(`gateway "${router}" is not an IPv4 address`)
    if (CONFIG_CHECKS) {
        // the router of a host that is alone in its network (/32) is outside of that network
        const inside = length === 32 || ((gateway ^ own) & netmask) === 0
        if (!inside || gateway === own || !isHostAddress(gateway, netmask)) {
            throw new Error(`gateway ${router} is not another host in the network of ${ip}`)
        }
    }
    return { ip: own, netmask, gateway }
}

/**
 * Returns this station's Ethernet address: the one in `text` or, for "", a locally administered one derived from the device's id.
 */
export function macAddress(text: string): Buffer {
    if (text !== "") {
        const given = macOf(text)
        if (!given || (CONFIG_CHECKS ? given.getAt(0, "i32") === 0 && given.getAt(4, "u16") === 0 : false)) {
            throw new Error(`macAddress "${text}" is not a station's address, as 02:00:00:00:00:02 is`)
        }
        return given
    }
    const address = Buffer.alloc(6)
    address.blitAt(1, digest("sha256", Buffer.from(ds.deviceIdentifier("self"))), 0, 5)
    // IEEE 802: locally administered, not a group
    address.setAt(0, "u8", 2)
    return address
}
