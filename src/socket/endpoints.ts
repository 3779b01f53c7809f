// Where UDP and its like have their place in a network's stack.

import { UDP } from "../features"
import { Endpoints } from "../net/endpoint-table"
import type { NetworkInterface } from "./interface"

/** The stack's endpoints; made for the first who asks, as not every program has any. */
export function endpointsOf(net: NetworkInterface): Endpoints {
    if (!UDP) throw new Error("UDP is left out of this program (src/features.ts)")
    return (net.stack.endpoints as Endpoints | undefined) || new Endpoints(net.stack)
}
