// The base class of everything that sends and receives packets besides TCP: UDP's sockets and clients, ping, the address guard.

import type { TcpError } from "../tcp/records"
import { noteTimer } from "../tcp/state"
import { Protocol } from "../wire/ipv4"
import type { Stack } from "./stack"

/** The value of `Endpoint.over` for an endpoint that sends and receives ARP packets. */
export const enum Over {
    Arp = 0,
}

/** A packet for an endpoint, valid while `arrives` runs. */
export interface Packet {
    readonly stack: Stack
    /** Offset and length of the packet's data in the receive frame. */
    readonly at: number
    readonly length: number
    /** The sender's address and port, and the address that the packet was sent to. */
    readonly sourceIp: number
    readonly sourcePort: number
    readonly destination: number
}

/**
 * An endpoint reports whether it has a packet to send (`due`), to which host (`remoteIp`), and when to call it if nothing is
 * received (`deadline`). `compose` is called only when the next hop's Ethernet address is known; until then the endpoint keeps
 * its packet. No method that an `Endpoints` calls does I/O, waits or allocates.
 */
export class Endpoint {
    /** The local port (UDP), or the identifier of echo requests (ICMP); 0 = none. */
    port = 0
    /** True when a packet for `remoteIp` (over UDP: port `remotePort`) is due. */
    due = false
    remoteIp = 0
    remotePort = 0
    /** True when `expires` has to be called at `deadline`. */
    armed = false
    deadline = 0
    /** The multicast group whose datagrams the endpoint accepts (UDP). */
    group = 0
    /** True when the endpoint sends from 0.0.0.0, whatever the host's address, and only broadcasts. */
    anonymous = false
    /** Packets that the endpoint dropped: its queue was full, or they were not valid. */
    dropped = 0

    /** `over` is the IP protocol, or Over.Arp. */
    constructor(readonly over: Protocol | Over = Protocol.Udp) {}

    /** Returns true when the port or identifier is this endpoint's. */
    owns(port: number): boolean {
        return port !== 0 && port === this.port
    }

    /** Handles a packet for this endpoint. */
    arrives(_packet: Packet, _now: number): void {}

    /**
     * Writes the packet that was due at Frame.Transport of the transmit frame, a datagram's data Udp.Size later, and returns its
     * length; -1 if no packet is due after all. `due` is false when this is called; the endpoint sets it again for another
     * packet.
     */
    compose(_s: Stack, _now: number): number {
        return -1
    }

    /** Handles the timer that `arm` has started, when it expires. */
    expires(_s: Stack, _now: number): void {}

    /** Handles the loss of the packet that was due: `remoteIp` has no route, or ARP got no reply. */
    fails(_s: Stack, _now: number): void {}

    /** Handles an ICMP error: a packet to `ip` (over UDP: to its port `port`) did not arrive (RFC 1122 section 4.1.3.3). */
    refused(_ip: number, _port: number, _error: TcpError, _now: number): void {}

    /** Schedules a call of `compose`, as soon as a packet may be sent. */
    send(s: Stack): void {
        this.due = true
        s.dirty = true
    }

    /** Schedules a call of `expires` in `ms` milliseconds. */
    arm(s: Stack, now: number, ms: number): void {
        this.armed = true
        this.deadline = (now + ms) | 0
        noteTimer(s, this.deadline)
    }
}
