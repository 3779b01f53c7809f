// The device's own name, <name>.local, for a network: starts the responder of net/mdns.ts whenever the address changes.

import { Responder, ResponderState } from "../net/mdns"
import { endpointsOf } from "./endpoints"
import type { NetworkInterface } from "./interface"

/** A name that the device is known by on its network. */
export interface PublishedName {
    /** The name that is used or probed for, without ".local". */
    readonly text: string
}

/**
 * Publishes the device as `<name>.local` over multicast DNS (RFC 6762), from now on and while it has an address. `name` is
 * letters, digits and hyphens, at most 48; any other name is not published. When another host has the name, `<name>-2` and so on
 * are tried: the result's `text` is the name in use. Throws a NetError ENOSYS in a program without UDP (src/features.ts).
 */
export function publishName(net: NetworkInterface, name: string): PublishedName {
    const endpoints = endpointsOf(net)
    const responder = new Responder(endpoints)
    endpoints.named = responder
    net.mac.multicast = true
    let ip = 0
    const follow = () => {
        const now = net.isUp() ? net.stack.ip : 0
        if (now === ip) return
        ip = now
        if (ip !== 0) responder.start(name, net.now())
        else if (responder.state !== ResponderState.Off) responder.stop()
        net.flush()
    }
    net.onchange.subscribe(follow)
    follow()
    return responder
}
