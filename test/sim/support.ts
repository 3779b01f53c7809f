// Runs a program of test/programs on one of the two runtimes, with a chip that answers every byte with its inverse.

import type { SpiChip } from "../../sim/chip/chip"
import { Device, type DeviceOptions } from "../../sim/device/device"
import type { Panic } from "../../sim/device/runtime"
import { type Clock, VirtualClock } from "../../sim/time/clock"

export const RUNTIMES = ["vm", "node"] as const

/** Notes what happens at its pins. */
export class InverseChip implements SpiChip {
    readonly seen: string[] = []
    interrupt: 0 | 1 = 1
    activity = 0
    readonly misuses: string[] = []

    line(): 0 | 1 {
        return this.interrupt
    }

    deliver(): void {}

    setLink(): void {}

    close(): void {}

    select(level: 0 | 1): void {
        this.seen.push(`select ${level}`)
    }

    reset(level: 0 | 1): void {
        this.seen.push(`reset ${level}`)
    }

    transfer(bytes: Uint8Array): void {
        this.seen.push(`transfer ${[...bytes]}`)
        for (let i = 0; i < bytes.length; i++) bytes[i] ^= 0xff
    }
}

export interface Bench {
    clock: Clock
    chip: InverseChip
    device: Device
    /** What the program printed: time, level, text. */
    log: string[]
    panics: Panic[]
    events: string[]
}

/** A started device; its program runs when the clock does. */
export async function bench(
    runtime: "vm" | "node",
    program: string,
    options: Partial<DeviceOptions> = {}
): Promise<Bench> {
    const clock = options.clock ?? new VirtualClock()
    const chip = new InverseChip()
    const log: string[] = []
    const panics: Panic[] = []
    const events: string[] = []
    const device = new Device({
        clock,
        runtime,
        chip,
        program: `test/programs/${program}.ts`,
        seed: 1,
        onLog: (level, text) => {
            if (level !== "system" && !BANNER.test(text)) log.push(`${clock.now()} ${level} ${text}`)
        },
        onPanic: panic => panics.push(panic),
        onEvent: records => events.push(Buffer.from(records).toString("hex")),
        ...options,
    })
    await device.start()
    return { clock, chip, device, log, panics, events }
}

/** What the VM says before a program begins. */
const BANNER = /^(DeviceScript Simulator|start: )/

/** What the program prints within that many virtual milliseconds. */
export async function output(
    runtime: "vm" | "node",
    program: string,
    ms: number,
    options: Partial<DeviceOptions> = {}
): Promise<string[]> {
    const { clock, device, log, panics } = await bench(runtime, program, options)
    await clock.runUntil(ms)
    device.stop()
    return [...log, ...panics.map(({ message }) => `panic: ${message}`)]
}
