// Numbers nobody can guess: initial sequence numbers (RFC 6528) and ephemeral ports (RFC 6056).

import { digest } from "@devicescript/crypto"
import { findTuple, joinPorts, type TcpContext } from "./context"

/** Offsets in `t.hashInput`. */
const enum Input {
    /** 16 bytes that never leave this host. */
    Secret = 0,
    LocalIp = 16,
    RemoteIp = 20,
    Ports = 24,
    /** What the hash is for: the same input never serves two purposes. */
    Purpose = 28,
}

const enum Purpose {
    SequenceNumber = 1,
    Port = 2,
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

/** F() of both RFCs. Allocates: the runtime's SHA-256 gives a new buffer. It runs once a connection, not once a segment. */
function hash(t: TcpContext, remoteIp: number, ports: number, purpose: Purpose): number {
    const input = t.hashInput
    input.setAt(Input.LocalIp, "i32", t.ip)
    input.setAt(Input.RemoteIp, "i32", remoteIp)
    input.setAt(Input.Ports, "i32", ports)
    input.setAt(Input.Purpose, "i32", purpose)
    return digest("sha256", input).getAt(0, "i32")
}

/** ISN = M + F(localip, localport, remoteip, remoteport, secretkey), RFC 6528 section 3. A pinned one goes first. */
export function initialSequence(t: TcpContext, remoteIp: number, ports: number, now: number): number {
    const pinned = t.config.iss
    if (pinned >= 0) {
        t.config.iss = -1
        return pinned | 0
    }
    return (hash(t, remoteIp, ports, Purpose.SequenceNumber) + Math.imul(now, Clock.TicksPerMs)) | 0
}

/** A free local port for a connection to `port` of `remoteIp`, RFC 6056 section 3.3.3 (algorithm 3); 0 when none is. */
export function ephemeralPort(t: TcpContext, remoteIp: number, port: number): number {
    const pinned = t.config.localPort
    if (pinned > 0) {
        t.config.localPort = 0
        return pinned
    }
    const offset = hash(t, remoteIp, port, Purpose.Port) & 0xffff
    for (let i = 0; i < Ephemeral.Count; i++) {
        const local = Ephemeral.First + ((offset + t.portCounter) & (Ephemeral.Count - 1))
        t.portCounter = (t.portCounter + 1) & 0xffff
        if (findTuple(t, remoteIp, joinPorts(port, local)) < 0) return local
    }
    return 0
}
