// Connections of devices to other networks. Each ends at its own port in the router's stack; a socket of this computer connects
// to the remote host in its place.
//
// The device's segments are addressed to the remote host. The router redirects them to its own stack, and puts the remote host's
// address into the stack's replies. It holds a SYN until connect() of this computer has a result, so that a device sees the same
// as a program of this computer would: a handshake, a refusal, or no answer.

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
import { type RouterContext, Splice } from "./splice"

/** Ports of the router's stack: one for segments without a connection, a range for connections. Forwards use the ports above. */
const Ports = { Stray: 1, First: 1024, Last: 0xbfff } as const
/** The backlog of a flow's listener, which accepts only one connection. */
const BACKLOG = 1
/** The number of flows that are remembered, including those whose connection the stack has forgotten since the last sweep. */
const MAX_FLOWS = 1024

/** Real time that a virtual clock stands still for a connect() of this computer that has no result, ms. */
const PATIENCE = 1000

export const LOOPBACK = "127.0.0.1"

/** Opens a socket of this computer, one direction of which stays open when the other ends. */
export type Dial = (host: string, port: number) => Socket

/** The parts of the router that outgoing connections use. */
interface OutgoingContext extends RouterContext {
    /** The router's own address. */
    readonly router: number
    /** Passes a frame of a device to the stack, and sends the stack's replies. */
    feed(frame: Buffer, length: number): void
    /** Sends an ICMP error to the sender of a frame: the destination cannot be reached. */
    unreachable(frame: Buffer, code: Unreachable): void
    /** Returns true when one more socket of this computer may be open. */
    mayConnect(): boolean
    readonly dial: Dial
    /** Reports a line for a developer. */
    log(text: string): void
}

/** One connection of a device to another network. */
interface Flow {
    readonly key: string
    readonly ends: Ends
    /** The flow's port in the router's stack. */
    readonly port: number
    readonly host: Socket
    /** The device's SYN while it is held. */
    syn: { frame: Buffer; length: number } | undefined
    /** Id of the listener during the handshake, 0 before and after. */
    listener: number
    /** Id of the stack's connection after the handshake, 0 before. */
    id: number
    splice: Splice | undefined
    /** True when the socket of this computer is closed. */
    hostGone: boolean
}

export class Outgoing {
    private readonly flows = new Map<string, Flow>()
    private readonly byPort = new Map<number, Flow>()
    /** Each is over when a connect() of this computer has its result. */
    private readonly dialling = new Set<Promise<void>>()
    private nextPort: number = Ports.First
    /** The ends of the last segment that belongs to no connection. */
    private stray: Ends | undefined

    constructor(private readonly context: OutgoingContext) {}

    /** Number of flows whose socket of this computer is open. */
    get sockets(): number {
        let open = 0
        for (const flow of this.flows.values()) if (!flow.hostGone) open++
        return open
    }

    /** Number of all flows, including those in TIME-WAIT. */
    get size(): number {
        return this.flows.size
    }

    /** Returns true while a socket of this computer waits for the answer of a host's port. */
    dials(ip: number, port: number): boolean {
        for (const { syn, ends } of this.flows.values())
            if (syn !== undefined && ends.destination === ip && ends.destinationPort === port) return true
        return false
    }

    /** Handles a device's segment that belongs to no incoming connection. May change `frame`. */
    receive(frame: Buffer, length: number, ends: Ends): void {
        const control = controlOf(frame)
        const flow = this.flows.get(keyOf(ends))
        const opens = (control & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn
        if (control < 0 || ((opens || flow?.syn !== undefined) && !isIntact(frame, Protocol.Tcp))) {
            this.context.counters.malformed++
        } else if (flow === undefined) {
            if (opens) this.open(frame, length, ends)
            else this.refuse(frame, length, ends)
        } else if (flow.syn !== undefined) {
            // a retransmission of the SYN, or the device gives up the connection
            if (control & Flag.Rst) this.forget(flow)
        } else if (opens && this.isLeft(flow)) {
            this.forget(flow)
            this.open(frame, length, ends)
        } else {
            redirect(frame, Side.Destination, this.context.router, flow.port)
            this.context.feed(frame, length)
        }
    }

    /** Puts the remote host's address into a segment that the stack sends from `port`, unless that is a forward's port. */
    translate(frame: Buffer, port: number): void {
        if (port > Ports.Last) return
        const ends = port === Ports.Stray ? this.stray : this.byPort.get(port)?.ends
        if (ends !== undefined) redirect(frame, Side.Source, ends.destination, ends.destinationPort)
    }

    /** Moves the data of every connection. */
    work(): void {
        for (const flow of this.flows.values()) {
            if (flow.listener > 0) this.handshake(flow)
            if (flow.splice !== undefined && !flow.splice.work()) flow.splice = undefined
        }
    }

    /** Forgets the flows whose connection the stack has forgotten. The router calls it from time to time. */
    sweep(): void {
        const { stack } = this.context
        for (const flow of this.flows.values()) {
            if (flow.id === 0 || flow.splice !== undefined) continue
            if (!findConnection(stack, flow.id) && findWaitId(stack, flow.id) < 0) this.forget(flow)
        }
    }

    close(): void {
        for (const flow of [...this.flows.values()]) {
            flow.host.destroy()
            this.forget(flow)
        }
    }

    private open(frame: Buffer, length: number, ends: Ends): void {
        const { context } = this
        if (ends.destinationPort === 0) {
            this.refuse(frame, length, ends)
            return
        }
        if (this.flows.size >= MAX_FLOWS) this.sweep()
        if (this.flows.size >= MAX_FLOWS || !context.mayConnect()) {
            context.counters.connectionsFull++
            return
        }
        context.counters.outgoing++
        const address = ends.destination === context.router ? LOOPBACK : ipv4Text(ends.destination)
        const host = context.dial(address, ends.destinationPort)
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
        host.setTimeout(context.limits.connectTimeout, () => host.destroy())
        host.on("error", (error: NodeJS.ErrnoException) => {
            failure = error.code
        })
        host.once("connect", () => this.connected(flow))
        host.once("close", () => {
            flow.hostGone = true
            if (flow.syn !== undefined) this.failed(flow, flow.syn, failure)
            context.poke()
        })
        const result = new Promise<void>(resolve => {
            const timer = setTimeout(resolve, PATIENCE)
            for (const event of ["connect", "close"])
                host.once(event, () => {
                    clearTimeout(timer)
                    resolve()
                })
        }).then(() => {
            this.dialling.delete(result)
        })
        this.dialling.add(result)
    }

    /** Waits until each connect() of this computer has a result, a second at most: the device's timers run on a virtual clock, which is ahead otherwise. */
    async dialled(): Promise<void> {
        if (this.dialling.size > 0) await Promise.all(this.dialling)
    }

    /** Lets the device's handshake continue, because this computer's socket is connected. */
    private connected(flow: Flow): void {
        const { context } = this
        const { syn, host } = flow
        host.setTimeout(0)
        if (syn === undefined) return
        flow.syn = undefined
        flow.listener = listen(context.stack, flow.port, BACKLOG)
        if (flow.listener < 0) {
            context.counters.connectionsFull++
            this.forget(flow)
            return
        }
        redirect(syn.frame, Side.Destination, context.router, flow.port)
        context.feed(syn.frame, syn.length)
    }

    private failed(flow: Flow, { frame, length }: NonNullable<Flow["syn"]>, code: string | undefined): void {
        const { context } = this
        this.forget(flow)
        if (code === "ECONNREFUSED" || code === "ECONNRESET") {
            context.counters.refused++
            this.refuse(frame, length, flow.ends)
        } else {
            // no answer: the device retransmits its SYN, and the router dials again
            context.counters.unanswered++
            context.log(`${textOf(flow.ends)}: this computer cannot connect (${code ?? "no answer"})`)
            if (code === "EHOSTUNREACH") context.unreachable(frame, Unreachable.Host)
            if (code === "ENETUNREACH") context.unreachable(frame, Unreachable.Net)
        }
    }

    /** Passes a segment to the stack as if for a port without a listener, so that the stack refuses it. */
    private refuse(frame: Buffer, length: number, ends: Ends): void {
        this.stray = ends
        redirect(frame, Side.Destination, this.context.router, Ports.Stray)
        this.context.feed(frame, length)
    }

    /** Checks whether the device has completed the handshake, or the handshake has failed. */
    private handshake(flow: Flow): void {
        const { stack, now } = this.context
        const id = flow.hostGone ? 0 : accept(stack, flow.listener)
        if (id > 0) {
            close(stack, flow.listener, now())
            flow.listener = 0
            flow.id = id
            flow.splice = new Splice(this.context, flow.host, id)
            return
        }
        const ports = joinPorts(flow.ends.sourcePort, flow.port)
        if (flow.hostGone || halfOpenFor(stack, flow.ends.source, ports) < 0) this.forget(flow)
    }

    /** Returns true when a flow's connection is in TIME-WAIT or forgotten, so that a new SYN may open another. */
    private isLeft(flow: Flow): boolean {
        return flow.id > 0 && flow.splice === undefined && !findConnection(this.context.stack, flow.id)
    }

    /** Forgets a flow and frees its listener, its connection and its socket. */
    private forget(flow: Flow): void {
        const { stack, now } = this.context
        if (flow.listener > 0) close(stack, flow.listener, now())
        if (flow.id > 0) abort(stack, flow.id, now())
        // the device has no connection, so a remote host that is connected gets a reset
        if (flow.host.connecting) flow.host.destroy()
        else if (!flow.host.destroyed && flow.id === 0) flow.host.resetAndDestroy()
        flow.syn = undefined
        flow.listener = 0
        this.flows.delete(flow.key)
        this.byPort.delete(flow.port)
    }

    /** Returns the next free port. Ports are taken in turn, so that each is used again as late as possible. */
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
