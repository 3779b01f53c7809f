// The ENC28J60's driver and its chip's model, in virtual time.

import { expect } from "vitest"
import { type Enc28j60Options as ChipOptions, Enc28j60Chip } from "../../sim/chip/enc28j60"
import { Enc28j60, type Enc28j60Options } from "../../src/mac/enc28j60"
import { frame, MacBench, type WiringOptions } from "./bench"

/** Another station, which the board sends to. */
export const OTHER = [0x02, 0x99, 0x99, 0x99, 0x99, 0x99]

export interface BenchOptions extends Partial<ChipOptions>, WiringOptions {
    driver?: Partial<Enc28j60Options>
}

export class Bench extends MacBench<Enc28j60Chip, Enc28j60> {
    constructor(options: BenchOptions = {}) {
        const { driver = {}, ...chip } = options
        super(options, {
            chip: (clock, send) => new Enc28j60Chip({ clock, send, ...chip }),
            mac: (pins, address) => new Enc28j60({ ...pins, address, ...driver }),
        })
    }

    /** Frames arrive one after the other, at 10 Mbit/s; returns when all of them are in memory, or lost. */
    async arrive(...frames: Uint8Array[]): Promise<void> {
        const { chip } = this
        const end = chip.received + chip.dropped + frames.length
        for (const frame of frames) chip.deliver(frame)
        await this.clock.runUntil(() => chip.received + chip.dropped === end)
    }

    /** What is being sent is out. */
    async sentAll(): Promise<void> {
        await this.clock.runUntil(this.clock.now() + 2)
    }
}

/** A bench whose driver has started. */
export async function started(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(options)
    await bench.mac.start()
    bench.countFrom()
    return bench
}

/** Asserts that the driver works: a frame goes each way, and no rule of the data sheet is broken. */
export async function expectToWork(bench: Bench): Promise<void> {
    bench.received.length = 0
    bench.sent.length = 0
    const [inward, outward] = [frame(200, 1), frame(300, 2, OTHER)]
    expect(await bench.send(outward)).toBe(true)
    await bench.arrive(inward)
    await bench.run(5)
    expect(bench.received).toEqual([inward])
    expect(bench.sent).toEqual([outward])
    expect(bench.chip.misuses).toEqual([])
}

/** Returns a bench that has been up long enough for a reset not to be put off. */
export async function settled(options: BenchOptions = {}): Promise<Bench> {
    const bench = await started(options)
    await bench.run(2000)
    return bench
}
