// What depends on the secret of the stack under test: its timestamps, and the numbers it chooses for SYN cookies.

import { expect } from "vitest"
import type { TcpView } from "../../sim/view/dissect"
import { timestampOffset } from "../../src/tcp/secret-numbers"
import { joinPorts } from "../../src/tcp/tables"
import { ip } from "./host"
import { Peer } from "./peer"

/** Our timestamp on the peer's connection at `time` (now, unless given), a number from 0 to 2^32 - 1. */
export function ourTimestamp(peer: Peer, time = peer.bench.now): number {
    const ports = joinPorts(peer.port, peer.localPort)
    return (time + (timestampOffset(peer.bench.stack, ip(peer.ip), ports) << 16)) >>> 0
}

/** The timestamps option, as text, of a segment that is sent to the peer at `time` and echoes `echo`. */
export function timestampOption(peer: Peer, echo: number, time = peer.bench.now): string {
    return `TS val ${ourTimestamp(peer, time)} ecr ${echo >>> 0}`
}

/** The one segment that the peer has got; its claim. */
export function onlySegment(peer: Peer): TcpView {
    const seen = peer.seen.splice(0)
    expect(seen.map(s => s.view.kind)).toEqual(["tcp"])
    return seen[0]!.view
}

/** The timestamps of a segment. Fails when it has none. */
export function timestampsOf(view: TcpView): { value: number; echo: number } {
    for (const option of view.options) if (option.kind === "timestamps") return option
    throw new Error("no timestamps")
}

/** The same peer, as it is once the stack has chosen its initial sequence number itself. */
export function withIss(peer: Peer, ours: number): Peer {
    const { bench, ip, mac, hop, port, localPort, theirs, window, listener } = peer
    const next = new Peer(bench, { ip, mac, hop, port, localPort, ours, theirs, window })
    bench.peers.splice(bench.peers.indexOf(peer), 1)
    next.listener = listener
    return next
}

/** Sends the SYN, which is answered by a SYN,ACK with a number of the stack's own choice: the peer that knows it. */
export function afterSynAck(peer: Peer, syn: string): Peer {
    const view = onlySegment(peer.sends(syn))
    expect(view.flags).toMatchObject({ syn: true, ack: true, rst: false, fin: false })
    return withIss(peer, view.seq)
}
