// The configuration of a stack, and what its fields cost in memory.

import type { NetError } from "../base/errors"
import { word, wordIndex } from "../base/words"
import {
    CONFIG_CHECKS,
    DELAYED_ACKS,
    EVENTS,
    PASSIVE_OPENS,
    SACK,
    TIME_WAIT_RECORDS,
    TIMESTAMPS,
} from "../features"

/** The stack's configuration. Every field is a number, so that the command line can set any of them; `configure` has the limits. */
export class Config {
    /** Connections at once, in any state but half open: 96 bytes and two rings each. */
    connections = 8
    /**
     * Half-open connections (SYN-RECEIVED), shared by all listeners: 36 bytes each. When all are taken, SYN cookies replace them
     * (RFC 4987).
     */
    halfOpen = PASSIVE_OPENS ? 8 : 0
    /**
     * Connections in TIME-WAIT that no program holds any more: 24 bytes each. When all records are taken, the oldest connection
     * ends early.
     */
    timeWaits = TIME_WAIT_RECORDS ? 8 : 0
    /** Ports listened on at once: 8 bytes each. */
    listeners = PASSIVE_OPENS ? 4 : 0
    /** Neighbours whose Ethernet addresses are remembered (ARP): 20 bytes each. */
    neighbours = 8
    /** Bytes of the receive ring of each connection. */
    receiveBuffer = 1024
    /** Bytes of the send ring of each connection. */
    sendBuffer = 1024
    /** Largest IP packet, bytes: 576 to 1500. */
    mtu = 1500
    /** Events kept for the ladder and the trace: 32 bytes each; 0 turns them off. */
    events = EVENTS ? 32 : 0
    /** IP time to live of what is sent (RFC 9293 section 3.9.2: configurable, MUST-49). */
    ttl = 64
    /** 1: offer timestamps (RFC 7323), and accept them when offered, at 12 bytes per segment. 0: off. */
    timestamps = TIMESTAMPS ? 1 : 0
    /** 1: permit selective acknowledgments (RFC 2018). 0: off. */
    sack = SACK ? 1 : 0
    /** Nagle's algorithm (RFC 9293 section 3.7.4) on new connections; setNoDelay changes it on one. 0: off. */
    nagle = 1
    /**
     * Milliseconds that an ACK may wait for data that it can go with, or for a second segment: 499 at most (RFC 9293 section
     * 3.8.6.3). 0: no delay.
     */
    delayedAck = DELAYED_ACKS ? 200 : 0
    /** Keep-alive (RFC 9293 section 3.8.4), where a program asks for it: milliseconds idle before the first probe. */
    keepAliveIdle = 7200000
    /** Milliseconds between probes that are not answered. */
    keepAliveInterval = 75000
    /** Probes without an answer after which the connection fails. */
    keepAliveProbes = 9
    /**
     * Bytes per second, sent and received, that an accepted connection has to move while another client needs its record
     * (slow-clients.ts).
     */
    servedRate = 64
    /**
     * Milliseconds behind `servedRate` after which an accepted connection is reset while another client finds all connections
     * taken. The reset may come up to an eighth of this time, at most 64 s, later.
     */
    servedScarce = 5000
    /**
     * Milliseconds behind `servedRate` after which an accepted connection is reset even while records are free. The reset may
     * come up to an eighth of this time later. More than 65,535 s: never.
     */
    servedLimit = 14400000
    /** Milliseconds in TIME-WAIT, 2 MSL. RFC 9293 section 3.4.2 takes MSL to be 2 minutes; like most hosts, 30 s here. */
    timeWait = 60000
    /** Milliseconds in FIN-WAIT-2 after the program's close, when no program waits for the peer's FIN. */
    finWait2 = 60000
    /** First retransmission timeout, milliseconds (RFC 6298 section 2). */
    rtoInitial = 1000
    /** Smallest retransmission timeout, milliseconds. */
    rtoMin = 1000
    /** Largest retransmission timeout, milliseconds. */
    rtoMax = 60000
    /** Milliseconds without progress after which a connection fails: R2 of RFC 9293 section 3.8.3 (MUST-20). */
    r2 = 100000
    /** The same for a connection that is being opened (MUST-23). */
    r2Syn = 180000
    /** Times a SYN-ACK is sent again before the half-open record is given up. */
    synAckRetries = 5
    /** Period in milliseconds in which a connection sends at most one challenge ACK (RFC 5961 section 10); 0 for no limit. */
    challengeInterval = 500
    /** Initial sequence number of the next connection opened or accepted; -1 for RFC 6528's. Only one connection uses it. */
    iss = -1
    /** Local port of the next connection opened; 0 for one by RFC 6056. Only one connection uses it. */
    localPort = 0
}

/**
 * Each field with its least and its largest value: one string, because a string stays in flash. An object would take heap
 * permanently, and a switch over the names would take code.
 */
const limits =
    "connections 1 2000 halfOpen 0 2000 timeWaits 0 2000 listeners 1 200 neighbours 1 200 " +
    // 64 KB and more would need window scaling, which is therefore never offered (RFC 7323 section 2.2)
    "receiveBuffer 64 65535 sendBuffer 64 65535 mtu 576 1500 events 0 1000 ttl 1 255 timestamps 0 1 sack 0 1 nagle 0 1 " +
    // less than half a second: RFC 9293 section 3.8.6.3 (MUST-40)
    "delayedAck 0 499 " +
    // at most two weeks, here and below, so that two times stay comparable
    "keepAliveIdle 1 1209600000 keepAliveInterval 1 1209600000 keepAliveProbes 1 255 " +
    "servedRate 1 65535 servedScarce 1000 1209600000 servedLimit 1000 1209600000 " +
    // two MSL of RFC 9293: a record of TIME-WAIT holds twice that. At least 1, because the ACK that leads there has to be sent
    // first
    "timeWait 1 240000 finWait2 1 1209600000 " +
    "rtoInitial 1 65535 rtoMin 1 65535 rtoMax 1000 65535 r2 1000 1209600000 r2Syn 1000 1209600000 " +
    "synAckRetries 0 15 challengeInterval 0 1209600000 iss -1 4294967295 localPort 0 65535"

/** Sets fields of `config` by name. Throws a NetError EINVAL that names the field, and lists the known fields if it is unknown. */
export function configure(config: Config, values: { [key: string]: number }): void {
    const fields = config as unknown as { [key: string]: number }
    for (const key of Object.keys(values)) {
        const value = values[key] as number
        if (CONFIG_CHECKS) {
            const at = wordIndex(limits, key)
            // the limits are words of the string, too; after them, and for an unknown key, the next words are not two numbers
            const low = parseInt(word(limits, at + 1))
            const high = parseInt(word(limits, at + 2))
            // a comparison with NaN is false
            const fits = typeof value === "number" && value >= low && value <= high
            if (!fits || Math.floor(value) !== value) {
                const error = new Error(
                    at % 3 === 0
                        ? `${key} must be a whole number from ${low} to ${high}, not ${value}`
                        : `unknown configuration key "${key}"; known: ${Object.keys(config).join(", ")}`
                ) as NetError
                error.code = "EINVAL"
                throw error
            }
        }
        fields[key] = value
    }
}
