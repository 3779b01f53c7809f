// The ENC28J60's driver and its chip's model, in virtual time.

import { type Enc28j60Options as ChipOptions, Enc28j60Chip } from "../../sim/chip/enc28j60"
import { Enc28j60, type Enc28j60Options } from "../../src/mac/enc28j60"
import { MacBench, type WiringOptions } from "./bench"

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
