// What the stack counts. Everything that is dropped is counted under the reason.

/** Offsets in `stack.counters`, 32 bits each. `counterNames` has them in the same order. */
export const enum Counter {
    FramesIn = 0,
    FramesOut = 4,
    SegmentsIn = 8,
    SegmentsOut = 12,
    Retransmits = 16,
    /** In fast recovery, after three duplicate acknowledgments. */
    FastRetransmits = 20,
    ResetsSent = 24,
    ChallengeAcks = 28,
    /** Segments ahead of what is expected next, and kept. */
    Reordered = 32,
    /** SYN-ACKs without a half-open record, as all were taken; and connections that came of them. */
    CookiesSent = 36,
    CookiesTaken = 40,
    /** Probes of idle connections. */
    KeepAlives = 44,
    /** Records of TIME-WAIT given up before their time. */
    TimeWaitsFull = 48,
    /** First of the drops. */
    FrameShort = 52,
    NotForUs = 56,
    UnknownType = 60,
    ArpMalformed = 64,
    ArpIgnored = 68,
    IpMalformed = 72,
    IpChecksum = 76,
    IpFragment = 80,
    IpSource = 84,
    UnknownProtocol = 88,
    IcmpMalformed = 92,
    IcmpIgnored = 96,
    UdpMalformed = 100,
    UdpNoPort = 104,
    TcpMalformed = 108,
    TcpChecksum = 112,
    TcpNoConnection = 116,
    /** Out of the window, or a duplicate. */
    TcpUnacceptable = 120,
    /** Ahead of what is expected next, and all places for such text are taken. */
    TcpOutOfOrder = 124,
    /** An old duplicate by its timestamp (RFC 7323 section 5.3). */
    TcpPaws = 128,
    TcpBadAck = 132,
    TcpNoAck = 136,
    TcpBadReset = 140,
    TcpUnexpectedSyn = 144,
    TcpAfterFin = 148,
    BacklogFull = 152,
    ConnectionsFull = 156,
    NeighboursFull = 160,
    /** An answer was due while another still waited to be sent. */
    ReplyBusy = 164,
    ChallengeLimit = 168,
    Unresolved = 172,
    /** Not dropped: a segment without a timestamp where they were agreed on (RFC 7323 section 3.2). */
    TcpUnstamped = 176,
    Size = 180,
}

/** Names of the counters in the order of their offsets, with a space between. One string, as that stays in flash. */
export const counterNames =
    "frames-in frames-out segments-in segments-out retransmits fast-retransmits resets-sent " +
    "challenge-acks reordered cookies-sent cookies-taken keep-alives time-waits-full frame-short " +
    "not-for-us unknown-type arp-malformed arp-ignored ip-malformed ip-checksum ip-fragment " +
    "ip-source unknown-protocol icmp-malformed icmp-ignored udp-malformed udp-no-port " +
    "tcp-malformed tcp-checksum tcp-no-connection tcp-unacceptable tcp-out-of-order tcp-paws " +
    "tcp-bad-ack tcp-no-ack tcp-bad-reset tcp-unexpected-syn tcp-after-fin backlog-full " +
    "connections-full neighbours-full reply-busy challenge-limit unresolved tcp-unstamped"
