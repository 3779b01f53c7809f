// Decides which frames of a shared network belong into the picture of one host, and words its remarks.

import type { View } from "./dissect"
import { dropped } from "./drop-words"

/** The UDP port of DHCP clients. */
const DHCP_CLIENT = 68

/**
 * Drops that are not drawn: ARP requests for other hosts, broadcasts that the host does not serve, such as DHCP's, and what is
 * answered by a reset, which is drawn.
 */
const HARMLESS: readonly string[] = ["arp-ignored", "ip-source", "udp-no-port", "tcp-no-connection"]

/** Returns true when a frame comes from or goes to the host with these addresses; other frames are not drawn. */
export function concerns(view: View, ip: string, mac = ""): boolean {
    // a DHCP server's broadcast
    if (view.kind === "udp" && view.destinationPort === DHCP_CLIENT) return true
    if (view.kind === "arp") return view.senderIp === ip || view.targetIp === ip
    if (mac !== "" && "destinationMac" in view && view.destinationMac === mac) return true
    return !("source" in view) || view.source === ip || view.destination === ip
}

/** Returns the remark on a frame that a host's stack dropped; undefined for a harmless drop. */
export function dropWords(name: string, reason: string): string | undefined {
    return HARMLESS.includes(reason) ? undefined : `${name} dropped ${dropped(reason)}`
}

/** Returns the remark on a connection that failed at a host. */
export function failureWords(name: string, error: string): string {
    if (error === "ECONNABORTED") return `${name}: the program aborted the connection`
    return `${name}: the connection failed, ${error}`
}
