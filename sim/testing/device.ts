// A device of a test: a program of the project on a simulated board, plugged into the test's network.

import { type Board, readBoard } from "../board/boards"
import type { SpiChip } from "../chip/chip"
import { chipOf } from "../chip/chips"
import { changeFault } from "../chip/fault-options"
import { Device } from "../device/device"
import { decodeEvents, type StackEvent } from "../device/events"
import { describePanic } from "../device/runtime"
import { type Explained, Explainer } from "../diagnosis/explainer"
import { inUse } from "../diagnosis/lease"
import type { Port } from "../link/port"
import { macFor } from "../run/boot"
import { errorMessage, isProgramsOwn } from "../run/log"
import type { Random } from "../time/random"
import { type SeenConnection, SeenConnections } from "../view/connections"
import type { Connection, DeviceOptions, LabDevice, Which } from "./api"
import { drawLadder, type Moment } from "./ladder"
import type { Wire } from "./wire"

/** The event ring of a program, so that the ladder shows its states. */
const EVENTS = 32

interface Setup extends DeviceOptions {
    readonly name: string
    readonly number: number
    readonly program: string
    readonly ip: string
    readonly runtime: "vm" | "node"
    readonly seed: number
    readonly random: Random
    readonly onPanic: (text: string) => void
}

interface Power {
    readonly chip: SpiChip
    readonly port: Port
    readonly device: Device
}

export class BoardDevice implements LabDevice {
    readonly name: string
    readonly log: string[] = []
    /** The lines of `log`, and the messages of the errors that the program printed with `error.print()`, in order. */
    readonly printed: string[] = []
    /** The events of the device's stack. */
    readonly events: { readonly event: StackEvent; readonly time: number; readonly order: number }[] = []
    ended: string | undefined
    /** Explains the failures of the device. */
    readonly explainer: Explainer
    private readonly board: Board
    private readonly followed = new SeenConnections()
    /** The number of the wire's frames that were looked at. */
    private looked = 0
    private address: string
    private macAddress: string
    private power: Power | undefined
    private starts = 0

    constructor(
        private readonly wire: Wire,
        private readonly setup: Setup
    ) {
        this.name = setup.name
        this.board = readBoard(setup.board)
        this.address = setup.ip.replace(/\/.*/, "")
        this.macAddress = macFor(this.address)
        // a program may have an address of its own
        const self = inUse(
            {
                name: setup.name === "device" ? "the device" : setup.name,
                station: setup.name,
                ip: this.address,
                prefix: Number(setup.ip.split("/")[1] ?? 24),
                gateway: setup.gateway,
                nameServers: setup.dns === undefined ? [] : [setup.dns],
                connections: setup.config?.connections,
            },
            () => explainer.evidence
        )
        const explainer: Explainer = new Explainer(() => self)
        this.explainer = explainer
        wire.watch({
            sent: (frame, from, time, lost) => explainer.sent(frame, from, time, lost),
            arrived: (frame, to, time) => explainer.arrived(frame, to, time),
        })
    }

    get diagnoses(): readonly Explained[] {
        this.explainer.finish(this.wire.clock.now())
        return this.explainer.all
    }

    /** The address that the device uses: that of the setup until it has sent a packet with another one. */
    get ip(): string {
        this.look()
        return this.address
    }

    /** The device's Ethernet address. */
    get mac(): string {
        this.look()
        return this.macAddress
    }

    get connections(): readonly Connection[] {
        this.look()
        return this.followed.all.map(one => ({ ...one, opened: one.opened === "host" ? "device" : "peer" }))
    }

    /** Switches the board on: builds the program if no build of it exists, and starts it. */
    async start(): Promise<void> {
        const { clock } = this.wire
        const {
            name,
            number,
            program,
            runtime,
            seed,
            random,
            config,
            gateway = "",
            dns,
            without,
        } = this.setup
        const kind = chipOf(this.board)
        const start = this.starts++
        const chip = kind.make({
            clock,
            send: frame => port.send(frame),
            random: start === 0 ? random : random.fork(`start ${start}`),
            note: text => this.explainer.note(text, clock.now()),
            cable: plugged => this.explainer.cable(plugged, clock.now()),
        })
        this.explainer.restart()
        const port = this.wire.attach({ name, receive: frame => chip.deliver(frame) })
        const device = new Device({
            clock,
            runtime,
            silent: true,
            chip,
            board: this.board,
            program,
            ...(without === undefined ? {} : { without }),
            seed: (seed + number + start * 1000) >>> 0,
            deviceId: (0x1989_f4ee_e0eb_e206n + BigInt(number)).toString(16),
            boot: {
                ip: this.setup.ip,
                gateway,
                macAddress: macFor(this.setup.ip.replace(/\/.*/, "")),
                ...(dns === undefined ? {} : { dns }),
                config: { events: EVENTS, ...config },
                trace: false,
                ...kind.boot?.(chip),
            },
            onEvent: records => {
                for (const event of decodeEvents(records)) {
                    this.events.push({ event, time: clock.now(), order: this.wire.order() })
                    this.explainer.event(event, clock.now())
                }
            },
            onLog: (level, text) => {
                const own = isProgramsOwn(level, text)
                const words = own ? text : errorMessage(text)
                if (words !== undefined) this.printed.push(words)
                if (!own) return
                this.log.push(text)
                this.explainer.error(text, clock.now())
            },
            onPanic: panic => {
                this.ended = describePanic(panic)
                this.setup.onPanic(`${name}: ${this.ended}`)
            },
        })
        this.power = { chip, port, device }
        this.ended = undefined
        await device.start()
    }

    segments(which: Which = {}): string[] {
        const one = this.find(which)
        if (one === undefined) return []
        return this.wire.segmentsOf(this.name, one.localPort, one.remotePort)
    }

    ladder(): string {
        this.look()
        const moments: Moment[] = [
            ...this.wire.frames
                .filter(({ from, view }) => from === this.name || this.isForMe(view))
                .map((frame): Moment => ({ time: frame.time, order: frame.order, frame })),
            ...this.events,
        ]
        return drawLadder({ name: this.name, ip: this.address }, moments)
    }

    cable(plugged: boolean): void {
        this.running().chip.setLink(plugged)
    }

    fault(what: string): string {
        const done = changeFault(this.running().chip, chipOf(this.board), what)
        const [name = "", value = ""] = what.trim().split(/\s+/)
        if (name !== "") this.explainer.fault(name, value !== "off" && value !== "0", this.wire.clock.now())
        return done
    }

    async restart(): Promise<void> {
        this.off()
        await this.start()
    }

    off(): void {
        const { power } = this
        this.power = undefined
        power?.device.stop()
        power?.chip.close()
        power?.port.detach()
    }

    /** Returns the first connection that fits; undefined when there is none. */
    find({ port, ip }: Which): SeenConnection | undefined {
        this.look()
        return this.followed.all.find(one => {
            const fits = port === undefined || one.remotePort === port || one.localPort === port
            return fits && (ip === undefined || one.remoteIp === ip)
        })
    }

    private running(): Power {
        if (this.power !== undefined) return this.power
        throw new Error(`${this.name} is switched off`)
    }

    private isForMe(view: object): boolean {
        const to = "destinationMac" in view ? view.destinationMac : ""
        return to === this.macAddress || to === "ff:ff:ff:ff:ff:ff"
    }

    /** Follows the frames that have come since the last look. */
    private look(): void {
        const { frames } = this.wire
        for (; this.looked < frames.length; this.looked++) {
            const { from, view, time, lost } = frames[this.looked]!
            const mine = from === this.name
            if (mine && "sourceMac" in view) this.macAddress = view.sourceMac
            if (mine && "source" in view && view.source !== "0.0.0.0") this.address = view.source
            if (view.kind !== "tcp" || lost) continue
            if (mine || view.destinationMac === this.macAddress) {
                this.followed.note(view, mine ? "host" : "peer", time)
            }
        }
    }
}
