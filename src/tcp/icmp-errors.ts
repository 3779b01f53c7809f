// ICMP errors about segments that we sent (RFC 1122 section 4.2.3.9, RFC 5927, RFC 1191).

import { readI32 } from "../base/bytes"
import { TIMESTAMPS } from "../features"
import type { Connection, TcpContext } from "./context"
import { Mss } from "./options"
import { ConnOption, SendFlag, State, Tcb, TcpError } from "./records"
import { failConnection, setDue } from "./state"
import { findTuple, swapPorts } from "./tables"

const enum Mtu {
    /** The least MTU that is believed: every host accepts packets of that size (RFC 791), and most routers do. */
    Least = 576,
    /** Bytes of the IP and TCP headers. */
    Headers = 40,
}

/** Returns the connection to `remoteIp` whose segment in flight is quoted, by its first 8 bytes, at `at`; undefined if not found. */
function quoted(t: TcpContext, remoteIp: number, at: number): Connection | undefined {
    const c = t.conns[findTuple(t, remoteIp, swapPorts(t.rx.getAt(at, "i32")))]
    if (!c) return undefined
    const sequence = readI32(t.rx, at + 4)
    const inFlight =
        ((sequence - c.getAt(Tcb.SndUna, "i32")) | 0) >= 0 &&
        ((c.getAt(Tcb.SndMax, "i32") - sequence) | 0) > 0
    return inFlight ? c : undefined
}

/**
 * Handles an ICMP error that says that a segment to `remoteIp` was not delivered; `at` is the offset of the 8 bytes that it
 * quotes of the segment. By RFC 5927 only a segment in flight counts, and only a connection in SYN-SENT ends, with `error`;
 * None is a soft error in any state. Returns false when the quoted segment belongs to no connection.
 */
export function tcpUnreachable(
    t: TcpContext,
    remoteIp: number,
    at: number,
    error: TcpError,
    now: number
): boolean {
    const c = quoted(t, remoteIp, at)
    if (!c) return false
    if (error !== TcpError.None && c.getAt(Tcb.State, "u8") === State.SynSent) {
        failConnection(t, c, error, now)
    } else {
        softError(c)
    }
    return true
}

/**
 * Handles an ICMP error that reports a packet of `packet` bytes as too large for a link with an MTU of `mtu` bytes (0: not
 * reported). By RFC 1191 segments become smaller, and the data is sent again. Returns false when the quoted segment belongs to no
 * connection, or the error makes no sense.
 */
export function tcpTooBig(t: TcpContext, remoteIp: number, at: number, mtu: number, packet: number): boolean {
    const c = quoted(t, remoteIp, at)
    // RFC 5927 section 7.2: the packet has to be larger than the MTU
    if (!c || mtu >= packet) return false
    const state = c.getAt(Tcb.State, "u8")
    if (state === State.SynSent || state === State.SynReceived) return false
    // no link refuses a packet this small without reporting its MTU
    if (mtu === 0) {
        if (packet <= Mtu.Least) return false
    }
    const connOptions = c.getAt(Tcb.Options, "u8")
    // an old router does not report the MTU: the least surely passes
    const fragment = mtu > 0 && mtu < Mtu.Least && !(connOptions & ConnOption.Fragment)
    if (mtu < Mtu.Least) mtu = Mtu.Least
    let mss = mtu - Mtu.Headers
    if (TIMESTAMPS ? connOptions & ConnOption.Timestamps : 0) mss -= Mss.Timestamps
    const less = mss < c.getAt(Tcb.Mss, "u16")
    if (!less) {
        if (!fragment) return false
    }
    if (less) c.setAt(Tcb.Mss, "u16", mss)
    // our segments become no smaller than the least MTU: routers have to fragment them
    if (fragment) c.setAt(Tcb.Options, "u8", connOptions | ConnOption.Fragment)
    // this is no congestion: the timer and the windows stay (RFC 1191 section 6.4); the round trip is not measured (Karn)
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") & ~SendFlag.Timing)
    c.setAt(Tcb.SndNxt, "i32", c.getAt(Tcb.SndUna, "i32"))
    setDue(t, c, 0)
    return true
}

/** Remembers that the peer cannot be reached now: if the connection times out, the program gets that as the reason. */
export function softError(c: Connection): void {
    c.setAt(Tcb.SendFlags, "u8", c.getAt(Tcb.SendFlags, "u8") | SendFlag.SoftError)
}
