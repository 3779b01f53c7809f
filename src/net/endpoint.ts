// The base class of everything that sends and receives packets besides TCP: UDP's sockets and clients, ping, the address guard.

import type { TcpError } from "../tcp/records"
import { noteTimer } from "../tcp/state"
import { Protocol } from "../wire/ipv4"
import type { Stack } from "./stack"

/** `Endpoint.over` of an endpoint that sends and receives ARP packets. */
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
 * An endpoint says what it has to send (`due`), to whom (`remoteIp`), and when to call it if nothing is received (`deadline`). Its packet
 * is asked for only when the next hop's Ethernet address is known; until then the endpoint keeps it. No method that an `Endpoints` calls
 * does I/O, waits or allocates.
 */
export class Endpoint {
    /** The local port (UDP), or the identifier of echo requests (ICMP); 0 for none. */
    port = 0
    /** A packet is to be sent to `remoteIp`; over UDP, to `remotePort` there. */
    due = false
    remoteIp = 0
    remotePort = 0
    /** `expires` is to be called at `deadline`. */
    armed = false
    deadline = 0
    /** The multicast group whose datagrams the endpoint takes (UDP). */
    group = 0
    /** The endpoint sends from 0.0.0.0, whatever the host's address, and only broadcasts. */
    anonymous = false
    /** Packets that the endpoint did not take: there was no room, or they were not valid. */
    dropped = 0

    /** `over` is the IP protocol, or Over.Arp. */
    constructor(readonly over: Protocol | Over = Protocol.Udp) {}

    /** Returns true when the port or identifier is this endpoint's. */
    owns(port: number): boolean {
        return port !== 0 && port === this.port
    }

    /** Takes a packet. */
    arrives(_packet: Packet, _now: number): void {}

    /**
     * Writes the packet that was due at Frame.Transport of the transmit frame, a datagram's data Udp.Size later, and returns its length; -1
     * if there is nothing to send after all. `due` is false when this is called; the endpoint sets it again for another packet.
     */
    compose(_s: Stack, _now: number): number {
        return -1
    }

    /** Handles the end of the time that `arm` has set. */
    expires(_s: Stack, _now: number): void {}

    /** Handles that the packet that was due was given up: there is no route to `remoteIp`, or no ARP reply. */
    fails(_s: Stack, _now: number): void {}

    /** Handles an ICMP error: a packet to `ip`, over UDP to `port` there, did not arrive (RFC 1122 section 4.1.3.3). */
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
