// The limits of the router, and its counters. No table of the router grows beyond these limits.

/** The limits. Whatever exceeds a limit is dropped and counted, never queued. */
export interface Limits {
    /** TCP connections with an open socket of this computer, incoming and outgoing together. */
    connections: number
    /** UDP ports of devices that have a socket of this computer. The port that is idle longest makes room for a new one. */
    udpPorts: number
    /** Remote hosts and ports that may send to one UDP port of a device. */
    udpPeers: number
    /** The time without a datagram after which a UDP port is closed, ms. */
    udpIdle: number
    /** Names that are looked up at the same time. */
    lookups: number
    /** Addresses leased by DHCP. */
    leases: number
    /** Duration of a lease, seconds. */
    leaseTime: number
    /**
     * The longest time that this computer may take to connect, ms. After that the device gets no answer, as from an unknown host.
     */
    connectTimeout: number
}

export const defaultLimits: Readonly<Limits> = {
    connections: 128,
    udpPorts: 64,
    udpPeers: 32,
    udpIdle: 60_000,
    lookups: 32,
    leases: 32,
    leaseTime: 86_400,
    connectTimeout: 30_000,
}

/** The counters, each a number of events. */
export interface Counters {
    /** Connections that devices opened. */
    outgoing: number
    /** Outgoing connections that were refused. */
    refused: number
    /** Outgoing connections that got no answer. */
    unanswered: number
    /** Connections to forwarded ports. */
    incoming: number
    /** Connections of either direction that were not opened because too many were open. */
    connectionsFull: number
    /** Connections that the device's side reset. */
    deviceResets: number
    /** Connections that this computer's side reset. */
    hostResets: number
    datagramsOut: number
    datagramsIn: number
    /** Datagrams from a host and port to which the device has not sent any. */
    udpStranger: number
    /** Datagrams that are too long for one packet. */
    udpTooLong: number
    /** Errors of this computer's UDP sockets. */
    udpFailed: number
    /** UDP ports that were closed to make room for another. */
    udpEvicted: number
    dhcp: number
    dhcpFull: number
    dns: number
    dnsFull: number
    /** Frames and packets to other hosts of the network. */
    notForUs: number
    /** Packets that are malformed, or have a wrong checksum. */
    malformed: number
    /** Packets with a source or destination address that no host can have. */
    martian: number
    /** Packets to other networks that are neither TCP nor UDP, such as pings. */
    unsupported: number
}

export function noCounts(): Counters {
    return {
        outgoing: 0,
        refused: 0,
        unanswered: 0,
        incoming: 0,
        connectionsFull: 0,
        deviceResets: 0,
        hostResets: 0,
        datagramsOut: 0,
        datagramsIn: 0,
        udpStranger: 0,
        udpTooLong: 0,
        udpFailed: 0,
        udpEvicted: 0,
        dhcp: 0,
        dhcpFull: 0,
        dns: 0,
        dnsFull: 0,
        notForUs: 0,
        malformed: 0,
        martian: 0,
        unsupported: 0,
    }
}
