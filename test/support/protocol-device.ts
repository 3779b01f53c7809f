// A whole device that runs test/programs/protocols.ts, plugged into a link.

import { expect } from "vitest"
import { readBoard } from "../../sim/board/boards"
import type { SpiChip } from "../../sim/chip/chip"
import { chipOf } from "../../sim/chip/chips"
import { Device } from "../../sim/device/device"
import { describePanic } from "../../sim/device/runtime"
import type { Link } from "../../sim/link/port"
import { isProgramsOwn } from "../../sim/run/log"
import type { Clock } from "../../sim/time/clock"

export interface ProtocolDeviceOptions {
    clock: Clock
    link: Link
    runtime: "vm" | "node"
    /** Probes for an address before it is used (RFC 5227). */
    probes?: number
    mac?: string
    hostName?: string
    config?: Record<string, number>
    /** Frames that it sends (true) and gets. */
    watch?: (frame: Uint8Array, sent: boolean) => void
}

export class ProtocolDevice {
    readonly chip: SpiChip
    readonly device: Device
    /** What it printed. */
    readonly log: string[] = []
    private panic: string | undefined

    constructor(private readonly options: ProtocolDeviceOptions) {
        const { clock, link, runtime, watch } = options
        const plug = link.attach({
            name: "device",
            receive: frame => {
                watch?.(frame, false)
                this.chip.deliver(frame)
            },
        })
        const board = readBoard()
        const kind = chipOf(board)
        this.chip = kind.make({
            clock,
            send: frame => {
                watch?.(frame, true)
                plug.send(frame)
            },
        })
        this.device = new Device({
            clock,
            runtime,
            board,
            chip: this.chip,
            seed: 7,
            program: "test/programs/protocols.ts",
            boot: {
                ...kind.boot?.(this.chip),
                macAddress: options.mac ?? "02:00:0a:00:00:02",
                hostName: options.hostName ?? "box",
                probes: options.probes ?? 1,
                config: { connections: 2, ...options.config },
            },
            onLog: (level, text) => {
                if (isProgramsOwn(level, text)) this.log.push(text)
            },
            onPanic: panic => {
                this.panic = describePanic(panic)
            },
        })
    }

    async start(): Promise<void> {
        await this.device.start()
    }

    stop(): void {
        this.device.stop()
        // in real time, how long a pulse was is the machine's affair
        const { misuses } = this.chip
        const judged = this.options.clock.virtual
            ? misuses
            : misuses.filter(text => !/^reset pulse/.test(text))
        expect(judged).toEqual([])
    }

    async until(what: string, met: () => boolean, limit = 60_000): Promise<void> {
        const { clock } = this.options
        await clock.runUntil(() => met() || this.panic !== undefined, clock.now() + limit)
        if (this.panic !== undefined) throw new Error(this.panic)
        if (!met()) throw new Error(`${what} did not come within ${limit} ms:\n${this.log.join("\n")}`)
    }

    /** Waits until it has said that it has this address. */
    async has(address: string): Promise<void> {
        await this.until(`the address ${address}`, () => this.log.at(-1) === `address ${address}`)
    }

    /** What it answers to a command. */
    async ask(line: string): Promise<string> {
        let reply: string | undefined
        let failed: unknown
        this.device.command(line).then(
            ({ lines }) => {
                reply = lines.join("\n")
            },
            error => {
                failed = error
            }
        )
        await this.until(`an answer to ${line}`, () => reply !== undefined || failed !== undefined)
        if (failed !== undefined) throw failed
        return reply!
    }

    /** Lets `ms` pass. */
    async pass(ms: number): Promise<void> {
        const { clock } = this.options
        await clock.runUntil(clock.now() + ms)
        if (this.panic !== undefined) throw new Error(this.panic)
    }
}
