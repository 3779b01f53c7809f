// Carries a script out, event by event, and compares what happens with what its lines say.

import type { Backend, Sent } from "./backend"
import { BadCode, runCode } from "./code"
import { runCommands } from "./commands"
import { type Connection, remoteText } from "./connection"
import { Expectation } from "./expectation"
import { BadExpression, numberFor } from "./expressions"
import { ScriptError, ScriptFailure, ScriptMistake, seconds } from "./failure"
import type { Settings } from "./options"
import type { Event, IcmpLine, Script, SystemCall, TcpLine } from "./script"
import { type Operation, type Result, Sockets } from "./sockets"
import { errorText, sameError } from "./symbols"
import { ConnectionTable } from "./table"
import { icmpFrame, tcpFrame } from "./wire"

/** While a call blocks, it is looked at again after so many microseconds at the latest. */
const LOOK = 10_000
/** Time between the packets of the script and the IP header's time to live, unless a line says otherwise. */
const TTL = 64

/** A system call that blocks. */
interface Blocked {
    readonly event: Event
    readonly call: SystemCall
    readonly operation: Operation
    /** When it is to return. */
    readonly end: number
}

/** Runs a script. Throws a ScriptError that names the line when it makes no sense or the stack does otherwise. */
export async function runScript(script: Script, settings: Settings, backend: Backend): Promise<void> {
    const runner = new Runner(script, settings, backend)
    try {
        await runner.run()
    } finally {
        await backend.finish()
    }
}

class Runner {
    private readonly table: ConnectionTable
    private readonly sockets: Sockets
    private readonly expectation: Expectation
    private blocked: Blocked | undefined
    /** The event that is under way, and the one before. */
    private event: Event
    private before: Event | undefined
    /** When the event before was to happen, and when this one is; its range's end. Microseconds. */
    private timeBefore = 0
    private time = 0
    private timeEnd = 0
    /** Packets injected so far. */
    private injected = 0

    constructor(
        private readonly script: Script,
        private readonly settings: Settings,
        private readonly backend: Backend
    ) {
        const { bindPort, connectPort, network } = settings
        this.table = new ConnectionTable(bindPort)
        this.sockets = new Sockets(backend, this.table, { bindPort, connectPort, remoteIp: network.remoteIp })
        this.expectation = new Expectation(script.source, settings, backend, this.table)
        this.event = script.events[0]!
    }

    async run(): Promise<void> {
        try {
            for (const event of this.script.events) {
                this.event = event
                this.schedule(event)
                await this.happen(event)
                this.before = event
                this.timeBefore = this.time
            }
            await this.end()
        } catch (error) {
            if (error instanceof ScriptError) throw error
            const { source } = this.script
            const text = error instanceof Error ? error.message : String(error)
            if (error instanceof BadExpression || error instanceof BadCode) {
                throw new ScriptMistake(source, this.event.line, text)
            }
            throw new ScriptError(source, this.event.line, text)
        }
    }

    /** When the event is to happen: relative times count from now, or from a packet injected just before. */
    private schedule(event: Event): void {
        const { time } = event
        if (time.type === "any") {
            this.time = this.timeEnd = this.backend.now()
            return
        }
        let origin = 0
        if (time.type.startsWith("relative")) {
            const anchored = isInbound(event) && this.before !== undefined && isInbound(this.before)
            origin = anchored ? this.timeBefore : this.backend.now()
        }
        this.time = origin + time.usecs
        this.timeEnd = origin + ("end" in time ? time.end : time.usecs)
    }

    private async happen(event: Event): Promise<void> {
        const { action } = event
        switch (action.kind) {
            case "tcp":
            case "icmp":
                return action.direction === "in" ? await this.inject(action) : await this.expect(action)
            case "call":
                return await this.call(event, action)
            case "command":
                await this.arrive()
                return runCommands(this.script.source, action, undefined)
            case "code":
                await this.arrive()
                return await this.code(action.text)
        }
    }

    /** Lets time pass until the event is due. */
    private async arrive(): Promise<void> {
        await this.pass(this.time)
        const late = this.backend.now() - this.time
        if (late > this.expectation.tolerance(this.time - this.timeBefore)) {
            throw this.failure(
                "to happen at that time",
                `what came before took until ${seconds(this.backend.now())} s`
            )
        }
    }

    /** Lets time pass until `to`, or until a packet of the stack can be looked at if `packet` says so. */
    private async pass(to: number, packet = false): Promise<void> {
        await this.look()
        while (this.backend.now() < to && !(packet && this.backend.sent.length > 0)) {
            const step = this.blocked === undefined ? to : Math.min(to, this.backend.now() + LOOK)
            await this.backend.advance(step)
            await this.look()
        }
    }

    // packets

    private async inject(line: TcpLine | IcmpLine): Promise<void> {
        await this.arrive()
        const frame = line.kind === "tcp" ? this.segment(line) : this.message(line)
        await this.backend.inject(frame)
        await this.look()
    }

    private segment(line: TcpLine): Uint8Array {
        const connection = this.table.inbound(line.ports)
        const segment = connection.toWire(line.segment, this.settings.scaledEcr)
        connection.injected(segment, this.injected++)
        // text comes behind the SYN
        const at = (segment.seq - (connection.irs ?? 0)) >>> 0
        const payload = remoteText(segment.flags.includes("S") ? at + 1 : at, segment.length)
        const localPort = connection.localPort ?? this.unknownPort(connection)
        return tcpFrame(this.ends(), {
            ...this.header(line),
            sourcePort: connection.remotePort,
            destinationPort: localPort,
            segment,
            payload,
        })
    }

    private message(line: IcmpLine): Uint8Array {
        const connection = this.table.current
        if (connection === undefined)
            throw new BadExpression("there is no connection that the message could be about")
        const sourcePort = connection.localPort ?? this.unknownPort(connection)
        const quoted = { sourcePort, destinationPort: connection.remotePort, ...line.quoted }
        quoted.seq = connection.quoted(quoted.seq)
        return icmpFrame(this.ends(), { ...line, ...this.header(line) }, quoted)
    }

    private unknownPort(connection: Connection): never {
        throw new BadExpression(
            `the stack has sent nothing to port ${connection.remotePort} that tells its own port`
        )
    }

    private header({ ip }: TcpLine | IcmpLine): { tos: number; ttl: number } {
        const ecn = ip.ecn === "ect01" ? 0 : (ip.ecn ?? 0)
        return { tos: ip.tos ?? ecn, ttl: ip.ttl ?? TTL }
    }

    private ends() {
        const { localIp, remoteIp, localMac, remoteMac } = this.settings.network
        return { sourceIp: remoteIp, destinationIp: localIp, sourceMac: remoteMac, destinationMac: localMac }
    }

    private async expect(line: TcpLine | IcmpLine): Promise<void> {
        const any = this.event.time.type === "any"
        const limit = any ? Number.POSITIVE_INFINITY : this.timeEnd
        const next = async (patience: number): Promise<Sent | undefined> => {
            await this.pass(Math.min(limit, this.backend.now() + LONGEST) + patience, true)
            return this.backend.sent.shift()
        }
        await this.expectation.meet(
            this.event,
            line,
            { time: this.time, end: this.timeEnd, since: this.timeBefore },
            next
        )
    }

    // system calls and code

    private async call(event: Event, call: SystemCall): Promise<void> {
        await this.arrive()
        if (this.blocked !== undefined) await this.unblock(this.blocked)
        const operation = this.sockets.operation(call)
        const result = await operation()
        if (call.end === undefined) {
            if (result === undefined)
                throw this.callFailure(event, call, "it blocks, and there is no `...` with a time")
            return this.check(event, call, result)
        }
        const relative = event.time.type === "relative"
        const end = call.end + (relative ? this.time - (event.time as { usecs: number }).usecs : 0)
        this.blocked = { event, call, operation, end }
        if (result !== undefined) this.returned(this.blocked, result)
    }

    /** Looks whether the call that blocks can go on. */
    private async look(): Promise<void> {
        const { blocked } = this
        if (blocked === undefined) return
        const result = await blocked.operation()
        if (result !== undefined) return this.returned(blocked, result)
        const { event, call, end } = blocked
        if (this.backend.now() > end + this.tolerated(blocked)) {
            const still = `it still blocks at ${seconds(this.backend.now())} s`
            throw this.callFailure(event, call, still, `to return at ${seconds(end)} s`)
        }
    }

    private returned(blocked: Blocked, result: Result): void {
        this.blocked = undefined
        const { event, call, end } = blocked
        this.check(event, call, result)
        const now = this.backend.now()
        if (Math.abs(now - end) <= this.tolerated(blocked)) return
        throw this.callFailure(
            event,
            call,
            `it returned at ${seconds(now)} s`,
            `to return at ${seconds(end)} s`
        )
    }

    private tolerated({ event, call }: Blocked): number {
        const start = event.time.type === "any" ? 0 : event.time.usecs
        return this.expectation.tolerance((call.end ?? start) - start)
    }

    /** Waits for a call that blocks to return. */
    private async unblock(blocked: Blocked): Promise<void> {
        const patience = this.tolerated(blocked) + 1
        while (this.blocked === blocked) await this.pass(Math.max(blocked.end, this.backend.now()) + patience)
    }

    /** A call has to return what the script says. */
    private check(event: Event, call: SystemCall, { outcome, problem }: Result): void {
        if (!this.isExpected(call, outcome)) {
            const got = typeof outcome === "string" ? `-1 ${errorText(outcome)}` : String(outcome)
            throw this.callFailure(event, call, got)
        }
        if (problem !== undefined) throw this.callFailure(event, call, problem)
    }

    private isExpected(call: SystemCall, outcome: number | string): boolean {
        if (call.result.kind === "ellipsis") return true
        const wanted = numberFor(call.result, "the result")
        if (typeof outcome === "number") return outcome === wanted && call.errno === undefined
        return wanted === -1 && (call.errno === undefined || sameError(call.errno, outcome))
    }

    private async code(text: string): Promise<void> {
        const connection = this.table.current
        if (connection === undefined) throw new BadCode("there is no connection to look at")
        const { remotePort, localPort = 0, handle } = connection
        const names = (name: string) => this.backend.look(name, { handle, remotePort, localPort })
        const broken = await runCode(text, names)
        if (broken !== undefined) throw this.failure(broken.assertion, broken.values)
    }

    /** Calls have returned, and nothing is left that nobody expected. */
    private async end(): Promise<void> {
        if (this.blocked !== undefined) await this.unblock(this.blocked)
        // what answers the last line is on its way
        await this.pass(this.backend.now() + this.backend.tolerance)
        if (!this.settings.loose) this.expectation.nothingLeft(this.event)
    }

    private failure(expected: string, got: string): ScriptFailure {
        const { line, endLine } = this.event
        const when = `${seconds(this.backend.now())} s`
        return new ScriptFailure(this.script.source, { line, endLine, expected, got, when })
    }

    private callFailure(event: Event, call: SystemCall, got: string, returning = ""): ScriptFailure {
        const { line, endLine } = event
        const expected = returning === "" ? call.text : `${call.text}, ${returning}`
        const also = this.expectation.unexpected()
        const when = `${seconds(this.backend.now())} s`
        return new ScriptFailure(this.script.source, { line, endLine, expected, got, when, also })
    }
}

/** Nothing is waited for longer, microseconds: three hours. */
const LONGEST = 10_800_000_000

function isInbound({ action }: Event): boolean {
    return (action.kind === "tcp" || action.kind === "icmp") && action.direction === "in"
}
