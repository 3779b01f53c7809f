// What the stack counts. Everything that is dropped is counted under the reason.

/** Offsets in `stack.counters`, 32 bits each. `counterNames` has them in the same order. */
export const enum Counter {
    FramesIn = 0,
    FramesOut = 4,
    SegmentsIn = 8,
    SegmentsOut = 12,
    Retransmits = 16,
    ResetsSent = 20,
    ChallengeAcks = 24,
    /** First of the drops. */
    FrameShort = 28,
    NotForUs = 32,
    UnknownType = 36,
    ArpMalformed = 40,
    ArpIgnored = 44,
    IpMalformed = 48,
    IpChecksum = 52,
    IpFragment = 56,
    IpSource = 60,
    UnknownProtocol = 64,
    IcmpMalformed = 68,
    IcmpIgnored = 72,
    UdpMalformed = 76,
    UdpNoPort = 80,
    TcpMalformed = 84,
    TcpChecksum = 88,
    TcpNoConnection = 92,
    /** Out of the window, or a duplicate. */
    TcpUnacceptable = 96,
    /** Ahead of what is expected next. */
    TcpOutOfOrder = 100,
    TcpBadAck = 104,
    TcpNoAck = 108,
    TcpBadReset = 112,
    TcpUnexpectedSyn = 116,
    TcpAfterFin = 120,
    HalfOpenFull = 124,
    BacklogFull = 128,
    ConnectionsFull = 132,
    NeighboursFull = 136,
    /** An answer was due while another still waited to be sent. */
    ReplyBusy = 140,
    ChallengeLimit = 144,
    Unresolved = 148,
    Size = 152,
}

/** Names of the counters in the order of their offsets, with a space between. One string, as that stays in flash. */
export const counterNames =
    "frames-in frames-out segments-in segments-out retransmits resets-sent challenge-acks " +
    "frame-short not-for-us unknown-type arp-malformed arp-ignored ip-malformed ip-checksum " +
    "ip-fragment ip-source unknown-protocol icmp-malformed icmp-ignored udp-malformed udp-no-port " +
    "tcp-malformed tcp-checksum tcp-no-connection tcp-unacceptable tcp-out-of-order tcp-bad-ack " +
    "tcp-no-ack tcp-bad-reset tcp-unexpected-syn tcp-after-fin half-open-full backlog-full " +
    "connections-full neighbours-full reply-busy challenge-limit unresolved"
