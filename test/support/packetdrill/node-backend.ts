// A script's stack as sources on Node: called directly, in virtual time, every table checked after every event.

import { Buffer } from "@devicescript/core"
import { swap16 } from "../../../src/base/bytes"
import { receive } from "../../../src/net/receive"
import { Stack, setAddress } from "../../../src/net/stack"
import { deadline, Never, transmit } from "../../../src/net/transmit"
import * as calls from "../../../src/tcp/calls"
import { Config, configure } from "../../../src/tcp/config"
import * as settings from "../../../src/tcp/connection-settings"
import { readiness } from "../../../src/tcp/readiness"
import { errorName, State, stateName, Tcb, TcpError } from "../../../src/tcp/records"
import { findConnection } from "../../../src/tcp/tables"
import { mac } from "../frames"
import { ip } from "../host"
import { checkInvariants } from "../invariants"
import { record } from "../tshark"
import type { Backend, Network, Outcome, Reading, Sent } from "./backend"
import { localText } from "./connection"
import { inspect } from "./inspect"
import { answerArp, introduction } from "./wire"

/** So many steps at one moment mean that the stack's timers never rest. */
const STEPS_AT_ONCE = 1000
/** Frames that one event leads to at most. */
const FRAMES_AT_ONCE = 10_000

export class NodeBackend implements Backend {
    readonly tolerance = 0
    readonly sent: Sent[] = []
    private readonly stack: Stack
    private usecs = 0
    /** Steps at this moment. */
    private steps = 0

    /** `clock`: the stack's clock at the start, ms; it wraps at 2^32. */
    constructor(
        private readonly network: Network,
        config: Readonly<Record<string, number>>,
        private readonly clock: number
    ) {
        const values = new Config()
        configure(values, { ...config })
        this.stack = new Stack(values, Buffer.from(mac(network.localMac)))
        const gateway = network.hop === network.remoteIp ? "0.0.0.0" : network.hop
        setAddress(this.stack, ip(network.localIp), maskOf(network.prefix), ip(gateway))
        // ARP is none of the script's business
        this.receive(introduction(network))
        this.sent.length = 0
    }

    now(): number {
        return this.usecs
    }

    private get ms(): number {
        return (this.clock + Math.floor(this.usecs / 1000)) | 0
    }

    async advance(to: number): Promise<void> {
        const wait = deadline(this.stack, this.ms)
        const next = wait === Never.Ms ? to : (Math.floor(this.usecs / 1000) + wait) * 1000
        const then = Math.min(Math.max(next, this.usecs), to)
        this.steps = then > this.usecs ? 0 : this.steps + 1
        if (this.steps > STEPS_AT_ONCE) throw new Error("the stack's timers never rest")
        this.usecs = then
        this.poll()
    }

    async inject(frame: Uint8Array): Promise<void> {
        this.receive(frame)
    }

    async finish(): Promise<void> {
        this.sent.length = 0
    }

    private receive(frame: Uint8Array): void {
        this.stack.rx.set(frame.subarray(0, this.stack.rx.length))
        receive(this.stack, frame.length, this.ms)
        this.poll()
    }

    /** Takes what the stack has to send, answers ARP, and looks whether all tables are as they have to be. */
    private poll(): void {
        for (let frames = 0; ; frames++) {
            if (frames > FRAMES_AT_ONCE) throw new Error("the stack never stops sending")
            const length = transmit(this.stack, this.ms)
            if (length === 0) break
            const frame = Uint8Array.from(this.stack.tx.subarray(0, length))
            record(frame, this.usecs / 1000)
            const reply = answerArp(frame, this.network)
            if (reply === undefined) this.sent.push({ time: this.usecs, frame })
            else {
                this.stack.rx.set(reply)
                receive(this.stack, reply.length, this.ms)
            }
        }
        checkInvariants(this.stack, this.ms)
    }

    /** What a call gave, after the stack has sent what that led to. */
    private outcome(result: number): Outcome {
        this.poll()
        return result < 0 ? errorName(result) : result
    }

    async listen(port: number, backlog: number): Promise<Outcome> {
        return this.outcome(calls.listen(this.stack, port, backlog))
    }

    async accept(listener: number): Promise<{ outcome: Outcome; remotePort?: number }> {
        const id = calls.accept(this.stack, listener)
        if (id === 0) return { outcome: "EAGAIN" }
        if (id < 0) return { outcome: this.outcome(id) }
        const c = findConnection(this.stack, id)!
        const remotePort = swap16(c.getAt(Tcb.Ports, "u16"))
        return { outcome: this.outcome(id), remotePort }
    }

    async connect(port: number, localPort: number): Promise<Outcome> {
        return this.outcome(calls.connect(this.stack, ip(this.network.remoteIp), port, localPort, this.ms))
    }

    async write(handle: number, length: number): Promise<Outcome> {
        const from = Buffer.from(localText(length))
        const taken = calls.write(this.stack, handle, from, 0, length)
        if (taken === 0 && length > 0) return "EAGAIN"
        // the stack says how the connection ended; a program that writes gets what POSIX has for that
        return this.outcome(taken === TcpError.Eof ? TcpError.Pipe : taken)
    }

    async read(handle: number, most: number): Promise<Reading> {
        const into = Buffer.alloc(Math.min(most, this.stack.receiveSize))
        const n = calls.read(this.stack, handle, into, 0, into.length)
        if (n === 0) return { outcome: "EAGAIN" }
        if (n === TcpError.Eof) return { outcome: 0 }
        return { outcome: this.outcome(n), data: Uint8Array.from(into.subarray(0, Math.max(0, n))) }
    }

    async shutdown(handle: number): Promise<Outcome> {
        return this.outcome(calls.shutdown(this.stack, handle, this.ms))
    }

    async close(handle: number): Promise<void> {
        calls.close(this.stack, handle, this.ms)
        this.poll()
    }

    async abort(handle: number): Promise<void> {
        calls.abort(this.stack, handle, this.ms)
        this.poll()
    }

    async state(handle: number): Promise<string> {
        return stateName(calls.stateOf(this.stack, handle))
    }

    async failure(handle: number): Promise<string | undefined> {
        const error = calls.errorOf(this.stack, handle)
        const over = calls.stateOf(this.stack, handle) === State.Closed
        return over && error !== TcpError.None ? errorName(error) : undefined
    }

    async ready(handle: number): Promise<number> {
        return readiness(this.stack, handle)
    }

    async setReceiveLimit(handle: number, bytes: number): Promise<Outcome> {
        return this.outcome(settings.setReceiveLimit(this.stack, handle, bytes))
    }

    async setNoDelay(handle: number, on: boolean): Promise<Outcome> {
        return this.outcome(settings.setNoDelay(this.stack, handle, on))
    }

    async setKeepAlive(handle: number, on: boolean): Promise<Outcome> {
        return this.outcome(settings.setKeepAlive(this.stack, handle, on, this.ms))
    }

    async setUserTimeout(handle: number, seconds: number): Promise<Outcome> {
        return this.outcome(settings.setUserTimeout(this.stack, handle, seconds))
    }

    async look(
        name: string,
        who: { handle: number | undefined; remotePort: number; localPort: number }
    ): Promise<number | undefined> {
        return inspect(this.stack, name, { ...who, remoteIp: ip(this.network.remoteIp) })
    }
}

/** A netmask as `getAt` "i32" reads it from its wire bytes. */
function maskOf(prefix: number): number {
    const mask = prefix === 0 ? 0 : -1 << (32 - prefix)
    return ip([24, 16, 8, 0].map(shift => (mask >>> shift) & 255).join("."))
}
