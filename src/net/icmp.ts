// ICMP (RFC 792, RFC 1122 section 3.2.2): answers pings, reports packets that cannot be delivered, and passes errors on to the
// senders of the packets.

import { readU16 } from "../base/bytes"
import { Counter } from "../base/counters"
import { ICMP_ERRORS, PATH_MTU, PING_REPLIES, UDP } from "../features"
import { Frame } from "../tcp/context"
import { tcpTooBig, tcpUnreachable } from "../tcp/icmp-errors"
import { TcpError } from "../tcp/records"
import { mayReply } from "../tcp/reply"
import { drop } from "../tcp/report"
import { checksumOf, onesSum } from "../wire/checksum"
import { EtherType, writeEthernet } from "../wire/ethernet"
import { Icmp, IcmpType, Unreachable } from "../wire/icmp"
import { Ip, Protocol, writeIpv4 } from "../wire/ipv4"
import { Tcp } from "../wire/tcp"
import type { Stack } from "./stack"

/**
 * Handles the message of `length` bytes at `at` in the receive frame. Returns true when the message is an echo request that has
 * to be answered.
 */
export function icmpInput(s: Stack, at: number, length: number, now: number): boolean {
    const rx = s.rx
    if (length < Icmp.Size || onesSum(rx, at, length, 0) !== 0xffff) {
        drop(s, Counter.IcmpMalformed, now)
        return false
    }
    const type = rx.getAt(at + Icmp.Type, "u8")
    if (PING_REPLIES ? type === IcmpType.Echo : false) {
        if (rx.getAt(at + Icmp.Code, "u8") === 0) return true
    }
    if (type === IcmpType.EchoReply) {
        if (UDP) {
            if (s.endpoints) {
                if (s.endpoints.echoReply(rx.getAt(Frame.Ip + Ip.Source, "i32"), at, length, now))
                    return false
            }
        }
        if (s.echo) {
            if (s.echo.arrives(rx.getAt(Frame.Ip + Ip.Source, "i32"), at, length, now)) return false
        }
    }
    if (ICMP_ERRORS ? !errorInput(s, type, at, length, now) : true) drop(s, Counter.IcmpIgnored, now)
    return false
}

/** Reports an error about a packet that this host sent to its sender in the stack. Returns false when no sender is known. */
function errorInput(s: Stack, type: number, at: number, length: number, now: number): boolean {
    if (type !== IcmpType.Unreachable) {
        if (type !== IcmpType.TimeExceeded) {
            if (type !== IcmpType.ParameterProblem) return false
        }
    }
    const rx = s.rx
    const quoted = at + Icmp.Data
    const room = length - Icmp.Data
    if (room < Ip.Size) return false
    const versionIhl = rx.getAt(quoted, "u8")
    const header = (versionIhl & 15) << 2
    if (versionIhl >> 4 !== 4 || header < Ip.Size || room < header + Tcp.Acknowledgment) return false
    if (rx.getAt(quoted + Ip.Source, "i32") !== s.ip) return false
    const code = rx.getAt(at + Icmp.Code, "u8")
    const unreachable = type === IcmpType.Unreachable
    // RFC 1122 section 4.2.3.9: protocol and port unreachable are hard errors. So is a prohibition (RFC 1812 section 5.2.7.1),
    // which does not end by waiting. All other errors are soft
    let error = TcpError.None
    if (unreachable) {
        if (code === Unreachable.Protocol || code === Unreachable.Port) error = TcpError.Refused
        else if (
            code === Unreachable.NetProhibited ||
            code === Unreachable.HostProhibited ||
            code === Unreachable.Prohibited
        )
            error = TcpError.Prohibited
    }
    const destination = rx.getAt(quoted + Ip.Destination, "i32")
    const protocol = rx.getAt(quoted + Ip.Protocol, "u8")
    if (protocol !== Protocol.Tcp) {
        if (UDP) {
            if (s.endpoints)
                return s.endpoints.unreachable(protocol, destination, quoted + header, error, now)
        }
        return false
    }
    if (PATH_MTU ? unreachable : false) {
        if (code === Unreachable.FragmentationNeeded) {
            const packet = readU16(rx, quoted + Ip.TotalLength)
            const mtu = readU16(rx, at + Icmp.NextHopMtu)
            return tcpTooBig(s, destination, quoted + header, mtu, packet)
        }
    }
    return tcpUnreachable(s, destination, quoted + header, error, now)
}

/** Writes all headers of an ICMP message of `length` bytes to `destination`, and schedules the frame. */
export function finish(s: Stack, destination: number, length: number): void {
    const tx = s.tx
    tx.setAt(Frame.Transport + Icmp.Checksum, "u16", 0)
    // the checksum is the packet's identification, too (transmit.ts)
    const checksum = checksumOf(onesSum(tx, Frame.Transport, length, 0))
    tx.setAt(Frame.Transport + Icmp.Checksum, "u16", checksum)
    writeIpv4(tx, Frame.Ip, Ip.Size + length, checksum, s.config.ttl, Protocol.Icmp, s.ip, destination)
    writeEthernet(tx, s.replyMac, 0, s.mac, EtherType.IPv4)
    s.frameLength = Frame.Transport + length
}

/** Schedules the reply to the echo request of `length` bytes at `at` (RFC 1122 section 3.2.2.6, MUST). */
export function echoReply(s: Stack, source: number, at: number, length: number): void {
    // a request with IP options may be longer than what fits after a header without options
    if (Frame.Transport + length > s.tx.length || !mayReply(s)) return
    s.tx.blitAt(Frame.Transport, s.rx, at, length)
    s.tx.setAt(Frame.Transport + Icmp.Type, "u8", IcmpType.EchoReply)
    finish(s, source, length)
}

/** Reports that the packet at `at`, of `packet` bytes with `header` bytes of header, was not delivered (section 3.2.2.1). */
export function unreachable(
    s: Stack,
    source: number,
    code: Unreachable,
    at: number,
    header: number,
    packet: number
): void {
    if (!mayReply(s)) return
    const tx = s.tx
    const data = packet - header
    const quote = header + Math.min(data, 8)
    tx.setAt(Frame.Transport + Icmp.Type, "u8", IcmpType.Unreachable)
    tx.setAt(Frame.Transport + Icmp.Code, "u8", code)
    tx.setAt(Frame.Transport + Icmp.Rest, "i32", 0)
    tx.blitAt(Frame.Transport + Icmp.Data, s.rx, at, quote)
    finish(s, source, Icmp.Data + quote)
}
