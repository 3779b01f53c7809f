// A peer that is played by hand: it sends the segments of the test, and each segment it gets must be expected.
//
//     const peer = new Peer(bench)
//     peer.listens()
//     peer.sends("S 0 <mss 1460>").gets("S. 0 ack 1 win 1024 <mss 1460>")
//     peer.sends(". 1 ack 1").gets()
//
// Numbers count from the initial sequence numbers, as in packetdrill. Everything the stack sends has to be claimed by a
// `gets` before the next step. The data of both sides is a pattern of the sequence number, and compared byte by byte.

import { Buffer } from "@devicescript/core"
import { expect } from "vitest"
import type { TcpView } from "../../sim/view/dissect"
import * as calls from "../../src/tcp/calls"
import { setKeepAlive, setNoDelay, setReceiveLimit, setUserTimeout } from "../../src/tcp/connection-settings"
import { halfOpenFor } from "../../src/tcp/half-open"
import { errorName, State, stateName, Tcb } from "../../src/tcp/records"
import { findTuple, findWait, joinPorts, listenerFor } from "../../src/tcp/tables"
import type { Bench, Sent } from "./bench"
import { address, ethernet, ipv4, tcp } from "./frames"
import { ip } from "./host"
import { needs } from "./needs"
import { formatSegment, type Marks, optionBytes, parseSegment, segmentOf } from "./segment"

export interface PeerOptions {
    ip?: string
    mac?: string
    /** The address whose Ethernet address is `mac`: the peer's own, or a router's. */
    hop?: string
    /** Its port, and the stack's. */
    port?: number
    localPort?: number
    /** Initial sequence numbers: what the stack is made to choose, and the peer's. */
    ours?: number
    theirs?: number
    /** The window in segments that do not say. */
    window?: number
    /** Largest window of the stack: where the right edge is expected before anything was read. */
    receive?: number
}

/** Bytes of the pattern from relative sequence number `seq` on: the peer's data, or the stack's. */
export function pattern(side: "theirs" | "ours", seq: number, length: number): Buffer {
    const b = Buffer.alloc(length)
    const step = side === "theirs" ? 7 : 13
    for (let i = 0; i < length; i++) b[i] = ((seq + i) * step + ((seq + i) >> 8)) & 0xff
    return b
}

export class Peer {
    readonly ip: string
    readonly mac: string
    readonly hop: string
    readonly port: number
    localPort: number
    readonly ours: number
    readonly theirs: number
    window: number
    /** The right edge of the stack's window, relative: it is expected there unless a segment's text says otherwise. */
    edge: number
    /** What names in segments stand for: una, nxt and rcv of the stack, beside edge. */
    marks: Marks = { una: 1, nxt: 1, rcv: 1 }
    /** The connection, and the listener. */
    id = 0
    listener = 0
    /** What it has got and not claimed yet. */
    readonly seen: Sent<TcpView>[] = []
    private started: number | undefined
    private written = 1
    private readTo = 1

    constructor(
        readonly bench: Bench,
        options: PeerOptions = {}
    ) {
        this.ip = options.ip ?? "10.0.0.2"
        const last = address(this.ip)[3]!
        this.mac = options.mac ?? `02:00:00:00:01:${last.toString(16).padStart(2, "0")}`
        this.hop = options.hop ?? this.ip
        this.port = options.port ?? 5000
        this.localPort = options.localPort ?? 80
        this.ours = options.ours ?? 0x1000
        this.theirs = options.theirs ?? 0x5000
        this.window = options.window ?? 4096
        this.edge = 1 + (options.receive ?? bench.stack.config.receiveBuffer)
        const known = bench.peers.some(p => p.hop === this.hop)
        bench.peers.push(this)
        if (bench.arp && !known) bench.introduce(this.hop, this.mac)
    }

    /** Whether a segment of the stack is meant for this peer. */
    isFor(view: TcpView): boolean {
        return (
            view.destination === this.ip &&
            view.destinationPort === this.port &&
            view.sourcePort === this.localPort
        )
    }

    private get stack() {
        return this.bench.stack
    }

    private get ports(): number {
        return joinPorts(this.port, this.localPort)
    }

    // What goes over the wire

    /** Sends a segment. `data` goes in the place of the pattern, and has to be as long as the text says. */
    sends(text: string, data?: Uint8Array): this {
        this.claimed(`before it sends ${text}`)
        this.started = undefined
        this.pinned(() => this.bench.receive(this.frame(text, data)))
        return this
    }

    /** The frame for a segment. */
    frame(text: string, data?: Uint8Array): Uint8Array {
        const s = parseSegment(text, { ...this.marks, edge: this.edge }, this.theirs, this.ours)
        // a SYN comes before the data
        const payload = data ?? pattern("theirs", s.flags.includes("S") ? s.seq + 1 : s.seq, s.length)
        if (payload.length !== s.length) throw new Error(`${payload.length} bytes of data for "${text}"`)
        const between = { source: this.ip, destination: this.bench.host.address }
        const segment = tcp(
            between,
            {
                sourcePort: this.port,
                destinationPort: this.localPort,
                seq: (this.theirs + s.seq) >>> 0,
                ack: s.ack === undefined ? 0 : (this.ours + s.ack) >>> 0,
                flags: s.flags,
                window: s.window ?? this.window,
                urgent: s.urgent,
                options: optionBytes(s.options),
            },
            payload
        )
        return ethernet(this.bench.mac, this.mac, 0x0800, ipv4({ ...between, protocol: 6 }, segment))
    }

    /** Lets time pass; `gets` then has the time of each segment: "+1000 S 0". */
    after(ms: number): this {
        this.claimed(`before ${ms} ms pass`)
        this.started = this.bench.now
        this.pinned(() => this.bench.pass(ms))
        return this
    }

    /**
     * What the stack has sent to this peer, exactly and in this order. A window that is not given is the one that leaves
     * the right edge where it was; that of a reset is 0.
     */
    gets(...expected: string[]): this {
        const seen = this.seen.splice(0)
        const got = seen.map(s => this.text(s))
        expect(got).toEqual(expected.map(text => this.normal(text)))
        for (const { view } of seen) {
            expect(view.destinationMac).toBe(this.mac)
            const s = segmentOf(view, this.ours, this.theirs)
            const data = pattern("ours", s.seq, s.length)
            expect(Uint8Array.from(view.payload), `data of ${formatSegment(s)}`).toEqual(
                Uint8Array.from(data)
            )
            if (s.ack !== undefined && !view.flags.rst)
                this.edge = Math.max(this.edge, s.ack + (s.window ?? 0))
        }
        return this
    }

    private text(sent: Sent<TcpView>): string {
        const text = formatSegment(segmentOf(sent.view, this.ours, this.theirs))
        return this.started === undefined ? text : `+${sent.time - this.started} ${text}`
    }

    private normal(text: string): string {
        const [, time, rest] = /^(\+\d+ )?(.*)$/.exec(text)!
        const s = parseSegment(rest!, { ...this.marks, edge: this.edge }, this.ours, this.theirs)
        if (s.flags.includes("R")) s.window ??= 0
        s.window ??= s.ack === undefined ? this.edge - 1 : this.edge - s.ack
        return (time ?? "") + formatSegment(s)
    }

    private claimed(when: string): void {
        for (const peer of this.bench.peers) {
            const left = peer.seen.map(s => peer.text(s))
            if (left.length > 0) throw new Error(`unclaimed ${when}: ${left.join("; ")}`)
        }
        if (this.bench.others.length > 0) {
            const kinds = this.bench.others.map(s => s.view.kind)
            throw new Error(`unclaimed ${when}: ${kinds.join(", ")}`)
        }
    }

    /** Makes the stack take this peer's number if it chooses an initial sequence number now. */
    private pinned(run: () => void): void {
        this.stack.config.iss = this.ours >>> 0
        run()
        this.stack.config.iss = -1
    }

    // What the program does

    /** Listens on the local port. */
    listens(backlog = 4): this {
        needs("PASSIVE_OPENS")
        this.listener = calls.listen(this.stack, this.localPort, backlog)
        expect(this.listener).toBeGreaterThan(0)
        return this
    }

    /** The program connects to this peer. */
    connects(): this {
        needs("ACTIVE_OPENS")
        this.claimed("before it connects")
        this.pinned(() => {
            const to = ip(this.ip)
            this.id = calls.connect(this.stack, to, this.port, this.localPort, this.bench.now | 0)
            expect(this.id).toBeGreaterThan(0)
            this.bench.poll()
        })
        this.started = undefined
        return this
    }

    stopsListening(): this {
        expect(calls.close(this.stack, this.listener, this.bench.now | 0)).toBe(0)
        this.listener = 0
        return this
    }

    /** The program takes the connection from the listener. */
    accepts(): this {
        this.id = calls.accept(this.stack, this.listener)
        expect(this.id).toBeGreaterThan(0)
        return this
    }

    /** The program writes `length` bytes, of which the stack takes `taken`. */
    writes(length: number, taken = length): this {
        return this.does("writes", () => {
            const data = pattern("ours", this.written, length)
            expect(calls.write(this.stack, this.id, data, 0, length)).toBe(taken)
            this.written += taken
        })
    }

    /** The program reads `length` bytes at most, and finds `got` of the pattern, all there is unless given. */
    reads(got: number, length = 65_535): this {
        return this.does("reads", () => {
            const into = Buffer.alloc(Math.min(length, 57_000))
            expect(calls.read(this.stack, this.id, into, 0, into.length)).toBe(got)
            if (got <= 0) return
            expect(into.slice(0, got).toString("hex")).toBe(
                pattern("theirs", this.readTo, got).toString("hex")
            )
            this.readTo += got
        })
    }

    shuts(result = 0): this {
        return this.does("shuts", () =>
            expect(calls.shutdown(this.stack, this.id, this.bench.now | 0)).toBe(result)
        )
    }

    closes(result = 0): this {
        return this.does("closes", () =>
            expect(calls.close(this.stack, this.id, this.bench.now | 0)).toBe(result)
        )
    }

    aborts(result = 0): this {
        return this.does("aborts", () =>
            expect(calls.abort(this.stack, this.id, this.bench.now | 0)).toBe(result)
        )
    }

    limits(bytes: number, id = this.id): this {
        return this.does("limits", () => expect(setReceiveLimit(this.stack, id, bytes)).toBe(0))
    }

    noDelay(on: boolean): this {
        return this.does("sets Nagle", () => expect(setNoDelay(this.stack, this.id, on)).toBe(0))
    }

    keepsAlive(on: boolean): this {
        needs("KEEP_ALIVE")
        return this.does("sets keep-alive", () =>
            expect(setKeepAlive(this.stack, this.id, on, this.bench.now | 0)).toBe(0)
        )
    }

    givesUpAfter(seconds: number): this {
        needs("USER_TIMEOUT")
        return this.does("sets the user timeout", () =>
            expect(setUserTimeout(this.stack, this.id, seconds)).toBe(0)
        )
    }

    private does(what: string, run: () => void): this {
        this.claimed(`before the program ${what}`)
        this.started = undefined
        run()
        this.bench.poll()
        return this
    }

    // What it has come to

    /** The state of the connection between the two, whatever record it is in. */
    get state(): string {
        const remote = ip(this.ip)
        const c = findTuple(this.stack, remote, this.ports)
        if (c >= 0) return stateName(this.stack.conns[c].getAt(Tcb.State, "u8"))
        if (findWait(this.stack, remote, this.ports) >= 0) return stateName(State.TimeWait)
        if (halfOpenFor(this.stack, remote, this.ports) >= 0) return stateName(State.SynReceived)
        return stateName(listenerFor(this.stack, this.ports) >= 0 ? State.Listen : State.Closed)
    }

    /** The connection is in this state. */
    is(state: string): this {
        expect(this.state).toBe(state)
        return this
    }

    /** The program finds the connection ended by this error. */
    failed(error: string): this {
        expect(errorName(calls.errorOf(this.stack, this.id))).toBe(error)
        expect(stateName(calls.stateOf(this.stack, this.id))).toBe("CLOSED")
        return this
    }

    /** Nobody holds the record any more. */
    gone(): this {
        expect(calls.stateOf(this.stack, this.id)).toBe(State.Closed)
        expect(findTuple(this.stack, ip(this.ip), this.ports)).toBe(-1)
        expect(findWait(this.stack, ip(this.ip), this.ports)).toBe(-1)
        return this
    }
}
