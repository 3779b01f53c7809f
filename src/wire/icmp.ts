// The Internet Control Message Protocol (RFC 792): echo, and errors about packets that were sent.

/** Offsets in an ICMP message, from its first byte. */
export const enum Icmp {
    Type = 0,
    Code = 1,
    Checksum = 2,
    /** Echo: identifier and sequence number. Unreachable: unused, then the next hop's MTU (RFC 1191). */
    Rest = 4,
    NextHopMtu = 6,
    /** Echo: data. Unreachable: the header and the first 8 bytes of the packet that was not delivered. */
    Data = 8,
    /** Length of the header. */
    Size = 8,
}

export const enum IcmpType {
    EchoReply = 0,
    Unreachable = 3,
    Echo = 8,
    TimeExceeded = 11,
    ParameterProblem = 12,
}

/** Codes of "destination unreachable". */
export const enum Unreachable {
    Net = 0,
    Host = 1,
    Protocol = 2,
    Port = 3,
    FragmentationNeeded = 4,
    /** An administrator prohibits traffic: to the network, to the host, or any communication (RFC 1812 section 5.2.7.1). */
    NetProhibited = 9,
    HostProhibited = 10,
    Prohibited = 13,
}
