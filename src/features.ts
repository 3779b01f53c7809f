// What a program can leave out, to have its bytes for something else. Each is here unless a project says otherwise; in its
// package.json, from which the simulator's build and `npx devicescript-tcp features` set this file:
//
//     "devicescript-tcp": { "without": ["SACK", "EVENTS"] }
//
// The compiler drops `if (NAME) { ... }`, `if (!NAME) ...` and `NAME ? a : b` where NAME is one of these, and the functions that
// nothing else calls. It does not drop `NAME && x`, nor methods.

/** Opening connections: `connect`. Without: SYN-SENT is not there, and a SYN-ACK is answered by a reset. */
export const ACTIVE_OPENS = true

/** Listening: `listen`, LISTEN, half-open records. Without: every SYN is answered by a reset (RFC 9293 section 3.10.7.1). */
export const PASSIVE_OPENS = true

/** SYN cookies (RFC 4987). Without: a SYN is dropped while all half-open records are taken, and a flood keeps clients out. */
export const SYN_COOKIES = true

/**
 * TIME-WAIT in 24 bytes. Without: a connection keeps its record and rings for 2 MSL; a new one takes those of the one that has
 * waited longest when there are no others, as RFC 9293 section 3.10.1's "insufficient resources" would else refuse it.
 */
export const TIME_WAIT_RECORDS = true

/** Timestamps (RFC 7323). Without: a round trip is timed once a window, and nothing tells old segments from new (PAWS). */
export const TIMESTAMPS = true

/** Selective acknowledgments (RFC 2018). Without: a sender in recovery learns of one loss a round trip (RFC 6582). */
export const SACK = true

/**
 * Text ahead of what is expected is kept. Without: it is dropped and acknowledged at once, which tells the peer what is missing
 * (RFC 5681 section 4.2), and the peer sends it again (RFC 9293 section 3.10.7.4 only has it "held for later processing" as SHLD-31).
 */
export const REASSEMBLY = true

/**
 * Fast retransmit, fast recovery, limited transmit (RFC 5681 section 3.2, RFC 6582, RFC 3042). Without: what was lost is sent again
 * when the timer says so; slow start, congestion avoidance and backoff (RFC 9293 section 3.8.2, MUST-19) stay.
 */
export const FAST_RETRANSMIT = true

/**
 * Acknowledgments that wait for company (RFC 9293 section 3.8.6.3, SHLD-18). Without: each segment is acknowledged at once, which
 * costs the network a segment more for each second one.
 */
export const DELAYED_ACKS = true

/** Keep-alive (RFC 9293 section 3.8.4, MAY-5). Without: a peer that vanished while nothing is in flight is not missed. */
export const KEEP_ALIVE = true

/** A user timeout for a connection (RFC 5482). Without: the configuration's R2 is everybody's. */
export const USER_TIMEOUT = true

/**
 * ICMP errors about segments of ours (RFC 9293 section 3.9.2.2, MUST-54). Without: a departure from it. An opening that
 * a router refuses ends by its timer. Path MTUs are not learnt either.
 */
export const ICMP_ERRORS = true

/**
 * Path MTU discovery (RFC 1191). Without: segments go out without DF, and routers cut them where they have to.
 */
export const PATH_MTU = true

/** Port and protocol unreachable, sent (RFC 1122 sections 3.2.2.1 and 4.1.3.1, SHOULD). Without: who asks hears nothing. */
export const UNREACHABLES = true

/** Answers to pings. Without: a departure from RFC 1122 section 3.2.2.6 (MUST), as many hosts make it. */
export const PING_REPLIES = true

/**
 * UDP, and what stands on the same place in the stack: DHCP, DNS, SNTP, mDNS, ping. Without: a datagram is answered by "protocol
 * unreachable".
 */
export const UDP = true

/**
 * Checks of what a program sets: limits of the configuration's fields, addresses that no host has. Without: what is set is taken as it
 * is, and one that makes no sense shows itself later. Text that is no address at all is refused still.
 */
export const CONFIG_CHECKS = true

/** What happened last: the trace, the ladder, the status page's handshakes. Without: they have nothing to show. */
export const EVENTS = true

/** The stack's counters. Without: `stats` and the status page have the driver's only. */
export const COUNTERS = true
