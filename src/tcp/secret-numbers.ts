// Numbers that an attacker cannot guess: initial sequence numbers (RFC 6528), ephemeral ports (RFC 6056), offsets of timestamps
// (RFC 7323), SYN cookies (syn-cookie.ts).

import type { Buffer } from "@devicescript/core"
import { digest } from "@devicescript/crypto"
import { TIME_WAIT_RECORDS } from "../features"
import type { TcpContext } from "./context"
import { findTuple, findWait, joinPorts } from "./tables"

/** Offsets in `t.hashInput`. */
const enum Input {
    /** 16 bytes that never leave this host (mixKey). */
    Secret = 0,
    SecretSize = 16,
    LocalIp = 16,
    RemoteIp = 20,
    Ports = 24,
    /** A Purpose, so that the same input never serves two purposes. Each purpose may use the upper bits. */
    Purpose = 28,
    /** The peer's initial sequence number for a SYN cookie, else 0. */
    Sequence = 32,
}

/** The lowest 8 bits of Input.Purpose. */
const enum Purpose {
    /** The numbers of a connection, at the offsets of Hashed. */
    Connection = 1,
    Port = 2,
    Cookie = 4,
    Bits = 8,
}

/** Offsets in a hash: parts of one hash reveal nothing of each other. */
const enum Hashed {
    First = 0,
    /** Of Purpose.Connection: the offset of the timestamps. */
    Timestamp = 4,
}

/** RFC 6335 section 6: the dynamic ports. */
const enum Ephemeral {
    First = 49152,
    Count = 16384,
}

/** RFC 6528's timer ticks every 4 microseconds. */
const enum Clock {
    TicksPerMs = 250,
}

/**
 * Derives the key, before its first use, from everything that differs between devices and between starts, because a board's
 * random numbers may be weak, or repeat. The input then holds random bytes, this host's Ethernet address and the time; the
 * receive frame holds the last frame received. RFC 4086 sections 5.2 and 6.1 mix sources like this: no source makes the key
 * weaker than the others left it.
 */
export function mixKey(t: TcpContext, now: number): void {
    const input = t.hashInput
    // every hash has a purpose: once the input has one, the key is in use and stays
    if (input.getAt(Input.Purpose, "i32") !== 0) return
    input.setAt(Input.Sequence, "i32", now)
    input.blitAt(Input.Secret, digest("sha256", input, t.rx, t.counters), 0, Input.SecretSize)
}

/**
 * Returns F() of these RFCs, 32 bytes. Allocates, because the runtime's SHA-256 returns a new buffer: it runs a few times per
 * connection, never per segment.
 */
function hash(t: TcpContext, remoteIp: number, ports: number, purpose: number, sequence: number): Buffer {
    const input = t.hashInput
    input.setAt(Input.LocalIp, "i32", t.ip)
    input.setAt(Input.RemoteIp, "i32", remoteIp)
    input.setAt(Input.Ports, "i32", ports)
    input.setAt(Input.Purpose, "i32", purpose)
    input.setAt(Input.Sequence, "i32", sequence)
    return digest("sha256", input)
}

/**
 * Returns the initial sequence number of a connection: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), RFC
 * 6528 section 3. The configuration's `iss` is used instead, once, if it is set.
 */
export function initialSequence(t: TcpContext, remoteIp: number, ports: number, now: number): number {
    mixKey(t, now)
    const pinned = t.config.iss
    if (pinned >= 0) {
        t.config.iss = -1
        return pinned | 0
    }
    const f = hash(t, remoteIp, ports, Purpose.Connection, 0).getAt(Hashed.First, "i32")
    return (f + Math.imul(now, Clock.TicksPerMs)) | 0
}

/**
 * Returns by how much the upper 16 bits of our timestamps are ahead of the time, on the connection with this peer and these
 * ports: RFC 7323 section 7.1 asks for a different offset for each. One four-tuple always has the same offset, so that timestamps
 * grow from one connection to the next (RFC 6191), and a record of TIME-WAIT need not keep it.
 */
export function timestampOffset(t: TcpContext, remoteIp: number, ports: number): number {
    return hash(t, remoteIp, ports, Purpose.Connection, 0).getAt(Hashed.Timestamp, "u16")
}

/** Returns our timestamp at `now` for this peer and these ports, when no connection's record has the offset. */
export function timestampAt(t: TcpContext, remoteIp: number, ports: number, now: number): number {
    return (now + (timestampOffset(t, remoteIp, ports) << 16)) | 0
}

/** Returns a hash for a SYN cookie: over the four-tuple, the SYN's sequence number and 24 bits `more` of the cookie. */
export function cookieHash(
    t: TcpContext,
    remoteIp: number,
    ports: number,
    sequence: number,
    more: number
): number {
    return hash(t, remoteIp, ports, Purpose.Cookie | (more << Purpose.Bits), sequence).getAt(
        Hashed.First,
        "i32"
    )
}

/**
 * Returns a free local port for a connection to `port` of `remoteIp`, by RFC 6056 section 3.3.3 (algorithm 3); 0 if all are in
 * use.
 */
export function ephemeralPort(t: TcpContext, remoteIp: number, port: number): number {
    const pinned = t.config.localPort
    if (pinned > 0) {
        t.config.localPort = 0
        return pinned
    }
    const offset = hash(t, remoteIp, port, Purpose.Port, 0).getAt(Hashed.First, "u16")
    for (let i = 0; i < Ephemeral.Count; i++) {
        const local = Ephemeral.First + ((offset + t.portCounter) & (Ephemeral.Count - 1))
        t.portCounter = (t.portCounter + 1) & 0xffff
        const ports = joinPorts(port, local)
        if (
            findTuple(t, remoteIp, ports) < 0 &&
            (TIME_WAIT_RECORDS ? findWait(t, remoteIp, ports) < 0 : true)
        )
            return local
    }
    return 0
}
