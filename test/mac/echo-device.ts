// A simulated board that runs echo.ts, a program that echoes frames through the driver of the board's chip.

import { expect } from "vitest"
import type { Board } from "../../sim/board/boards"
import type { ChipOptions, SpiChip } from "../../sim/chip/chip"
import { Device } from "../../sim/device/device"
import { describePanic } from "../../sim/device/runtime"
import { VirtualClock } from "../../sim/time/clock"

export const STATION = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]
export const PEER = [0x02, 0, 0, 0, 0, 1]

/** Returns a frame of an experimental EtherType, with bytes that depend on `seed`. */
export function frame(to: number[], from: number[], length: number, seed: number): Uint8Array {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 11 + seed * 5) & 0xff)
    bytes.set([...to, ...from, 0x88, 0xb5])
    return bytes
}

export const hex = (frames: Uint8Array[]) => frames.map(bytes => Buffer.from(bytes).toString("hex"))

export type Runtime = "vm" | "node"

/** A chip whose model notes what a driver must not do. */
type StrictChip = SpiChip & { readonly misuses: string[] }

/** A board, the default one when left out, and the model of its chip. */
export interface Hardware<Chip> {
    readonly board?: Board
    chip(options: Pick<ChipOptions, "clock" | "send">): Chip
}

export interface Echoed {
    readonly sent: Uint8Array[]
    /** When each of these was on the wire. */
    readonly times: number[]
    readonly log: string[]
    readonly counters: string | undefined
}

/** Runs the program while `scenario` plays, and returns what came of it. */
export async function echo<Chip extends StrictChip>(
    runtime: Runtime,
    { chip: makeChip, ...board }: Hardware<Chip>,
    scenario: (chip: Chip, clock: VirtualClock) => Promise<void>
): Promise<Echoed> {
    const clock = new VirtualClock()
    const sent: Uint8Array[] = []
    const times: number[] = []
    const log: string[] = []
    const send = (bytes: Uint8Array) => {
        sent.push(bytes)
        times.push(clock.now())
    }
    const chip = makeChip({ clock, send })
    const device = new Device({
        clock,
        runtime,
        chip,
        ...board,
        program: "test/mac/echo.ts",
        onLog: (level, text) => {
            if (level === "log" || level === "warn") log.push(text)
        },
        onPanic: panic => log.push(describePanic(panic)),
    })
    await device.start()
    await clock.runUntil(20)
    await scenario(chip, clock)
    let counters: string[] | undefined
    void device.command("counters").then(reply => {
        counters = reply.lines
    })
    await clock.runUntil(() => counters !== undefined, clock.now() + 100)
    device.stop()
    expect(chip.misuses).toEqual([])
    return {
        sent,
        times,
        log: log.filter(line => !/^(DeviceScript|start: )/.test(line)),
        counters: counters?.join(" "),
    }
}

/** Starts the program for `ms` with a chip that answers 0xff to everything, and returns the messages with which it ended. */
export async function panicsOfDeadChip(
    runtime: Runtime,
    { chip: makeChip, ...board }: Hardware<SpiChip & { faults: { dead: 0x00 | 0xff | undefined } }>,
    ms: number
): Promise<string[]> {
    const clock = new VirtualClock()
    const chip = makeChip({ clock, send: () => {} })
    chip.faults.dead = 0xff
    const panics: string[] = []
    const device = new Device({
        clock,
        runtime,
        chip,
        ...board,
        program: "test/mac/echo.ts",
        onPanic: ({ message }) => void panics.push(message),
    })
    await device.start()
    await clock.runUntil(ms)
    device.stop()
    return panics
}
