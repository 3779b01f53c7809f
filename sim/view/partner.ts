// Names the host at the other end of a frame where it is not the host at the right lifeline: `from 10.0.0.8`, `to 10.0.0.8`.

import type { View } from "./dissect"
import type { Side } from "./ladder-style"

const BROADCAST = ["ff:ff:ff:ff:ff:ff", "255.255.255.255"]
const NO_ADDRESS = "0.0.0.0"
const REPLY = 2

/**
 * Returns words for the host to which the left host sends a frame, or from which the frame comes; an empty list if it is the right host, if
 * the frame goes to all, or if the frame's own words name it. `mac` is the right host's Ethernet address, "" while it is not known: a host
 * that has the IP address of the left or of the right host is named by its Ethernet address.
 */
export function partnerWords(view: View, from: Side, left: string, right: string, mac: string): string[] {
    if (view.kind === "malformed") return []
    const isOwn = from === "left"
    const station = isOwn ? view.destinationMac : view.sourceMac
    let ip = NO_ADDRESS
    if (view.kind === "arp") {
        if (!isOwn && view.operation === REPLY) return []
        ip = isOwn ? view.targetIp : view.senderIp
    } else if ("source" in view) ip = isOwn ? view.destination : view.source
    if (isOwn && (BROADCAST.includes(station) || BROADCAST.includes(ip))) return []
    const preposition = isOwn ? "to" : "from"
    if (ip === right) return mac === "" || mac === station ? [] : [preposition, station]
    return [preposition, ip === left || ip === NO_ADDRESS ? station : ip]
}
