// Lines that expect a packet of the stack: the next one it sends has to be as the line says, whatever the connection.

import type { Backend, Sent } from "./backend"
import { continues, differences, ipDifferences, joined, textDifference } from "./compare"
import type { Connection } from "./connection"
import { type Difference, ScriptFailure, ScriptMistake, type Source, seconds } from "./failure"
import { lineText, packetText } from "./format"
import type { Settings } from "./options"
import type { Event, IcmpLine, Segment, TcpLine } from "./script"
import type { ConnectionTable } from "./table"
import { type Packet, packetOf, type TcpPacket } from "./wire"

/** When a packet is expected, and when the event before was; microseconds. */
export interface Moment {
    readonly time: number
    readonly end: number
    readonly since: number
}

/** Waits so many microseconds beyond the expected moment for the next packet, and takes it. */
export type Next = (patience: number) => Promise<Sent | undefined>

/** As in the original, a packet that is late is waited for, to say how late it is. */
const PATIENCE = 2_000_000
/** Of what else was unexpected, so much is told. */
const MOST = 8

/** A packet of the stack with the time it was sent at. */
interface Got<P extends Packet = Packet> {
    readonly time: number
    readonly packet: P
}

export class Expectation {
    constructor(
        private readonly source: Source,
        private readonly settings: Settings,
        private readonly backend: Backend,
        private readonly table: ConnectionTable
    ) {}

    /** Microseconds that an event may be off that comes `since` microseconds after the one before. */
    tolerance(since: number): number {
        const { tolerance, tolerancePercent } = this.settings
        return Math.max(tolerance, (since * tolerancePercent) / 100) + this.backend.tolerance
    }

    /** Takes the next packet that the stack sends. Throws a ScriptFailure when it is not what the line expects. */
    async meet(event: Event, line: TcpLine | IcmpLine, moment: Moment, next: Next): Promise<void> {
        const connection = line.kind === "tcp" ? this.table.outbound(line.ports) : undefined
        if (line.kind === "tcp" && connection === undefined) {
            throw new ScriptMistake(
                this.source,
                event.line,
                "there is no connection that this packet could be of"
            )
        }
        const first = await this.take(next, PATIENCE)
        if (first === undefined) {
            const got = `nothing until ${seconds(this.backend.now())} s`
            throw this.failure(event, line, moment, { got })
        }
        if (line.kind === "tcp" && first.packet.kind === "tcp") {
            await this.meetSegment(event, line, connection!, moment, { ...first, packet: first.packet }, next)
        } else if (line.kind === "icmp" && first.packet.kind === "icmp") {
            const { type, code } = first.packet
            const kind = type === line.type && code === line.code ? [] : ["type or code"]
            const wrong = [...kind, ...ipDifferences(line.ip, first.packet)]
            this.judge(event, line, moment, first, wrong, packetText(first.packet, undefined, false))
        } else {
            throw this.failure(event, line, moment, { got: this.describe(first.packet), time: first.time })
        }
    }

    private async meetSegment(
        event: Event,
        line: TcpLine,
        connection: Connection,
        moment: Moment,
        first: Got<TcpPacket>,
        next: Next
    ): Promise<void> {
        const owner = this.table.owner(first.packet.destinationPort, first.packet.sourcePort)
        if (owner !== connection) {
            const differs = [`it is of the connection ${owner?.name ?? "of nobody"}, not ${connection.name}`]
            throw this.failure(event, line, moment, {
                got: this.describe(first.packet),
                time: first.time,
                differs,
            })
        }
        const { time, packet } = await this.gathered(first, line.segment.length, next)
        const syn = line.segment.flags.includes("S")
        connection.sent(packet.segment, syn ? line.segment.seq : 0)
        const got = connection.toScript(packet.segment, line.segment)
        const wrong = [
            ...differences(line.segment, got, {
                tick: this.settings.timestampTick,
                tolerance: this.tolerance(moment.time),
            }),
            ...ipDifferences(line.ip, packet),
            ...this.wrongText(connection, packet),
        ]
        const text = packetText(packet, got, line.ports !== undefined)
        this.judge(event, line, moment, { time, packet }, wrong, text)
    }

    /** What is wrong with a packet, its time included, is thrown. */
    private judge(
        event: Event,
        line: TcpLine | IcmpLine,
        moment: Moment,
        { time }: Got,
        wrong: readonly string[],
        got: string
    ): void {
        const differs = [...wrong]
        const tolerance = this.tolerance(moment.time - moment.since)
        const early = moment.time - tolerance > time
        const late = moment.end + tolerance < time
        if (event.time.type !== "any" && (early || late))
            differs.push(`time: too ${early ? "early" : "late"}`)
        if (differs.length > 0) throw this.failure(event, line, moment, { got, time, differs })
    }

    private wrongText(connection: Connection, { segment, payload }: TcpPacket): string[] {
        const at = segment.flags.includes("S") ? segment.seq + 1 : segment.seq
        const wrong = textDifference(connection.textAt(at, payload.length), payload)
        return wrong === undefined ? [] : [wrong]
    }

    private async take(next: Next, patience: number): Promise<Got | undefined> {
        const sent = await next(patience)
        return sent === undefined ? undefined : this.got(sent)
    }

    private got({ time, frame }: Sent): Got {
        const { localIp, remoteIp, localMac, remoteMac } = this.settings.network
        const ends = {
            sourceIp: localIp,
            destinationIp: remoteIp,
            sourceMac: localMac,
            destinationMac: remoteMac,
        }
        return { time, packet: packetOf(frame, ends) }
    }

    /** Joins segments that follow each other until they have as much text as a line expects, the original does so too. */
    private async gathered(first: Got<TcpPacket>, length: number, next: Next): Promise<Got<TcpPacket>> {
        const parts = [first.packet]
        let { time } = first
        let sum = first.packet.payload.length
        while (!this.settings.strictSegments && sum > 0 && sum < length) {
            const following = this.backend.sent[0] ?? (await this.awaited(next))
            if (following === undefined) break
            const { packet, time: sentAt } = this.got(following)
            const isLast = packet.kind === "tcp" && sum + packet.payload.length >= length
            if (packet.kind !== "tcp" || sum + packet.payload.length > length) break
            if (!continues(parts.at(-1)!, packet, isLast)) break
            this.backend.sent.shift()
            parts.push(packet)
            sum += packet.payload.length
            time = sentAt
        }
        return { time, packet: joined(parts) }
    }

    /** The next packet, as soon as it is sent, put back for another look. */
    private async awaited(next: Next): Promise<Sent | undefined> {
        const sent = await next(this.tolerance(0))
        if (sent !== undefined) this.backend.sent.unshift(sent)
        return sent
    }

    /** Packets that the stack has sent and no line has expected yet, in words. */
    unexpected(): string[] {
        const all = this.backend.sent.map(sent => {
            const { time, packet } = this.got(sent)
            return `${seconds(time)} ${this.describe(packet)}`
        })
        return all.length > MOST ? [...all.slice(0, MOST), `and ${all.length - MOST} more`] : all
    }

    /** A packet as the script would write it. */
    private describe(packet: Packet): string {
        const owner =
            packet.kind === "tcp" ? this.table.owner(packet.destinationPort, packet.sourcePort) : undefined
        const segment: Segment | undefined =
            packet.kind === "tcp" ? owner?.toScript(packet.segment) : undefined
        return packetText(packet, segment, owner === undefined || owner !== this.table.current)
    }

    /** At the end nothing may be left that no line expected. */
    nothingLeft(last: Event): void {
        const [first, ...also] = this.unexpected()
        if (first === undefined) return
        const { line, endLine } = last
        throw new ScriptFailure(this.source, { line, endLine, expected: "nothing more", got: first, also })
    }

    private failure(
        event: Event,
        line: TcpLine | IcmpLine,
        moment: Moment,
        found: { got: string; time?: number; differs?: readonly string[] }
    ): ScriptFailure {
        const { got, time, differs = [] } = found
        const range = moment.end > moment.time ? ` to ${seconds(moment.end)}` : ""
        const expected = event.time.type === "any" ? "any time" : `${seconds(moment.time)}${range} s`
        const when =
            time === undefined ? `expected at ${expected}` : `${seconds(time)} s, expected at ${expected}`
        const difference: Difference = {
            line: event.line,
            endLine: event.endLine,
            expected: lineText(line),
            got,
            differs,
            when,
            also: this.unexpected(),
        }
        return new ScriptFailure(this.source, difference)
    }
}
