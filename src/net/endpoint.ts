// Who takes and sends packets besides TCP: sockets and clients of UDP, a ping, who watches over the address.

import type { TcpError } from "../tcp/records"
import { noteTimer } from "../tcp/state"
import { Protocol } from "../wire/ipv4"
import type { Stack } from "./stack"

/** `Endpoint.over` of those that send and get ARP packets. */
export const enum Over {
    Arp = 0,
}

/** A packet that came in for an endpoint, while it is handed over. */
export interface Packet {
    readonly stack: Stack
    /** Where its data starts in the receive frame, and how many bytes that is. */
    readonly at: number
    readonly length: number
    /** The sender's address and port; the address that the packet was sent to. */
    readonly sourceIp: number
    readonly sourcePort: number
    readonly destination: number
}

/**
 * An endpoint says that it has something to send, to whom, and when it wants to be called if nothing comes. It is asked for
 * the packet when the Ethernet address of the next hop is known: until then the packet waits with its owner. None of what
 * an `Endpoints` calls does I/O, waits or allocates.
 */
export class Endpoint {
    /** UDP: the local port. ICMP: the identifier of echoes. 0 for none. */
    port = 0
    /** A packet is to be sent to `remoteIp`, UDP's to `remotePort`. */
    due = false
    remoteIp = 0
    remotePort = 0
    /** `expires` is to be called at `deadline`. */
    armed = false
    deadline = 0
    /** UDP: the multicast group it takes datagrams of. */
    group = 0
    /** Sends from 0.0.0.0, whatever the host's address: only to everybody. */
    anonymous = false
    /** What came for it and was not taken: out of room, or not what it has to be. */
    dropped = 0

    /** `over` is the IP protocol, or Over.Arp. */
    constructor(readonly over: Protocol | Over = Protocol.Udp) {}

    /** True when the port, or identifier, is its own. */
    owns(port: number): boolean {
        return port !== 0 && port === this.port
    }

    /** Takes a packet that came in for it. */
    arrives(_packet: Packet, _now: number): void {}

    /**
     * Writes what was due into the transmit frame, the data of a datagram from Frame.Data on, and gives its length; -1 if
     * there is nothing to send after all. `due` is false when it is called, and set again for more.
     */
    compose(_s: Stack, _now: number): number {
        return -1
    }

    /** The timer that `arm` has set is over. */
    expires(_s: Stack, _now: number): void {}

    /** What was due, and is no longer, could not be sent: there is no way to `remoteIp`, or nobody there answers to ARP. */
    fails(_s: Stack, _now: number): void {}

    /** ICMP says that what was sent to `ip`, UDP's to `port`, did not arrive (RFC 1122 section 4.1.3.3). */
    refused(_ip: number, _port: number, _error: TcpError, _now: number): void {}

    /** Has `compose` called when a packet may go. */
    send(s: Stack): void {
        this.due = true
        s.dirty = true
    }

    /** Has `expires` called in `ms` milliseconds. */
    arm(s: Stack, now: number, ms: number): void {
        this.armed = true
        this.deadline = (now + ms) | 0
        noteTimer(s, this.deadline)
    }
}
