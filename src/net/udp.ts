// UDP (RFC 768): checks datagrams and hands them to their endpoints, or reports a closed port to the sender.

import { Counter } from "../base/counters"
import { UNREACHABLES } from "../features"
import { drop } from "../tcp/report"
import { onesSum } from "../wire/checksum"
import { Unreachable } from "../wire/icmp"
import { Protocol, pseudoSum } from "../wire/ipv4"
import { Udp, udpDataLength } from "../wire/udp"
import { unreachable } from "./icmp"
import type { Stack } from "./stack"

/** Handles the datagram in the packet at `at`, which has `packet` bytes including an IP header of `header` bytes. */
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
    // a checksum of 0 means that the sender did not compute one
    if (rx.getAt(start + Udp.Checksum, "u16") !== 0) {
        if (onesSum(rx, start, whole, pseudoSum(source, destination, Protocol.Udp, whole)) !== 0xffff) {
            drop(s, Counter.UdpMalformed, now)
            return
        }
    }
    // RFC 1122 section 3.3.6: a packet to the Ethernet broadcast address but to our own IP address is not delivered
    if (s.endpoints) {
        if (unicast || destination !== s.ip) {
            if (s.endpoints.datagram(source, destination, start, length, now)) return
        }
    }
    drop(s, Counter.UdpNoPort, now)
    if (UNREACHABLES) {
        // RFC 1122 sections 4.1.3.1 (SHOULD) and 3.2.2: a broadcast is never answered with an error
        if (unicast) unreachable(s, source, Unreachable.Port, at, header, packet)
    }
}
