// The stack under fire: every step that is done to it goes through here, live or from a record, and after each the
// rules are looked at.

import { Buffer } from "@devicescript/core"
import { receive } from "../../src/net/receive"
import { Stack, setAddress } from "../../src/net/stack"
import { deadline, Never, transmit } from "../../src/net/transmit"
import * as calls from "../../src/tcp/calls"
import { Config, configure } from "../../src/tcp/config"
import { setKeepAlive, setNoDelay, setReceiveLimit, setUserTimeout } from "../../src/tcp/connection-settings"
import { State, Tcb, TcpError } from "../../src/tcp/records"
import { findConnection } from "../../src/tcp/tables"
import { checkInvariants } from "../support/invariants"
import { firstWrong, pattern, saltOf } from "./pattern"
import { Rules } from "./rules"

export const StepKind = { Frame: 0, Pass: 1, Call: 2 } as const

/** What is done to the stack. Plain data, so that it can be kept, cut, printed, and sent to a VM. */
export interface Step {
    kind: number
    /** Virtual time, ms; does not wrap. */
    at: number
    /** Frame: its length as told to the stack. Call: which, of CallKind. */
    code: number
    /** Frame: 1 when another comes before the stack may send. Call: arguments. */
    a: number
    b: number
    c: number
    /** The frame as far as it fits the receive frame, or what is written. */
    bytes: Uint8Array
    /** What the call gave. */
    result: number
}

/** The program's calls. Arguments are the step's a, b, c; an id comes first. */
export const CallKind = {
    Listen: 1,
    Accept: 2,
    Connect: 3,
    Write: 4,
    Read: 5,
    Shutdown: 6,
    Close: 7,
    Abort: 8,
    Limit: 9,
    NoDelay: 10,
    KeepAlive: 11,
    UserTimeout: 12,
    /** Pins the next initial sequence number. */
    Iss: 13,
} as const

export const callNames = [
    "",
    "listen",
    "accept",
    "connect",
    "write",
    "read",
    "shutdown",
    "close",
    "abort",
    "setReceiveLimit",
    "setNoDelay",
    "setKeepAlive",
    "setUserTimeout",
    "iss",
]

/** Where the stack is: 10.0.0.1/24, with a router at 10.0.0.254. */
export const Place = {
    ip: 0x0100000a,
    netmask: 0x00ffffff,
    gateway: 0xfe00000a | 0,
    mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
} as const

/** Bytes read or written in a call at most. */
export const MOST_BYTES = 8192
/** Turns of the timers within one step at most. */
const MOST_TURNS = 200_000

/** Whether a call gives an id. */
function opens(kind: number): boolean {
    return kind === CallKind.Listen || kind === CallKind.Connect || kind === CallKind.Accept
}

const nothing = new Uint8Array(0)

/** Everything that the stack shows to the outside, as it happens. */
export interface Observer {
    sent?(frame: Uint8Array, length: number): void
    /** What a call gave. */
    result?(value: number): void
    /** What a program read. */
    data?(bytes: Uint8Array): void
}

export class StackUnderTest {
    readonly stack: Stack
    readonly rules: Rules
    /** Virtual time, ms. */
    at: number
    /** All frames handed to it, and sent by it. */
    received = 0
    sent = 0
    /** Full invariants are checked after this many steps. */
    checkEvery = 1
    observer: Observer = {}
    /** Steps done, if they are to be kept. */
    record: Step[] | undefined
    private readonly scratch = Buffer.alloc(MOST_BYTES)
    private steps = 0
    /** Ids in a record, and what they are now. */
    private readonly renamed = new Map<number, number>()

    constructor(config: Record<string, number>, secret: Uint8Array, start: number) {
        const values = new Config()
        configure(values, config)
        this.stack = new Stack(values, Buffer.from(Place.mac))
        setAddress(this.stack, Place.ip, Place.netmask, Place.gateway)
        this.stack.hashInput.set(secret, 0)
        this.rules = new Rules(this.stack)
        this.at = start
    }

    get now(): number {
        return this.at | 0
    }

    /**
     * Hands over the frame of `length` bytes that is in `stack.rx`. `more`: another follows before anything is
     * sent.
     */
    frame(length: number, more: boolean): void {
        const { stack } = this
        if (this.record !== undefined) {
            const bytes = Uint8Array.from(stack.rx.subarray(0, Math.min(length, stack.rx.length)))
            this.keep(StepKind.Frame, length, more ? 1 : 0, 0, 0, bytes)
        }
        this.received++
        this.rules.receives(length)
        receive(stack, length, this.now)
        if (more) {
            this.rules.look()
            return
        }
        this.drain()
        this.rules.answered()
        this.settled()
    }

    /** Lets time pass; the stack is called when it asked to be. */
    pass(until: number): void {
        if (this.record !== undefined) this.keep(StepKind.Pass, 0, 0, 0, 0, nothing, until)
        this.drain()
        for (let turns = 0; ; turns++) {
            const wait = deadline(this.stack, this.now)
            if (wait === Never.Ms || this.at + wait > until) break
            if (turns > MOST_TURNS) throw new Error("the timers never rest")
            this.at += wait
            this.drain()
            this.rules.look()
        }
        this.at = until
        this.drain()
        this.settled()
    }

    /** A call of the program. What it writes is decided by the connection's sequence numbers, unless given. */
    call(kind: number, a: number, b: number, c: number, given?: Uint8Array): number {
        const { stack, scratch, now } = this
        let bytes: Uint8Array = nothing
        if (kind === CallKind.Write) bytes = given ?? this.toWrite(a, b)
        if (this.record !== undefined) this.keep(StepKind.Call, kind, a, b, c, Uint8Array.from(bytes))
        const step = this.record?.at(-1)
        let result = 0
        switch (kind) {
            case CallKind.Listen:
                result = calls.listen(stack, a, b)
                break
            case CallKind.Accept:
                result = calls.accept(stack, a)
                break
            case CallKind.Connect:
                result = calls.connect(stack, a, b, c, now)
                break
            case CallKind.Write:
                scratch.set(bytes, 0)
                // c is an offset that may be beyond
                result = calls.write(stack, a, scratch, c, b)
                break
            case CallKind.Read:
                result = calls.read(stack, a, scratch, c, b)
                if (result > 0) this.delivered(a, c, result)
                else if (result === TcpError.Eof) this.ended(a)
                break
            case CallKind.Shutdown:
                result = calls.shutdown(stack, a, now)
                break
            case CallKind.Close:
                result = calls.close(stack, a, now)
                break
            case CallKind.Abort:
                result = calls.abort(stack, a, now)
                break
            case CallKind.Limit:
                result = setReceiveLimit(stack, a, b)
                break
            case CallKind.NoDelay:
                result = setNoDelay(stack, a, b !== 0)
                break
            case CallKind.KeepAlive:
                result = setKeepAlive(stack, a, b !== 0, now)
                break
            case CallKind.UserTimeout:
                result = setUserTimeout(stack, a, b)
                break
            case CallKind.Iss:
                stack.config.iss = a >>> 0
                break
        }
        if (!Number.isInteger(result) || Object.is(result, -0)) throw new Error(`a call gave ${result}`)
        if (step !== undefined) step.result = result
        this.observer.result?.(result)
        this.rules.called(result, opens(kind))
        this.drain()
        this.settled()
        return result
    }

    /** Does what a record says. Where steps before were left out, ids are those that the same calls give now. */
    redo(step: Step): void {
        if (step.at > this.at) this.pass(step.at)
        if (step.kind === StepKind.Frame) {
            this.stack.rx.set(step.bytes, 0)
            this.frame(step.code, step.a !== 0)
        } else if (step.kind === StepKind.Call) {
            const { code } = step
            const named = code !== CallKind.Listen && code !== CallKind.Connect && code !== CallKind.Iss
            const a = named ? (this.renamed.get(step.a) ?? step.a) : step.a
            const result = this.call(code, a, step.b, step.c, step.bytes)
            if (step.result > 0 && opens(code)) this.renamed.set(step.result, result)
        }
    }

    /** When the stack wants to be called next; Infinity for never. */
    next(): number {
        const wait = deadline(this.stack, this.now)
        return wait === Never.Ms ? Number.POSITIVE_INFINITY : this.at + wait
    }

    /** Throws unless nothing at all is left of any connection. */
    checkEmpty(): void {
        const { stack } = this
        const left = { connections: stack.connsEnd, halfOpen: stack.halvesEnd, timeWaits: stack.waitsEnd }
        for (const [what, end] of Object.entries(left)) {
            if (end !== 0) throw new Error(`${what} are left when all is over: up to ${end}`)
        }
        if (this.next() !== Number.POSITIVE_INFINITY) throw new Error("a timer is armed when all is over")
    }

    private keep(
        kind: number,
        code: number,
        a: number,
        b: number,
        c: number,
        bytes: Uint8Array,
        at = this.at
    ): void {
        this.record?.push({ kind, at, code, a, b, c, bytes, result: 0 })
    }

    /** What the stack has to send, all of it. */
    private drain(): void {
        const { stack } = this
        for (let n = 0; ; n++) {
            const isReply = stack.replyLength > 0
            const length = transmit(stack, this.now)
            if (length === 0) break
            if (n > this.rules.mostAtOnce) throw new Error(`${n} frames at once`)
            this.sent++
            this.rules.sends(length, isReply)
            this.observer.sent?.(stack.tx, length)
        }
    }

    private settled(): void {
        this.rules.look()
        if (deadline(this.stack, this.now) <= 0)
            throw new Error("transmit gave 0, and there is more to do now")
        if (++this.steps % this.checkEvery === 0) checkInvariants(this.stack, this.now)
    }

    /** The bytes that belong at the end of what a connection has queued. */
    private toWrite(id: number, length: number): Uint8Array {
        const c = findConnection(this.stack, id)
        if (c === undefined || length <= 0) return nothing
        const state = c.getAt(Tcb.State, "u8")
        const opening = state === State.SynSent || state === State.SynReceived ? 1 : 0
        const una = c.getAt(Tcb.SndUna, "i32")
        const end = (una + opening + c.getAt(Tcb.SendLength, "u16")) | 0
        const salt = saltOf("stack", c.getAt(Tcb.RemoteIp, "i32"), c.getAt(Tcb.Ports, "i32"))
        return pattern(salt, end, Math.min(length, MOST_BYTES))
    }

    private ended(id: number): void {
        const c = findConnection(this.stack, id)!
        if (c.getAt(Tcb.State, "u8") !== State.Closed) this.rules.ends(c)
    }

    /**
     * `count` bytes were read: they have to be what the peer says with these sequence numbers, and follow those
     * before.
     */
    private delivered(id: number, at: number, count: number): void {
        const c = findConnection(this.stack, id)!
        const ip = c.getAt(Tcb.RemoteIp, "i32")
        const ports = c.getAt(Tcb.Ports, "i32")
        const first = this.rules.reads(c, count)
        const wrong = firstWrong(this.scratch, at, count, saltOf("peer", ip, ports), first)
        if (wrong >= 0)
            throw new Error(`connection ${id}: byte ${wrong} of ${count} read is not what the peer said`)
        this.observer.data?.(this.scratch.subarray(at, at + count))
    }
}
