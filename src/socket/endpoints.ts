// Gives a network's stack its endpoints (UDP, ping, DHCP, DNS) when a program first needs them.

import { netError } from "../base/errors"
import { UDP } from "../features"
import { Endpoints } from "../net/endpoint-table"
import type { NetworkInterface } from "./interface"

/** Returns the stack's endpoints. Creates them on the first call, because not every program needs them. */
export function endpointsOf(net: NetworkInterface): Endpoints {
    if (!UDP)
        throw netError("", "ENOSYS, UDP is left out of this program: take it from the list in package.json")
    return (net.stack.endpoints as Endpoints | undefined) || new Endpoints(net.stack)
}
