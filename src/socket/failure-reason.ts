// Why a connection failed, in the words that a program receives.

import { ipv4Text } from "../net/address"
import { findNeighbour, nextHop } from "../net/arp"
import { Neighbour, NeighbourState } from "../net/neighbour-record"
import type { Stack } from "../net/stack"
import { errorName, TcpError } from "../tcp/records"

/** Returns why a connection to `ip` ended with `error`: for Unreachable, the hop that failed. */
export function failureReason(stack: Stack, error: TcpError, ip: number): string {
    if (error !== TcpError.Unreachable) return errorName(error)
    const hop = nextHop(stack, ip)
    if (hop === 0) return "EHOSTUNREACH, the host is not on this network, and no router is set"
    const n = findNeighbour(stack, hop)
    return n >= 0 && stack.neighbours.getAt(n + Neighbour.State, "u8") >= NeighbourState.Known
        ? "EHOSTUNREACH, a router reports no route to the host"
        : `EHOSTUNREACH, ${ipv4Text(hop)} does not answer ARP: is it on, and on this network?`
}
