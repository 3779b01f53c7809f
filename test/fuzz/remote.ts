// The hosts at the other end, as the fuzzer plays them. What a host would have to remember of a connection is read
// from the stack's own records instead: so the fields near which a stack may go wrong are always at hand.

import type { Stack } from "../../src/net/stack"
import type { Connection } from "../../src/tcp/context"
import { halfOpenFor } from "../../src/tcp/half-open"
import { Agreed, Ahead, ConnOption, Half, State, Tcb, TimeWaitRecord } from "../../src/tcp/records"
import { findTuple, findWait, listenerFor } from "../../src/tcp/tables"
import { Control, get32 } from "./frame-builder"

/** What the stack has for a remote's four-tuple. */
export const Found = { Nothing: 0, Listener: 1, Half: 2, Connection: 3, Wait: 4 } as const

/** One four-tuple. */
export class Remote {
    readonly mac: Uint8Array
    /** Both ports as the stack's records have them. */
    readonly ports: number
    /** Its current initial sequence number, and its window. */
    iss = 0
    window = 4096
    /** What its clock is ahead of the time. */
    clock = 0
    /** The stack's last timestamp, and the number of its last SYN. */
    echo = 0
    stackIss = 0

    constructor(
        /** As `getAt` "i32" reads it. */
        readonly ip: number,
        /** Who packets for it are handed to. */
        readonly hop: number,
        readonly port: number,
        readonly localPort: number,
        /** The stack's program connects to it, rather than it to the stack. */
        readonly isServer: boolean
    ) {
        this.mac = Uint8Array.of(2, 0, 0, 0, 1, hop >>> 24)
        this.ports =
            (port >> 8) | ((port & 0xff) << 8) | ((localPort >> 8) << 16) | ((localPort & 0xff) << 24)
    }

    /** Takes note of a segment that the stack sent to it. */
    hears(f: Uint8Array, length: number): void {
        const header = (f[46] >> 4) << 2
        if (f[47] & Control.Syn) {
            this.stackIss = get32(f, 38)
            for (let at = 54; at + 10 <= 34 + header && at < length; ) {
                if (f[at] === 8) {
                    this.echo = get32(f, at + 2)
                    break
                }
                at += f[at] === 1 ? 1 : Math.max(1, f[at + 1])
            }
        } else if (header >= 32 && f[56] === 8) {
            this.echo = get32(f, 58)
        }
    }
}

/** What the stack's record of a remote says; filled in by `look`. */
export class View {
    found: number = Found.Nothing
    /** Of a connection; SYN-RECEIVED and TIME-WAIT for the small records. */
    state: State = State.Closed
    /** The record's offset. */
    at = -1
    una = 0
    nxt = 0
    max = 0
    rcvNxt = 0
    edge = 0
    mss = 0
    tsRecent = 0
    stamps = false
    sack = false
    queued = 0
    /** Start and end of the first block ahead, from rcvNxt; 0 when there is none. */
    aheadStart = 0
    aheadEnd = 0

    look(stack: Stack, r: Remote): void {
        this.found = Found.Nothing
        this.state = State.Closed
        this.una = this.nxt = this.max = (r.stackIss + 1) | 0
        this.rcvNxt = (r.iss + 1) | 0
        this.edge = (this.rcvNxt + stack.config.receiveBuffer) | 0
        this.mss = 536
        this.tsRecent = 0
        this.stamps = false
        this.sack = false
        this.queued = 0
        this.aheadStart = 0
        this.aheadEnd = 0
        const c = findTuple(stack, r.ip, r.ports)
        const h = halfOpenFor(stack, r.ip, r.ports)
        const w = findWait(stack, r.ip, r.ports)
        if (c >= 0) this.connection(stack.conns[c], c)
        else if (h >= 0) this.half(stack, h)
        else if (w >= 0) this.wait(stack, w)
        else if (listenerFor(stack, r.ports) >= 0) {
            this.found = Found.Listener
            this.state = State.Listen
        }
    }

    private connection(c: Connection, index: number): void {
        this.found = Found.Connection
        this.at = index
        this.state = c.getAt(Tcb.State, "u8")
        this.una = c.getAt(Tcb.SndUna, "i32")
        this.nxt = c.getAt(Tcb.SndNxt, "i32")
        this.max = c.getAt(Tcb.SndMax, "i32")
        this.rcvNxt = c.getAt(Tcb.RcvNxt, "i32")
        this.edge = (this.rcvNxt + c.getAt(Tcb.RcvWnd, "u16")) | 0
        this.mss = Math.max(52, c.getAt(Tcb.Mss, "u16"))
        this.tsRecent = c.getAt(Tcb.TsRecent, "i32")
        const connOptions = c.getAt(Tcb.Options, "u8")
        this.stamps = (connOptions & ConnOption.Timestamps) !== 0
        this.sack = (connOptions & ConnOption.Sack) !== 0
        this.queued = c.getAt(Tcb.SendLength, "u16")
        this.aheadStart = c.getAt(Tcb.Ahead + Ahead.Start, "u16")
        this.aheadEnd = c.getAt(Tcb.Ahead + Ahead.End, "u16")
    }

    private half(stack: Stack, h: number): void {
        const { halves } = stack
        this.found = Found.Half
        this.at = h
        this.state = State.SynReceived
        this.una = halves.getAt(h + Half.Iss, "i32")
        this.nxt = this.max = (this.una + 1) | 0
        this.rcvNxt = (halves.getAt(h + Half.Irs, "i32") + 1) | 0
        this.edge = (this.rcvNxt + halves.getAt(h + Half.ReceiveLimit, "u16")) | 0
        this.tsRecent = halves.getAt(h + Half.TsRecent, "i32")
        this.stamps = (halves.getAt(h + Half.Flags, "u8") & Agreed.Timestamps) !== 0
    }

    private wait(stack: Stack, w: number): void {
        const { waits } = stack
        this.found = Found.Wait
        this.at = w
        this.state = State.TimeWait
        this.una = this.nxt = this.max = waits.getAt(w + TimeWaitRecord.SndNxt, "i32")
        this.rcvNxt = waits.getAt(w + TimeWaitRecord.RcvNxt, "i32")
        this.edge = (this.rcvNxt + stack.receiveSize) | 0
        this.tsRecent = waits.getAt(w + TimeWaitRecord.TsRecent, "i32")
        this.stamps = this.tsRecent !== 0
    }
}
