// What the user-mode network holds at most, and what it counts. Nothing in it grows beyond these.

/** Every number here is a bound: what goes beyond is dropped and counted, never queued. */
export interface Limits {
    /** TCP connections with a socket of the host, both directions together. */
    connections: number
    /** UDP ports of devices with a socket of the host; the one idle longest goes. */
    udpPorts: number
    /** Hosts and ports that may answer one UDP port. */
    udpPeers: number
    /** Milliseconds without a datagram after which a UDP port is given up. */
    udpIdle: number
    /** Names being looked up at once. */
    lookups: number
    /** Addresses given out by DHCP. */
    leases: number
    /** Seconds that a lease lasts. */
    leaseTime: number
    /**
     * Milliseconds that the host may take to connect; then the device hears nothing, as from a host that is
     * not there.
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

/** What came of things; each counter is how often. */
export interface Counters {
    /** Connections that devices asked for, of those refused by the host, and of those nobody answered. */
    outgoing: number
    refused: number
    unanswered: number
    /** Connections of the host through a forward. */
    incoming: number
    /** Of either kind, not taken because there were too many. */
    connectionsFull: number
    /** Resets that came from the device's side, and from the host's. */
    deviceResets: number
    hostResets: number
    datagramsOut: number
    datagramsIn: number
    /**
     * Datagrams from hosts that the device never wrote to, or too long for one packet, or refused by the
     * host.
     */
    udpStranger: number
    udpTooLong: number
    udpFailed: number
    udpEvicted: number
    dhcp: number
    dhcpFull: number
    dns: number
    dnsFull: number
    /**
     * Frames to others, and packets that are malformed, with a wrong checksum, or from or to nobody's
     * address.
     */
    notForUs: number
    malformed: number
    martian: number
    /** Packets to other hosts that are neither TCP nor UDP: pings, above all. */
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
