// The device's own name, <name>.local, for a network: starts the responder of net/mdns.ts whenever the address changes.

import { Responder, ResponderState } from "../net/mdns"
import { endpointsOf } from "./endpoints"
import type { NetworkInterface } from "./interface"

/**
 * Answers for `<name>.local` by multicast DNS from now on, while there is an address, and returns the responder. Its `text` is the name in
 * use: another one, such as `<name>-2`, if another host has the name. A name has 1 to 48 letters, digits and hyphens; one that is not
 * valid is never answered for.
 */
export function publishName(net: NetworkInterface, name: string): Responder {
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
