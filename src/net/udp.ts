// UDP (RFC 768): datagrams are checked and handed to their endpoint, or their senders told that nobody is there.

import { Counter } from "../base/counters"
import { UNREACHABLES } from "../features"
import { drop } from "../tcp/report"
import { onesSum } from "../wire/checksum"
import { Unreachable } from "../wire/icmp"
import { Protocol, pseudoSum } from "../wire/ipv4"
import { Udp, udpDataLength } from "../wire/udp"
import { unreachable } from "./icmp"
import type { Stack } from "./stack"

/** Handles the datagram in the packet at `at`, whose header has `header` of its `packet` bytes. */
export function udpInput(
    s: Stack,
    source: number,
    destination: number,
    at: number,
    header: number,
    packet: number,
    unicast: boolean,
    now: number
): void {
    const rx = s.rx
    const start = at + header
    const length = udpDataLength(rx, start, packet - header)
    if (length < 0) {
        drop(s, Counter.UdpMalformed, now)
        return
    }
    const whole = length + Udp.Size
    // a checksum of 0 means that the sender made none
    if (rx.getAt(start + Udp.Checksum, "u16") !== 0) {
        if (onesSum(rx, start, whole, pseudoSum(source, destination, Protocol.Udp, whole)) !== 0xffff) {
            drop(s, Counter.UdpMalformed, now)
            return
        }
    }
    // RFC 1122 section 3.3.6: what came to everybody's Ethernet address but to our IP address alone is nothing for us
    if (s.endpoints) {
        if (unicast || destination !== s.ip) {
            if (s.endpoints.datagram(source, destination, start, length, now)) return
        }
    }
    drop(s, Counter.UdpNoPort, now)
    if (UNREACHABLES) {
        // RFC 1122 section 4.1.3.1 (SHOULD), and 3.2.2: never in answer to a broadcast
        if (unicast) unreachable(s, source, Unreachable.Port, at, header, packet)
    }
}
