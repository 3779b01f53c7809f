// Connections of devices to anywhere, ended here: each goes to a port of its own of the router's stack, and
// on from there by a socket of the host.
//
// The device's segments are addressed to the other host; they are redirected to the router's stack, and the
// stack's answers get the other host's address back. A SYN is held until the host's connect() has an outcome,
// so that a device meets what a program of the host would: a handshake, a refusal, or silence.

import type { Socket } from "node:net"
import type { Buffer } from "@devicescript/core"
import { ipv4Text } from "../../src/net/address"
import { abort, accept, close, listen } from "../../src/tcp/calls"
import { halfOpenFor } from "../../src/tcp/half-open"
import { findConnection, findWaitId, joinPorts } from "../../src/tcp/tables"
import { Unreachable } from "../../src/wire/icmp"
import { Protocol } from "../../src/wire/ipv4"
import { Flag } from "../../src/wire/tcp"
import { controlOf, type Ends, isIntact, redirect, Side } from "./packet"
import { type Ground, Splice } from "./splice"

/**
 * Ports of the router's stack: one for what belongs to nothing, a range for connections; forwards take those
 * above.
 */
const Ports = { Stray: 1, First: 1024, Last: 0xbfff } as const
/** A listener takes one connection, whose handshake comes first. */
const BACKLOG = 1
/** Flows remembered, those included whose connections the stack may have forgotten meanwhile. */
const MAX_FLOWS = 1024

export const LOOPBACK = "127.0.0.1"

/** Opens a socket of the host that stays open for one direction when the other ends. */
export type Dial = (host: string, port: number) => Socket

/** What the flows need of the network around them. */
export interface OutgoingGround extends Ground {
    /** The router's own address. */
    readonly router: number
    /** Has the stack take a frame of the device's, and sends its answers. */
    feed(frame: Buffer, length: number): void
    /** Tells the sender of a frame that what it wants cannot be reached. */
    unreachable(frame: Buffer, code: Unreachable): void
    /** Whether one more socket of the host may be opened. */
    mayConnect(): boolean
    readonly dial: Dial
    /** Says something for a developer to read. */
    log(text: string): void
}

interface Flow {
    readonly key: string
    readonly ends: Ends
    /** Its port of the router's stack. */
    readonly port: number
    readonly host: Socket
    /** The SYN, while it is held. */
    syn: { frame: Buffer; length: number } | undefined
    /** The listener, while the handshake goes on; the connection's id from then on. */
    listener: number
    id: number
    splice: Splice | undefined
    /** The host's socket is closed. */
    hostGone: boolean
}

export class Outgoing {
    private readonly flows = new Map<string, Flow>()
    private readonly byPort = new Map<number, Flow>()
    private nextPort: number = Ports.First
    /** Who sent the segment that belongs to nothing. */
    private stray: Ends | undefined

    constructor(private readonly ground: OutgoingGround) {}

    /** Flows with a socket of the host. */
    get sockets(): number {
        let open = 0
        for (const flow of this.flows.values()) if (!flow.hostGone) open++
        return open
    }

    /** All that are remembered, those in TIME-WAIT too. */
    get size(): number {
        return this.flows.size
    }

    /** Takes a segment of a device that is not one of an incoming connection. `frame` may be changed. */
    receive(frame: Buffer, length: number, ends: Ends): void {
        const control = controlOf(frame)
        const flow = this.flows.get(keyOf(ends))
        const opens = (control & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn
        if (control < 0 || ((opens || flow?.syn !== undefined) && !isIntact(frame, Protocol.Tcp))) {
            this.ground.counters.malformed++
        } else if (flow === undefined) {
            if (opens) this.open(frame, length, ends)
            else this.refuse(frame, length, ends)
        } else if (flow.syn !== undefined) {
            // the same SYN once more, or the device gives up
            if (control & Flag.Rst) this.forget(flow)
        } else if (opens && this.isLeft(flow)) {
            this.forget(flow)
            this.open(frame, length, ends)
        } else {
            redirect(frame, Side.Destination, this.ground.router, flow.port)
            this.ground.feed(frame, length)
        }
    }

    /**
     * Gives a segment that the stack sends from `port` the address that the device knows. Ports above are a
     * forward's.
     */
    translate(frame: Buffer, port: number): void {
        if (port > Ports.Last) return
        const ends = port === Ports.Stray ? this.stray : this.byPort.get(port)?.ends
        if (ends !== undefined) redirect(frame, Side.Source, ends.destination, ends.destinationPort)
    }

    /** A turn for every connection. */
    work(): void {
        for (const flow of this.flows.values()) {
            if (flow.listener > 0) this.handshake(flow)
            if (flow.splice !== undefined && !flow.splice.work()) flow.splice = undefined
        }
    }

    /** Forgets what the stack has forgotten; called now and then. */
    sweep(): void {
        const { stack } = this.ground
        for (const flow of this.flows.values()) {
            if (flow.id === 0 || flow.splice !== undefined) continue
            if (findConnection(stack, flow.id) < 0 && findWaitId(stack, flow.id) < 0) this.forget(flow)
        }
    }

    close(): void {
        for (const flow of [...this.flows.values()]) {
            flow.host.destroy()
            this.forget(flow)
        }
    }

    private open(frame: Buffer, length: number, ends: Ends): void {
        const { ground } = this
        if (ends.destinationPort === 0) {
            this.refuse(frame, length, ends)
            return
        }
        if (this.flows.size >= MAX_FLOWS) this.sweep()
        if (this.flows.size >= MAX_FLOWS || !ground.mayConnect()) {
            ground.counters.connectionsFull++
            return
        }
        ground.counters.outgoing++
        const address = ends.destination === ground.router ? LOOPBACK : ipv4Text(ends.destination)
        const host = ground.dial(address, ends.destinationPort)
        const flow: Flow = {
            key: keyOf(ends),
            ends,
            port: this.freePort(),
            host,
            syn: { frame: frame.slice(0, length) as Buffer, length },
            listener: 0,
            id: 0,
            splice: undefined,
            hostGone: false,
        }
        this.flows.set(flow.key, flow)
        this.byPort.set(flow.port, flow)
        let failure: string | undefined
        host.setTimeout(ground.limits.connectTimeout, () => host.destroy())
        host.on("error", (error: NodeJS.ErrnoException) => {
            failure = error.code
        })
        host.once("connect", () => this.connected(flow))
        host.once("close", () => {
            flow.hostGone = true
            if (flow.syn !== undefined) this.failed(flow, flow.syn, failure)
            ground.poke()
        })
    }

    /** The host is through: the device's handshake may go on. */
    private connected(flow: Flow): void {
        const { ground } = this
        const { syn, host } = flow
        host.setTimeout(0)
        if (syn === undefined) return
        flow.syn = undefined
        flow.listener = listen(ground.stack, flow.port, BACKLOG)
        if (flow.listener < 0) {
            ground.counters.connectionsFull++
            this.forget(flow)
            return
        }
        redirect(syn.frame, Side.Destination, ground.router, flow.port)
        ground.feed(syn.frame, syn.length)
    }

    private failed(flow: Flow, { frame, length }: NonNullable<Flow["syn"]>, code: string | undefined): void {
        const { ground } = this
        this.forget(flow)
        if (code === "ECONNREFUSED" || code === "ECONNRESET") {
            ground.counters.refused++
            this.refuse(frame, length, flow.ends)
        } else {
            // silence: the device sends its SYN again, and we try again
            ground.counters.unanswered++
            ground.log(`${textOf(flow.ends)}: the host cannot connect (${code ?? "no answer"})`)
            if (code === "EHOSTUNREACH") ground.unreachable(frame, Unreachable.Host)
            if (code === "ENETUNREACH") ground.unreachable(frame, Unreachable.Net)
        }
    }

    /** Has the stack answer a segment as if nobody listened. */
    private refuse(frame: Buffer, length: number, ends: Ends): void {
        this.stray = ends
        redirect(frame, Side.Destination, this.ground.router, Ports.Stray)
        this.ground.feed(frame, length)
    }

    /** Looks whether the device has completed the handshake, or it has failed. */
    private handshake(flow: Flow): void {
        const { stack, now } = this.ground
        const id = flow.hostGone ? 0 : accept(stack, flow.listener)
        if (id > 0) {
            close(stack, flow.listener, now())
            flow.listener = 0
            flow.id = id
            flow.splice = new Splice(this.ground, flow.host, id)
            return
        }
        const ports = joinPorts(flow.ends.sourcePort, flow.port)
        if (flow.hostGone || halfOpenFor(stack, flow.ends.source, ports) < 0) this.forget(flow)
    }

    /** Nobody uses the connection any more: the stack only waits for stray segments of it. */
    private isLeft(flow: Flow): boolean {
        return flow.id > 0 && flow.splice === undefined && findConnection(this.ground.stack, flow.id) < 0
    }

    /** Frees everything that a flow has. */
    private forget(flow: Flow): void {
        const { stack, now } = this.ground
        if (flow.listener > 0) close(stack, flow.listener, now())
        if (flow.id > 0) abort(stack, flow.id, now())
        // once connected, the host is to see that there is nobody
        if (flow.host.connecting) flow.host.destroy()
        else if (!flow.host.destroyed && flow.id === 0) flow.host.resetAndDestroy()
        flow.syn = undefined
        flow.listener = 0
        this.flows.delete(flow.key)
        this.byPort.delete(flow.port)
    }

    /** Ports are taken in turn, so that one comes up again as late as can be. */
    private freePort(): number {
        do {
            this.nextPort = this.nextPort < Ports.Last ? this.nextPort + 1 : Ports.First
        } while (this.byPort.has(this.nextPort))
        return this.nextPort
    }
}

function keyOf({ source, sourcePort, destination, destinationPort }: Ends): string {
    return `${source}:${sourcePort}:${destination}:${destinationPort}`
}

function textOf({ source, sourcePort, destination, destinationPort }: Ends): string {
    return `${ipv4Text(source)}:${sourcePort} > ${ipv4Text(destination)}:${destinationPort}`
}
