// The small network of a scenario: one device, and the hosts that the scenario adds.

import { readBoard } from "../../sim/board/boards"
import type { SpiChip } from "../../sim/chip/chip"
import { chipOf } from "../../sim/chip/chips"
import type { W5500Chip } from "../../sim/chip/w5500"
import type { W5500Faults } from "../../sim/chip/w5500-faults"
import { WiredChip } from "../../sim/chip/wires"
import { Device, type Reply } from "../../sim/device/device"
import { decodeEvents, type StackEvent } from "../../sim/device/events"
import { describePanic } from "../../sim/device/runtime"
import { BuiltinHost, type BuiltinHostOptions } from "../../sim/host/host"
import type { Impairments } from "../../sim/options/impair"
import { macFor } from "../../sim/run/boot"
import { isProgramsOwn } from "../../sim/run/log"
import { segmentOf } from "../../sim/testing/segment"
import { type SeenSegment, Wire } from "../../sim/testing/wire"
import type { TcpView, View } from "../../sim/view/dissect"

export type { Seen, SeenSegment } from "../../sim/testing/wire"

export interface Setup {
    seed?: number
    /** Fields of the stack's configuration. */
    config?: Record<string, number>
    /** The router's address; none when left out. */
    gateway?: string
    /** A delay of 5 ms each way when left out. */
    impairments?: Partial<Impairments>
    /** Milliseconds from a cable or a reset of the chip to a link. */
    negotiation?: number
    /** The W5500's faults from the start. */
    faults?: Partial<W5500Faults>
    /** The board, and with it the chip; that of src/board.ts when left out. */
    board?: string
    /** The device's program, a path in this project; src/main.ts when left out. */
    program?: string
    /** True for a program that takes no commands. */
    silent?: boolean
    /** Settings of that program, besides the scenario's own. */
    boot?: Record<string, unknown>
}

export const DEVICE_IP = "10.0.0.2"
const DEVICE = "device"
/** The network; made by `Net.open`, its time passes only while the scenario waits. */
export class Net<Chip extends SpiChip = W5500Chip> extends Wire {
    readonly chip: Chip
    readonly device: Device
    /** The events of the device's stack. */
    readonly events: (StackEvent & { time: number })[] = []
    /** The console's lines. */
    readonly log: string[] = []
    /** Frames, events and lines of the device, in order: the same on both runtimes. */
    readonly transcript: string[] = []
    private readonly hosts: BuiltinHost[] = []

    /** Connects and switches on everything; the device is up afterwards. */
    static async open<Chip extends SpiChip = W5500Chip>(
        runtime: "vm" | "node",
        setup: Setup
    ): Promise<Net<Chip>> {
        const net = new Net<Chip>(runtime, setup)
        await net.device.start()
        if (setup.silent) await net.pass(100)
        else await net.command("sleep 1")
        return net
    }

    private constructor(runtime: "vm" | "node", setup: Setup) {
        const { seed = 1, impairments } = setup
        super({ seed, impairments })
        const { clock } = this
        const board = readBoard(setup.board)
        const kind = chipOf(board)
        const chip = kind.make({
            clock,
            send: frame => plug.send(frame),
            random: this.random.fork("chip"),
            ...(setup.negotiation === undefined ? {} : { negotiation: setup.negotiation }),
        })
        const plug = this.attach({ name: DEVICE, receive: frame => chip.deliver(frame) })
        // the caller knows what chip is on its board
        this.chip = (chip instanceof WiredChip ? chip.chip : chip) as Chip
        if (setup.faults !== undefined)
            Object.assign((this.chip as unknown as W5500Chip).faults, setup.faults)
        this.device = new Device({
            clock,
            runtime,
            chip,
            board,
            seed,
            ...(setup.program === undefined ? {} : { program: setup.program }),
            boot: {
                ip: `${DEVICE_IP}/24`,
                gateway: setup.gateway ?? "",
                macAddress: macFor(DEVICE_IP),
                config: setup.config ?? {},
                services: true,
                trace: false,
                ...kind.boot?.(chip),
                ...setup.boot,
            },
            onEvent: records => this.noteEvents(records),
            onLog: (level, text) => {
                if (!isProgramsOwn(level, text)) return
                this.log.push(text)
                this.note(`${level} ${text}`)
            },
            onPanic: panic => {
                this.broken = describePanic(panic)
            },
        })
    }

    /** Switches everything off. */
    async close(): Promise<void> {
        this.device.stop()
        for (const host of this.hosts) host.stop()
        await this.closeWire()
    }

    /** Adds a host with our own stack at 10.0.0.`last`. */
    host(last: number, onEvent?: BuiltinHostOptions["onEvent"]): BuiltinHost {
        const ip = `10.0.0.${last}`
        const host = new BuiltinHost({
            clock: this.clock,
            link: this.link,
            name: `peer ${last}`,
            ip,
            prefix: 24,
            mac: macFor(ip),
            random: this.random.fork(`peer ${last}`),
            ...(onEvent === undefined ? {} : { onEvent }),
        })
        this.hosts.push(host)
        return host
    }

    protected override noteFrame(from: string, bytes: Uint8Array): void {
        this.note(`${from} ${Buffer.from(bytes).toString("hex")}`)
    }

    private noteEvents(records: Uint8Array): void {
        this.note(`event ${Buffer.from(records).toString("hex")}`)
        for (const event of decodeEvents(records)) this.events.push({ ...event, time: this.clock.now() })
    }

    private note(text: string): void {
        this.transcript.push(`${this.clock.now()} ${text}`)
    }

    /** Sends the device a command line, and returns its reply, failed or not. */
    async reply(line: string): Promise<Reply> {
        let reply: Reply | undefined
        let failure: unknown
        this.device.command(line).then(
            value => {
                reply = value
            },
            error => {
                failure = error
            }
        )
        await this.until(`the end of "${line}"`, () => reply !== undefined || failure !== undefined)
        if (reply === undefined) throw failure
        this.note(`reply to "${line}": ${reply.status} ${reply.lines.join("\n")}`)
        return reply
    }

    /** Returns the lines of a command that has to succeed. */
    async command(line: string): Promise<string[]> {
        const { lines, status } = await this.reply(line)
        if (status !== 0) throw new Error(`"${line}": ${lines.join("\n")}`)
        return lines
    }

    /** Returns the lines of a command that has to fail. */
    async refusal(line: string): Promise<string> {
        const { lines, status } = await this.reply(line)
        if (status !== 1) throw new Error(`"${line}" was carried out: ${lines.join("\n")}`)
        return lines.join("\n")
    }

    /** Runs the console's `connect`; returns the connection's id and its port. */
    async connect(ip: string, port: number): Promise<{ id: number; port: number }> {
        const line = (await this.command(`connect ${ip} ${port}`)).join("\n")
        const match = /^connection (\d+): 10\.0\.0\.2:(\d+) -> /.exec(line)
        if (match === null) throw new Error(`connect says "${line}"`)
        return { id: Number(match[1]), port: Number(match[2]) }
    }

    /** Returns the states that the device's connections of this port have entered, in order. */
    states(localPort: number, remotePort?: number): string[] {
        return this.events.flatMap(event => {
            if (event.kind !== "state" || event.localPort !== localPort) return []
            return remotePort === undefined || event.remotePort === remotePort ? [event.to] : []
        })
    }

    /** Waits for a state of the device's connection of this port. */
    async reached(localPort: number, state: string, limit?: number): Promise<void> {
        const reached = () => this.states(localPort).includes(state)
        await this.until(`${state} of port ${localPort}`, reached, limit)
    }

    /** Returns the errors that ended connections, in order. */
    get failures(): string[] {
        return this.events.flatMap(event => (event.kind === "failed" ? [event.error] : []))
    }

    /** Returns the segments of one connection by its ports at the device and at the other end. */
    conversation(localPort: number, remotePort: number): SeenSegment[] {
        return this.conversationOf(DEVICE, localPort, remotePort)
    }

    /** The same in words (sim/testing/wire.ts); the device is on the left. */
    segments(localPort: number, remotePort: number): string[] {
        return this.segmentsOf(DEVICE, localPort, remotePort)
    }

    /** Returns when the device sent frames of a kind: seconds since the first, to a tenth. */
    sendTimes(like: (view: View) => boolean): number[] {
        const times = this.frames.filter(({ from, view }) => from === DEVICE && like(view)).map(f => f.time)
        return times.map(time => Math.round((time - times[0]!) / 100) / 10)
    }

    /** Returns the last frames, a line each, for messages. */
    override seen(): string {
        const lines = this.frames.slice(-30).map(({ time, from, view, lost }) => {
            const text = view.kind === "tcp" ? this.inWords(view) : view.kind
            return `${time} ${from}: ${text}${lost ? " lost" : ""}`
        })
        return ["on the wire:", ...lines, ...this.log].join("\n")
    }

    private inWords(view: TcpView): string {
        const { flags, seq, length, ack } = segmentOf(view, 0, 0)
        return `${view.sourcePort} > ${view.destinationPort} ${flags} ${seq}(${length}) ack ${ack}`
    }
}
