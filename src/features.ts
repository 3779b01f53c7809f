// The features that a program can leave out to save code. All are included unless a project's package.json says otherwise, from
// which the simulator's build and `npx devicescript-tcp features` write this file:
//
//     "devicescript-tcp": { "without": ["SACK", "EVENTS"] }
//
// The compiler drops `if (NAME) { ... }`, `if (!NAME) ...` and `NAME ? a : b` where NAME is one of these, and the functions that
// no other code calls. It does not drop `NAME && x`, nor methods.

/** `connect` (active opens). Without it no connection enters SYN-SENT, and a SYN-ACK is answered with a reset. */
export const ACTIVE_OPENS = true

/** `listen` (passive opens) and half-open records. Without it every SYN is answered with a reset (RFC 9293 section 3.10.7.1). */
export const PASSIVE_OPENS = true

/** SYN cookies (RFC 4987). Without them a SYN is dropped while all half-open records are in use, so a flood keeps clients out. */
export const SYN_COOKIES = true

/**
 * TIME-WAIT records of 24 bytes. Without them a connection keeps its record and rings for 2 MSL. When no others are free, a new
 * connection takes the record and rings of the connection that has been in TIME-WAIT longest, instead of being refused (RFC 9293
 * section 3.10.1: "insufficient resources").
 */
export const TIME_WAIT_RECORDS = true

/** Timestamps (RFC 7323). Without them one round trip per window is timed, and old duplicates are not recognized (no PAWS). */
export const TIMESTAMPS = true

/** Selective acknowledgments (RFC 2018). Without them a sender in recovery learns of one loss per round trip (RFC 6582). */
export const SACK = true

/**
 * Reassembly: keeps data that arrives ahead of RCV.NXT. Without it such data is dropped and answered with an immediate ACK, which
 * reports what is missing (RFC 5681 section 4.2), and the peer sends it again (in RFC 9293 section 3.10.7.4, "held for later
 * processing" is only SHLD-31).
 */
export const REASSEMBLY = true

/**
 * Fast retransmit, early retransmit, fast recovery and limited transmit (RFC 5681 section 3.2, RFC 5827, RFC 6582, RFC 3042).
 * Without them lost data is sent again when the retransmission timer expires; slow start, congestion avoidance and backoff (RFC
 * 9293 section 3.8.2, MUST-19) stay.
 */
export const FAST_RETRANSMIT = true

/**
 * Delayed acknowledgments (RFC 9293 section 3.8.6.3, SHLD-18). Without them each segment is acknowledged at once: one more ACK for
 * every two segments.
 */
export const DELAYED_ACKS = true

/** Keep-alive (RFC 9293 section 3.8.4, MAY-5). Without it a peer that vanishes while no data is in flight is not noticed. */
export const KEEP_ALIVE = true

/** A connection's own user timeout (RFC 5482). Without it all connections use the configuration's R2. */
export const USER_TIMEOUT = true

/**
 * ICMP errors about segments that we sent (RFC 9293 section 3.9.2.2). Without them we depart from MUST-54: an open that a router
 * refuses ends only when its timer expires, and path MTUs are not discovered, either.
 */
export const ICMP_ERRORS = true

/** Path MTU discovery (RFC 1191). Without it segments are sent without DF, and routers fragment them. */
export const PATH_MTU = true

/**
 * Sending "port unreachable" and "protocol unreachable" (RFC 1122 sections 3.2.2.1, 4.1.3.1, SHOULD). Without it the sender gets
 * no answer.
 */
export const UNREACHABLES = true

/** Replies to pings. Without them we depart from RFC 1122 section 3.2.2.6 (MUST), as many hosts do. */
export const PING_REPLIES = true

/**
 * UDP and all that uses the stack's endpoints: DHCP, DNS, SNTP, mDNS, ping. Without it a datagram is answered with "protocol
 * unreachable".
 */
export const UDP = true

/**
 * Checks of a program's settings: limits of the configuration's fields, addresses that no host can have. Without them a wrong value is
 * used as it is, and its effect shows later. Text that is not an address is still refused.
 */
export const CONFIG_CHECKS = true

/** Events. Without them the trace, the ladder and the status page's handshakes have nothing to show. */
export const EVENTS = true

/** The stack's counters. Without them `stats` and the status page show only the driver's. */
export const COUNTERS = true
