// Gives a network's stack its endpoints (UDP, ping, DHCP, DNS) when a program first needs them.

import { UDP } from "../features"
import { Endpoints } from "../net/endpoint-table"
import type { NetworkInterface } from "./interface"

/** Returns the stack's endpoints. Creates them on the first call, because not every program needs them. */
export function endpointsOf(net: NetworkInterface): Endpoints {
    if (!UDP) throw new Error("UDP is left out of this program (src/features.ts)")
    return (net.stack.endpoints as Endpoints | undefined) || new Endpoints(net.stack)
}
