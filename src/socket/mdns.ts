// The device's own name, <name>.local, whatever its address is: net/mdns.ts follows the interface.

import { Responder, ResponderState } from "../net/mdns"
import { endpointsOf } from "./endpoints"
import type { NetworkInterface } from "./interface"

/**
 * Answers for `<name>.local` from now on, while there is an address. The responder's `text` is the name that is used: another one,
 * such as `<name>-2`, when somebody else has it. A name is letters, digits and hyphens, 48 at most.
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
