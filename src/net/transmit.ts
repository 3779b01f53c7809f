// Sends what is due, one frame per call.

import { Counter } from "../base/counters"
import { ACTIVE_OPENS, COUNTERS, PASSIVE_OPENS, PATH_MTU, UDP } from "../features"
import { type Connection, Frame } from "../tcp/context"
import { softError } from "../tcp/icmp-errors"
import { segmentOut } from "../tcp/output"
import { ConnFlag, ConnOption, Half, HalfFlag, SendFlag, State, Tcb, TcpError } from "../tcp/records"
import { count } from "../tcp/report"
import { armRto, failConnection, freeClosed } from "../tcp/state"
import { runTimers } from "../tcp/timers"
import { Eth, EtherType } from "../wire/ethernet"
import { Ip, Protocol } from "../wire/ipv4"
import { Tcp } from "../wire/tcp"
import { arpOut, findNeighbour, forgetHop, nextHop, resolve, runNeighbourTimers } from "./arp"
import { Neighbour } from "./neighbour-record"
import type { Stack } from "./stack"

/** Result of `deadline` when nothing will be due before a frame is received. */
export const enum Never {
    Ms = 0x7fffffff,
}

/** Puts the next frame that is due into `s.tx`. Returns the frame's length, 0 when nothing is due. */
export function transmit(s: Stack, now: number): number {
    const length = nextFrame(s, now)
    if (COUNTERS) {
        if (length > 0)
            s.counters.setAt(Counter.FramesOut, "i32", (s.counters.getAt(Counter.FramesOut, "i32") + 1) | 0)
    }
    return length
}

/** Puts an answer that waits into `s.tx`, or runs the timers and puts the next segment, datagram or ARP request there. */
function nextFrame(s: Stack, now: number): number {
    let length = s.frameLength
    if (length > 0) {
        s.frameLength = 0
        return length
    }
    if (s.replyLength > 0) {
        length = s.replyLength
        s.replyLength = 0
        return ipOut(s, length, s.replyIp, s.replyMac, 0, PATH_MTU ? DontFragment.Set : 0)
    }
    if (s.timerArmed) {
        if (((s.nextTimer - now) | 0) <= 0) {
            runTimers(s, now)
            runNeighbourTimers(s, now, hopFailed)
            if (UDP) {
                if (s.endpoints) s.endpoints.timers(now)
            }
        }
    }
    if (s.dirty) {
        length = nextSegment(s, now)
        if (length > 0) return length
        if (UDP) {
            if (s.endpoints) length = s.endpoints.transmit(now)
            if (length > 0) return length
        }
        s.dirty = false
    }
    if (s.asking) return arpOut(s, now)
    return 0
}

/** Returns the milliseconds until `transmit` has a frame to send if no frame is received: 0 for now, Never.Ms for never. */
export function deadline(s: Stack, now: number): number {
    if (s.dirty || s.asking || s.frameLength > 0 || s.replyLength > 0) return 0
    if (!s.timerArmed) return Never.Ms
    const wait = (s.nextTimer - now) | 0
    return Math.max(wait, 0)
}

/** The Don't Fragment bit as "u16" reads its field: segments with it discover the path's MTU (RFC 1191). */
const enum DontFragment {
    Set = 0x40,
}

/**
 * Puts the next segment into the transmit frame: from the connections in turn, then from the half-open records. Returns the
 * frame's length, 0 when nothing is due.
 */
function nextSegment(s: Stack, now: number): number {
    const conns = s.conns
    let c = s.next
    let index = s.cursor
    for (let left = s.connsEnd; c; ) {
        if (c.getAt(Tcb.Flags, "u8") & ConnFlag.Due) {
            const remoteIp = c.getAt(Tcb.RemoteIp, "i32")
            const sendFlags = c.getAt(Tcb.SendFlags, "u8")
            if (sendFlags & SendFlag.HopSuspect) {
                c.setAt(Tcb.SendFlags, "u8", sendFlags & ~SendFlag.HopSuspect)
                forgetHop(s, remoteIp)
            }
            const n = resolve(s, remoteIp, now)
            if (n < 0) {
                waitForHop(s, c, now)
            } else {
                // read before the call: it may free the record
                let fragment: number = DontFragment.Set
                if (PATH_MTU ? c.getAt(Tcb.Options, "u8") & ConnOption.Fragment : 1) fragment = 0
                const length = segmentOut(s, c, now)
                if (length > 0) {
                    // next time the other connections are asked first
                    if (conns[index] === c) index++
                    if (index >= s.connsEnd) index = 0
                    s.cursor = index
                    s.next = conns[index]
                    return ipOut(s, length, remoteIp, s.neighbours, n + Neighbour.Mac, fragment)
                }
            }
        }
        if (--left < 0) break
        if (index >= s.connsEnd) index = 0
        c = conns[index++]
    }
    s.next = undefined
    if (!PASSIVE_OPENS) return 0
    const passive = s.passive
    if (!passive) return 0
    const halves = s.halves
    for (let h = 0; h < s.halvesEnd; h += Half.Size) {
        if (halves.getAt(h + Half.Listener, "u16") === 0) continue
        if (!(halves.getAt(h + Half.Flags, "u8") & (HalfFlag.Due | HalfFlag.Challenge))) continue
        const remoteIp = halves.getAt(h + Half.RemoteIp, "i32")
        const n = resolve(s, remoteIp, now, true)
        if (n < 0) continue
        const length = passive.halfOpenOut(s, h, now)
        if (length > 0)
            return ipOut(
                s,
                length,
                remoteIp,
                s.neighbours,
                n + Neighbour.Mac,
                PATH_MTU ? DontFragment.Set : 0
            )
    }
    return 0
}

/**
 * Keeps the segment of connection `c`, whose next hop is not resolved yet. The connection stays due; if it has more to send than
 * an ACK, its timer tries again.
 */
function waitForHop(s: Stack, c: Connection, now: number): void {
    const remoteIp = c.getAt(Tcb.RemoteIp, "i32")
    const state = c.getAt(Tcb.State, "u8")
    const hop = nextHop(s, remoteIp)
    if (state === State.Closed) {
        // only an RST is left to send, and it waits only while the hop is being resolved
        if (findNeighbour(s, hop) < 0) {
            count(s, Counter.Unresolved)
            dropReset(s, c)
        }
    } else if (ACTIVE_OPENS ? hop === 0 && state === State.SynSent : false) {
        failConnection(s, c, TcpError.Unreachable, now)
    } else if (!(c.getAt(Tcb.Flags, "u8") & ConnFlag.Timer) && owes(c, state)) {
        // R2 counts from here
        c.setAt(Tcb.Progress, "i32", now)
        armRto(s, c, now)
    }
}

/** Returns true when a connection without a timer has something to send that the peer must acknowledge. */
function owes(c: Connection, state: State): boolean {
    if (state === State.FinWait2 || state === State.TimeWait) return false
    if (state !== State.Established) {
        if (state !== State.CloseWait) return true
    }
    return c.getAt(Tcb.SendLength, "u16") > 0
}

/** Gives up the RST that a connection in CLOSED still had to send. */
function dropReset(s: Stack, c: Connection): void {
    c.setAt(Tcb.Flags, "u8", c.getAt(Tcb.Flags, "u8") & ~ConnFlag.Due)
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") & ~SendFlag.ResetDue)
    freeClosed(s, c)
}

/** Handles a neighbour `ip` that does not answer: connections being opened through it fail, the others wait for their timers. */
function hopFailed(s: Stack, ip: number, now: number): void {
    count(s, Counter.Unresolved)
    for (let i = 0; i < s.connsEnd; i++) {
        const c = s.conns[i] as Connection
        const state = c.getAt(Tcb.State, "u8")
        if (nextHop(s, c.getAt(Tcb.RemoteIp, "i32")) !== ip) continue
        if (state === State.Closed) {
            if (c.getAt(Tcb.SendFlags, "u8") & SendFlag.ResetDue) dropReset(s, c)
        } else if (ACTIVE_OPENS ? state === State.SynSent : false) {
            failConnection(s, c, TcpError.Unreachable, now)
        } else {
            softError(c)
        }
    }
    if (UDP) {
        if (s.endpoints) s.endpoints.hopFailed(ip, now)
    }
}

/** Writes IP and Ethernet headers before the segment of `length` bytes at Frame.Transport, and returns the frame's length. */
function ipOut(
    s: Stack,
    length: number,
    remoteIp: number,
    macs: typeof s.tx,
    macAt: number,
    fragment: number
): number {
    // no helper functions here on purpose: every segment takes this path
    const tx = s.tx
    const ip = s.ip
    const total = length + Ip.Size
    const totalField = ((total & 0xff) << 8) | (total >> 8)
    // RFC 6864 section 4.1: a packet that is never fragmented needs no identification. A counter that other hosts can watch would
    // reveal what this host sends to which peer, so fragmentable packets use their own checksum, which differs where packets do
    // (RFC 1122 section 3.2.1.5)
    let identification = 0
    if (fragment === 0) identification = tx.getAt(Frame.Transport + Tcp.Checksum, "u16")
    const ttlProtocol = s.config.ttl | (Protocol.Tcp << 8)
    tx.blitAt(Eth.Destination, macs, macAt, 6)
    tx.blitAt(Eth.Source, s.mac, 0, 6)
    tx.setAt(Eth.Type, "i32", EtherType.IPv4 | 0x00450000)
    tx.setAt(Frame.Ip + Ip.TotalLength, "u16", totalField)
    tx.setAt(Frame.Ip + Ip.Identification, "i32", identification | (fragment << 16))
    tx.setAt(Frame.Ip + Ip.TimeToLive, "u16", ttlProtocol)
    tx.setAt(Frame.Ip + Ip.Source, "i32", ip)
    tx.setAt(Frame.Ip + Ip.Destination, "i32", remoteIp)
    let sum =
        0x45 +
        totalField +
        identification +
        fragment +
        ttlProtocol +
        (ip & 0xffff) +
        (ip >>> 16) +
        (remoteIp & 0xffff) +
        (remoteIp >>> 16)
    sum = (sum & 0xffff) + (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16)
    tx.setAt(Frame.Ip + Ip.Checksum, "u16", ~sum & 0xffff)
    return total + Eth.Size
}
