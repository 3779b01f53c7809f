// The stack's counters: one for each kind of event, and one for each reason to drop a frame, packet or segment.

/** Offsets in `stack.counters`, 32 bits each. `counterNames` lists the names in the same order. */
export const enum Counter {
    FramesIn = 0,
    FramesOut = 4,
    SegmentsIn = 8,
    SegmentsOut = 12,
    Retransmits = 16,
    /** Retransmissions in fast recovery, after three duplicate acknowledgments. */
    FastRetransmits = 20,
    ResetsSent = 24,
    ChallengeAcks = 28,
    /** Segments that arrived ahead of RCV.NXT and were kept. */
    Reordered = 32,
    /** SYN-ACKs sent with a cookie because all half-open records were taken; connections that a cookie opened. */
    CookiesSent = 36,
    CookiesTaken = 40,
    /** Probes sent on idle connections. */
    KeepAlives = 44,
    /** TIME-WAIT records freed early because another connection needed one. */
    TimeWaitsFull = 48,
    /** The drops begin here. */
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
    /** The segment was outside of the window, or a duplicate. */
    TcpUnacceptable = 120,
    /** The segment was ahead of RCV.NXT, and its record could keep no more blocks of such data. */
    TcpOutOfOrder = 124,
    /** The segment's timestamp showed it to be an old duplicate (RFC 7323 section 5.3). */
    TcpPaws = 128,
    TcpBadAck = 132,
    TcpNoAck = 136,
    TcpBadReset = 140,
    TcpUnexpectedSyn = 144,
    TcpAfterFin = 148,
    BacklogFull = 152,
    ConnectionsFull = 156,
    NeighboursFull = 160,
    /** No reply was sent because the transmit frame still held another packet. */
    ReplyBusy = 164,
    ChallengeLimit = 168,
    Unresolved = 172,
    /**
     * Segments without a timestamp although both ends had agreed to use timestamps (RFC 7323 section 3.2). They were not dropped.
     */
    TcpUnstamped = 176,
    Size = 180,
}

/** The counters' names in the order of their offsets, separated by spaces. A single string stays in flash. */
export const counterNames =
    "frames-in frames-out segments-in segments-out retransmits fast-retransmits resets-sent " +
    "challenge-acks reordered cookies-sent cookies-taken keep-alives time-waits-full frame-short " +
    "not-for-us unknown-type arp-malformed arp-ignored ip-malformed ip-checksum ip-fragment " +
    "ip-source unknown-protocol icmp-malformed icmp-ignored udp-malformed udp-no-port " +
    "tcp-malformed tcp-checksum tcp-no-connection tcp-unacceptable tcp-out-of-order tcp-paws " +
    "tcp-bad-ack tcp-no-ack tcp-bad-reset tcp-unexpected-syn tcp-after-fin backlog-full " +
    "connections-full neighbours-full reply-busy challenge-limit unresolved tcp-unstamped"
