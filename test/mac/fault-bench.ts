// A board with its chip, and a peer on the network behind it, for tests that break the chip: the program, the clock and the bytes
// are those of the simulator.

import { expect } from "vitest"
import { readBoard } from "../../sim/board/boards"
import type { ChipKind, SpiChip } from "../../sim/chip/chip"
import { chipOf } from "../../sim/chip/chips"
import { changeFault } from "../../sim/chip/fault-options"
import { Device } from "../../sim/device/device"
import { describePanic } from "../../sim/device/runtime"
import { BuiltinHost, type HostConnection } from "../../sim/host/host"
import { EthernetSwitch } from "../../sim/link/switch"
import { noImpairments } from "../../sim/options/impair"
import { macFor } from "../../sim/run/boot"
import { isProgramsOwn } from "../../sim/run/log"
import { VirtualClock } from "../../sim/time/clock"
import { Random } from "../../sim/time/random"

const DEVICE_IP = "10.0.0.2"
const PEER_IP = "10.0.0.1"
const ECHO = 7
/** A peer in a hurry gives a connection up after this long and opens another one, ms. */
const HURRY = 250

/** A peer's connection to the device, and the data it received. */
export interface Client {
    readonly connection: HostConnection
    heard: string
}

/** Returns `length` bytes of all values, as Latin-1 text. */
export function text(length: number): string {
    return Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + (i >> 8)) & 0xff)).join("")
}

export class FaultBench {
    readonly clock = new VirtualClock()
    readonly chip: SpiChip
    /** The console's lines. */
    readonly log: string[] = []
    readonly device: Device
    private readonly kind: ChipKind
    private readonly peer: BuiltinHost
    private panic: string | undefined

    constructor(boardName: string, runtime: "vm" | "node") {
        const { clock } = this
        const random = new Random(1)
        const ethernet = new EthernetSwitch(clock, {
            impairments: { ...noImpairments, delay: 2 },
            random: random.fork("segment"),
        })
        clock.settle.add(async () => {})
        const board = readBoard(boardName)
        this.kind = chipOf(board)
        const chip = this.kind.make({
            clock,
            send: frame => plug.send(frame),
            random: random.fork("chip"),
        })
        const plug = ethernet.attach({ name: "device", receive: frame => chip.deliver(frame) })
        this.chip = chip
        this.device = new Device({
            clock,
            runtime,
            chip,
            board,
            seed: 1,
            boot: {
                ip: `${DEVICE_IP}/24`,
                gateway: "",
                macAddress: macFor(DEVICE_IP),
                config: {},
                services: true,
                trace: false,
                ...this.kind.boot?.(chip),
            },
            onLog: (level, line) => {
                if (isProgramsOwn(level, line)) this.log.push(line)
            },
            onPanic: panic => {
                this.panic = describePanic(panic)
            },
        })
        this.peer = new BuiltinHost({
            clock,
            link: ethernet,
            name: "peer",
            ip: PEER_IP,
            prefix: 24,
            mac: macFor(PEER_IP),
            random: random.fork("peer"),
        })
    }

    /** Switches the device on and waits until it serves. */
    async start(): Promise<void> {
        await this.device.start()
        await this.serves(10_000)
    }

    stop(): void {
        this.device.stop()
        this.peer.stop()
    }

    /** Lets time pass until the condition holds. Throws when it does not within `ms` milliseconds, or when the program ends. */
    async until(what: string, condition: () => boolean, ms: number): Promise<void> {
        const met = () => condition() || this.panic !== undefined
        await this.clock.runUntil(met, this.clock.now() + ms)
        if (this.panic !== undefined) throw new Error(this.panic)
        if (!condition()) throw new Error(`${what} did not come within ${ms} ms\n${this.log.join("\n")}`)
    }

    async pass(ms: number): Promise<void> {
        await this.clock.runUntil(this.clock.now() + ms)
        expect(this.panic).toBeUndefined()
    }

    /** Opens a connection to the device's echo and queues text on it. */
    open(said: string): Client {
        const opened: { heard: string; connection?: HostConnection } = { heard: "" }
        const connection = this.peer.connect(DEVICE_IP, ECHO, {
            data: (_connection, data) => {
                opened.heard += data
            },
        })
        connection.send(said)
        return Object.assign(opened, { connection })
    }

    /** Returns after how many milliseconds a new connection was echoed, at most `ms`. */
    async serves(ms: number): Promise<number> {
        const start = this.clock.now()
        const said = "afterwards"
        let client = this.open(said)
        let since = start
        await this.until(
            "an echo",
            () => {
                if (client.heard === said) return true
                if (this.clock.now() - since >= HURRY) {
                    client.connection.abort()
                    client = this.open(said)
                    since = this.clock.now()
                }
                return false
            },
            ms
        )
        client.connection.close()
        return this.clock.now() - start
    }

    /** Changes a fault of the chip, as the console's `fault` does. */
    fault(line: string): void {
        changeFault(this.chip, this.kind, line)
    }
}
