// Checks each received frame and hands it to its protocol (RFC 1122 section 3.2.1).

import { Counter } from "../base/counters"
import { COUNTERS, PING_REPLIES, UDP, UNREACHABLES } from "../features"
import { Frame } from "../tcp/context"
import { tcpInput } from "../tcp/input"
import { drop } from "../tcp/report"
import { onesSum } from "../wire/checksum"
import { Eth, EtherType, Vlan } from "../wire/ethernet"
import { Unreachable } from "../wire/icmp"
import { Ip, isNotUnicast, Protocol } from "../wire/ipv4"
import { arpInput } from "./arp"
import { echoReply, icmpInput, unreachable } from "./icmp"
import { isBroadcast, type Stack } from "./stack"
import { udpInput } from "./udp"

/** The fragment field's More Fragments flag and offset, as `getAt` "u16" reads them. */
const enum FragmentBits {
    Any = 0xff3f,
}

/**
 * Handles the frame of `length` bytes in `s.rx`; `now` is in milliseconds and may wrap. Any frame is either handled, or dropped
 * and counted. The driver calls `transmit` until it returns 0 before the next frame: a reply that still waits is not overwritten,
 * the new reply is dropped.
 */
export function receive(s: Stack, length: number, now: number): void {
    // no helper functions here on purpose: every frame takes this path
    const rx = s.rx
    if (COUNTERS)
        s.counters.setAt(Counter.FramesIn, "i32", (s.counters.getAt(Counter.FramesIn, "i32") + 1) | 0)
    if (length < Eth.Size || length > s.tx.length) {
        // a VLAN tag may make the frame longer than the longest without one
        if (length < Eth.Size || length > rx.length || rx.getAt(Eth.Type, "u16") !== EtherType.Tagged) {
            drop(s, Counter.FrameShort, now)
            return
        }
    }
    let toUs = false
    if (rx.getAt(Eth.Destination, "i32") === s.macStart)
        toUs = rx.getAt(Eth.Destination + 4, "u16") === s.macEnd
    if (!toUs) {
        if ((rx.getAt(Eth.Destination, "u8") & 1) === 0) {
            drop(s, Counter.NotForUs, now)
            return
        }
    }
    let type = rx.getAt(Eth.Type, "u16")
    if (type !== EtherType.IPv4) {
        if (type === EtherType.Tagged && length >= Eth.Size + Vlan.Size) {
            if ((rx.getAt(Vlan.At, "u16") & Vlan.Number) === 0) {
                length -= Vlan.Size
                rx.blitAt(Eth.Type, rx, Eth.Type + Vlan.Size, length - Eth.Type)
                type = rx.getAt(Eth.Type, "u16")
            }
        }
        if (type === EtherType.Arp) {
            arpInput(s, length, now)
            return
        }
        if (type !== EtherType.IPv4) {
            drop(s, Counter.UnknownType, now)
            return
        }
    }
    // as ipv4Check, without the call and at constant offsets
    const at: number = Eth.Size
    const versionIhl = rx.getAt(Eth.Size, "u8")
    const header = (versionIhl & 15) << 2
    const packet =
        (rx.getAt(Eth.Size + Ip.TotalLength, "u8") << 8) | rx.getAt(Eth.Size + Ip.TotalLength + 1, "u8")
    let wrong: number = Counter.IpMalformed
    if (versionIhl >> 4 === 4) {
        if (header >= Ip.Size) {
            if (packet >= header) {
                if (packet <= length - Eth.Size) wrong = 0
            }
        }
    }
    if (wrong === 0) {
        let sum =
            rx.getAt(Eth.Size, "u32") +
            rx.getAt(Eth.Size + Ip.Identification, "u32") +
            rx.getAt(Eth.Size + Ip.TimeToLive, "u32") +
            rx.getAt(Eth.Size + Ip.Source, "u32") +
            rx.getAt(Eth.Size + Ip.Destination, "u32")
        if (header > Ip.Size) sum = onesSum(rx, Eth.Size + Ip.Size, header - Ip.Size, sum)
        const folded = sum - ((sum / 0x10000) | 0) * 0xffff
        if ((folded & 0xffff) + (folded >> 16) !== 0xffff) wrong = Counter.IpChecksum
        else if ((rx.getAt(Eth.Size + Ip.Fragment, "u16") & FragmentBits.Any) !== 0)
            wrong = Counter.IpFragment
    }
    if (wrong > 0) {
        drop(s, wrong, now)
        return
    }
    const destination = rx.getAt(Eth.Size + Ip.Destination, "i32")
    const source = rx.getAt(Eth.Size + Ip.Source, "i32")
    let unicast = toUs
    // 0.0.0.0 is not a host's address, nor ours while this host has no address
    let ours = destination !== 0
    if (destination !== s.ip) {
        unicast = false
        if (ours) ours = isBroadcast(s, destination) || isNotUnicast(destination) || (toUs && isOffer(s, at))
    }
    if (!ours) {
        drop(s, Counter.NotForUs, now)
        return
    }
    // RFC 1122 section 3.2.1.3: a source address must be a host's and not our own (LAND); loopback addresses never appear on a
    // wire. The source that passed last passes again
    if (source !== s.lastSource) {
        s.lastSource = source
        if (
            source === s.ip ||
            (source & 0xff) === 0 ||
            (source & 0xe0) === 0xe0 ||
            (source & 0xff) === 127 ||
            isBroadcast(s, source)
        )
            s.lastSource = NaN
    }
    if (source !== s.lastSource || (rx.getAt(Eth.Source, "u8") & 1) !== 0) {
        drop(s, Counter.IpSource, now)
        return
    }
    s.replyMac.blitAt(0, rx, Eth.Source, 6)
    const protocol = rx.getAt(Eth.Size + Ip.Protocol, "u8")
    if (protocol === Protocol.Tcp) {
        // RFC 9293 section 3.9.2.3 (MUST-57): broadcasts and multicasts are dropped without an answer
        if (!unicast) {
            drop(s, Counter.NotForUs, now)
            return
        }
        // IP options, if there are any, are left out: TCP's header is always at the same place
        if (header > Ip.Size) rx.blitAt(Frame.Transport, rx, at + header, packet - header)
        tcpInput(s, source, packet - header, now)
    } else if (protocol === Protocol.Icmp) {
        // RFC 1122 section 3.2.2.6 (MAY): broadcast pings are not answered; an error is never sent as a broadcast
        if (!unicast) {
            drop(s, Counter.IcmpIgnored, now)
            return
        }
        if (icmpInput(s, at + header, packet - header, now)) {
            if (PING_REPLIES) echoReply(s, source, at + header, packet - header)
        }
    } else if (UDP ? protocol === Protocol.Udp : false) {
        udpInput(s, source, destination, at, header, packet, unicast, now)
    } else {
        drop(s, Counter.UnknownProtocol, now)
        if (UNREACHABLES) {
            // RFC 1122 section 3.2.2.1 (SHOULD)
            if (unicast) unreachable(s, source, Unreachable.Protocol, at, header, packet)
        }
    }
}

/** Returns true for a datagram to an endpoint that has asked without an address. */
function isOffer(s: Stack, at: number): boolean {
    return s.endpoints ? s.endpoints.isOffer(at) : false
}
