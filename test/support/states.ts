// Brings a connection into each of the states of RFC 9293 section 3.3.2, by real segments.

import { ACTIVE_OPENS } from "../../src/features"
import { Bench, type BenchOptions } from "./bench"
import { Peer, type PeerOptions } from "./peer"

/** Where sequence numbers and time begin: at ordinary numbers, and just before they wrap. */
export const bases = [
    { name: "ordinary numbers", ours: 0x1000, theirs: 0x5000, start: 1000 },
    { name: "numbers about to pass 2^31", ours: 0x7fff_fffe, theirs: 0x7fff_fffd, start: 0x7fff_ff00 },
    { name: "numbers about to wrap at 2^32", ours: 0xffff_fffe, theirs: 0xffff_fffd, start: 0xffff_ff00 },
] as const

export type Base = (typeof bases)[number]

/** How the connection was opened. */
export type Open = "active" | "passive"

export const synchronizedStates = [
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
] as const

export type SynchronizedState = (typeof synchronizedStates)[number]

export interface Setup {
    base?: Base
    open?: Open
    config?: { [key: string]: number }
    bench?: Bench
    peer?: PeerOptions
    options?: BenchOptions
}

/** A peer of a stack on a bench of its own. */
export function newPeer(setup: Setup = {}): Peer {
    const base = setup.base ?? bases[0]
    const bench = setup.bench ?? new Bench(setup.config, { start: base.start, ...setup.options })
    return new Peer(bench, { ours: base.ours, theirs: base.theirs, ...setup.peer })
}

/** LISTEN: a listener, and a peer that has not said anything. */
export function listening(setup: Setup = {}): Peer {
    return newPeer(setup).listens().is("LISTEN")
}

/** SYN-SENT: the SYN has just arrived at the peer. */
export function synSent(setup: Setup = {}): Peer {
    return newPeer(setup).connects().gets("S 0 <mss 1460>").is("SYN-SENT")
}

/** SYN-RECEIVED from a passive open: a half-open record. */
export function halfOpen(setup: Setup = {}): Peer {
    return listening(setup).sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
}

/** SYN-RECEIVED from a simultaneous open: a connection's record. */
export function synReceived(setup: Setup = {}): Peer {
    return synSent(setup).sends("S 0 <mss 1460>").gets("S. 0 ack 1 <mss 1460>").is("SYN-RECEIVED")
}

/** ESTABLISHED, nothing sent yet. */
export function established(setup: Setup = {}): Peer {
    if (setup.open === "passive" || !ACTIVE_OPENS) {
        const peer = halfOpen(setup).sends(". 1 ack 1").gets().accepts()
        // what does not ask for a listener does not expect one
        return (setup.open === "passive" ? peer : peer.stopsListening()).is("ESTABLISHED")
    }
    return synSent(setup).sends("S. 0 ack 1 <mss 1460>").gets(". 1 ack 1").is("ESTABLISHED")
}

/** Any of the synchronized states. The peer's marks are what the stack's variables have become. */
export function reach(state: SynchronizedState, setup: Setup = {}): Peer {
    const peer = established(setup)
    switch (state) {
        case "ESTABLISHED":
            break
        case "FIN-WAIT-1":
            peer.shuts().gets("F. 1 ack 1")
            peer.marks = { una: 1, nxt: 2, rcv: 1 }
            break
        case "FIN-WAIT-2":
            peer.shuts().gets("F. 1 ack 1").sends(". 1 ack 2").gets()
            peer.marks = { una: 2, nxt: 2, rcv: 1 }
            break
        case "CLOSE-WAIT":
            peer.sends("F. 1 ack 1").gets(". 1 ack 2")
            peer.marks = { una: 1, nxt: 1, rcv: 2 }
            break
        case "CLOSING":
            peer.shuts().gets("F. 1 ack 1").sends("F. 1 ack 1").gets(". 2 ack 2")
            peer.marks = { una: 1, nxt: 2, rcv: 2 }
            break
        case "LAST-ACK":
            peer.sends("F. 1 ack 1").gets(". 1 ack 2").shuts().gets("F. 1 ack 2")
            peer.marks = { una: 1, nxt: 2, rcv: 2 }
            break
        case "TIME-WAIT":
            peer.shuts().gets("F. 1 ack 1").sends("F. 1 ack 2").gets(". 2 ack 2")
            peer.marks = { una: 2, nxt: 2, rcv: 2 }
            break
    }
    return peer.is(state)
}
