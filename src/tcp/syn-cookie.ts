// SYN cookies (RFC 4987 section 3.6): while no half-open record is free, a handshake continues without one. What the record would
// hold is sent to the client in our initial sequence number, and comes back with the ACK.
//
// Layout of the number, from its highest bit:
//      1 bit   the epoch's parity. Time is counted in epochs of 64 s; a cookie is valid in its own epoch and the next one, so
//              that a client has 64 to 128 s. The bit says which of the two epochs to try, and saves a hash.
//      3 bits  the client's MSS, rounded down to one of eight
//     28 bits  of SHA-256 over a secret, the four-tuple, the SYN's sequence number, the epoch and the MSS
//
// An attacker who did not get the SYN-ACK has to guess 28 bits: at the 200 segments a second that an RP2040 can handle, one guess
// in two weeks is right, and only while cookies are being sent. The readable bits cannot be changed, as the hash covers them.
// Sending the epoch's parity reveals nothing useful: without it two cookies would be valid for every ACK. An attacker who sees
// the 28 bits gains nothing: each connection has its own, and the secret lasts until the next start.
//
// Window scale and SACK are sent in the low 5 bits of our timestamp, which the client echoes. A client without timestamps gets
// neither option. These bits are not protected: a client that changes them affects only its own connection.
//
// A handshake without memory has its limits: the SYN-ACK is sent again only when the SYN comes again; a client whose ACK and
// first data are both lost is reset by its next segment; and a late duplicate of the ACK opens a connection again, unknown to the
// client.

import { Counter } from "../base/counters"
import { SACK, TIMESTAMPS } from "../features"
import { Flag, ParsedOptions, Tcp } from "../wire/tcp"
import { connectionFor, openPassive } from "./accepting"
import { Frame, type TcpContext } from "./context"
import { enterEstablished } from "./established"
import { dropHalf } from "./half-open"
import { agreedOptions, isStamped, sendMss, writeSynOptions } from "./options"
import { Agreed, Listener, Seg, State, Tcb } from "./records"
import { mayReply, reply, writeSegment } from "./reply"
import { count, traceState } from "./report"
import { cookieHash, mixKey, timestampAt } from "./secret-numbers"
import { segmentArrives } from "./segment-arrives"

const enum Epoch {
    /** Half of an epoch, ms: on the VM half of the time is an integer even after 2^31 ms. */
    Half = 32000,
    /** Number of the last epoch before the time wraps, which is 9 s shorter. */
    Last = 67108,
    /** The longest time that a cookie is valid, ms. */
    Lifetime = 128000,
}

const enum Cookie {
    ParityShift = 31,
    MssShift = 28,
    MssMask = 7,
    MssBits = 3,
    HashMask = 0x0fffffff,
}

/** Bits of our timestamp in a SYN-ACK with a cookie. */
const enum Stamp {
    ScaleMask = 15,
    /** The value of the window scale's bits when the client did not offer window scaling. */
    NoScale = 15,
    Sack = 16,
    Mask = 31,
}

/** Returns the MSS number `index`, 0 to 7: those that clients on paths of the usual MTUs send. */
function mssOf(index: number): number {
    switch (index) {
        // a full Ethernet frame
        case 7:
            return 1460
        // a PPPoE line, a tunnel, IPv6's usual 1440
        case 6:
            return 1440
        // VPNs, mobile networks
        case 5:
            return 1360
        // 1280, what IPv6 asks of every link
        case 4:
            return 1240
        // small hosts
        case 3:
            return 1024
        // RFC 9293's default, 576 less the headers
        case 2:
            return 536
        case 1:
            return 256
        // the least that `sendMss` returns
        default:
            return 64
    }
}

/** Returns the number of the epoch at `now`. */
function epochAt(now: number): number {
    return Math.idiv(now >>> 1, Epoch.Half)
}

/** Returns the cookie for a client whose SYN had the sequence number `irs`; `mss` is the number of its MSS. */
function cookieOf(
    t: TcpContext,
    remoteIp: number,
    ports: number,
    irs: number,
    epoch: number,
    mss: number
): number {
    const hash = cookieHash(t, remoteIp, ports, irs, (epoch << Cookie.MssBits) | mss)
    return (epoch << Cookie.ParityShift) | (mss << Cookie.MssShift) | (hash & Cookie.HashMask)
}

/** Returns the cookie that answers the SYN in `t.segment`, whose options are in `t.segment`. */
export function synCookie(t: TcpContext, now: number): number {
    // without half-open records a cookie is the first number that the key is used for
    mixKey(t, now)
    const segment = t.segment
    const mss = sendMss(t)
    let index: number = Cookie.MssMask
    while (index > 0 && mssOf(index) > mss) index--
    const ports = segment.getAt(Seg.Ports, "i32")
    const irs = segment.getAt(Seg.Sequence, "i32")
    return cookieOf(t, segment.getAt(Seg.RemoteIp, "i32"), ports, irs, epochAt(now), index)
}

/**
 * Answers the SYN in `t.segment`, whose options are in `t.segment`, for the listener `l` with a SYN-ACK that contains this
 * cookie. Returns false when the transmit frame is taken: the client sends its SYN again.
 */
export function sendCookie(t: TcpContext, l: number, cookie: number, now: number): boolean {
    if (!mayReply(t)) return false
    const segment = t.segment
    const options = t.segment
    const remoteIp = segment.getAt(Seg.RemoteIp, "i32")
    const ports = segment.getAt(Seg.Ports, "i32")
    let agreement = agreedOptions(t)
    let value = 0
    if (TIMESTAMPS ? agreement & Agreed.Timestamps : 0) {
        let bits: number =
            agreement & Agreed.Scaling ? options.getAt(ParsedOptions.WindowScale, "u8") : Stamp.NoScale
        if (SACK ? agreement & Agreed.Sack : 0) bits |= Stamp.Sack
        const clock = timestampAt(t, remoteIp, ports, now)
        value = (clock & ~Stamp.Mask) | bits
        // not ahead of the timestamps that the connection will send, which the client would then drop as old (PAWS)
        if (((value - clock) | 0) > 0) value = (value - Stamp.Mask - 1) | 0
    } else {
        agreement = 0
    }
    const echo = options.getAt(ParsedOptions.TimestampValue, "i32")
    const length = writeSynOptions(t, Frame.Transport + Tcp.Size, agreement, value, echo) - Frame.Transport
    writeSegment(
        t,
        remoteIp,
        ports,
        cookie,
        (segment.getAt(Seg.Sequence, "i32") + 1) | 0,
        Flag.Syn | Flag.Ack,
        t.listeners.getAt(l + Listener.ReceiveLimit, "u16"),
        length
    )
    reply(t, remoteIp, length, 0, State.Listen, now)
    count(t, Counter.CookiesSent)
    t.cookies = true
    t.cookieTime = now
    return true
}

/**
 * Opens a connection if the segment in `t.segment` brings a cookie back to the listener `l`, and frees the half-open record `h`
 * (-1 for none) that a later SYN of the client has taken. Returns false when the segment has no valid cookie and the caller still
 * has to handle it. Drops the segment when no connection record is free: the client sends it again.
 */
export function cookieArrives(t: TcpContext, l: number, h: number, now: number): boolean {
    // a cookie is checked only while one may be outstanding; otherwise each stray ACK would cost a hash and be a free guess
    if (!t.cookies) return false
    const since = (now - t.cookieTime) | 0
    if (since < 0 || since > Epoch.Lifetime) {
        t.cookies = false
        return false
    }
    const segment = t.segment
    if (segment.getAt(Seg.Control, "u8") & (Flag.Syn | Flag.Rst)) return false
    const remoteIp = segment.getAt(Seg.RemoteIp, "i32")
    const ports = segment.getAt(Seg.Ports, "i32")
    const irs = (segment.getAt(Seg.Sequence, "i32") - 1) | 0
    const cookie = (segment.getAt(Seg.Acknowledgment, "i32") - 1) | 0
    const mss = (cookie >>> Cookie.MssShift) & Cookie.MssMask
    const epoch = epochAt(now)
    const before = epoch > 0 ? epoch - 1 : Epoch.Last
    const parity = cookie >>> Cookie.ParityShift
    // two epochs in a row have the same parity only when the time has just wrapped
    const valid =
        ((epoch & 1) === parity && cookieOf(t, remoteIp, ports, irs, epoch, mss) === cookie) ||
        ((before & 1) === parity && cookieOf(t, remoteIp, ports, irs, before, mss) === cookie)
    if (!valid) return false
    const options = t.segment
    let agreement = 0
    let scale = 0
    if (TIMESTAMPS ? isStamped(t) : false) {
        if (t.config.timestamps) {
            const bits = options.getAt(ParsedOptions.TimestampEcho, "i32") & Stamp.Mask
            if (!isRecent(t, remoteIp, ports, now)) return false
            agreement = Agreed.Timestamps
            if (SACK ? bits & Stamp.Sack : 0) {
                if (t.config.sack) agreement |= Agreed.Sack
            }
            scale = bits & Stamp.ScaleMask
            if (scale === Stamp.NoScale) scale = 0
        }
    }
    const c = connectionFor(t, l, now)
    if (!c) return true
    // the window that the SYN-ACK advertised, unless the program has changed it meanwhile
    const room = t.listeners.getAt(l + Listener.ReceiveLimit, "u16")
    c.setAt(Tcb.Listener, "u16", t.listeners.getAt(l + Listener.Id, "u16"))
    c.setAt(Tcb.ReceiveLimit, "u16", room)
    c.setAt(Tcb.RcvWnd, "u16", room)
    // segmentArrives reads the peer's window from this segment
    c.setAt(Tcb.ScaleDups, "u8", scale)
    const stamp = options.getAt(ParsedOptions.TimestampValue, "i32")
    openPassive(t, c, cookie, irs, mssOf(mss), agreement, stamp, now)
    if (h < 0) traceState(t, 0, State.Listen, State.SynReceived, remoteIp, ports, now)
    else dropHalf(t, h)
    count(t, Counter.CookiesTaken)
    enterEstablished(t, c, (cookie + 1) | 0, now)
    segmentArrives(t, c, now)
    return true
}

/** Returns true when the timestamp echoed in `t.segment` is one of ours, and not older than a valid cookie. */
function isRecent(t: TcpContext, remoteIp: number, ports: number, now: number): boolean {
    const echo = t.segment.getAt(ParsedOptions.TimestampEcho, "i32") & ~Stamp.Mask
    const age = (timestampAt(t, remoteIp, ports, now) - echo) | 0
    // its low bits make a cookie's timestamp older than the cookie, by less than twice their range
    return age >= 0 && age < Epoch.Lifetime + 2 * (Stamp.Mask + 1)
}
