// Access to the W5500's registers over SPI.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { idle, type Spi } from "./spi"
import { Head, Look, Snapshot, type Status } from "./w5500-registers"

/** How long the chip may take for a command: milliseconds, and looks at the chip where the clock may stand still. */
export const enum BusTime {
    Command = 20,
    CommandLooks = 200,
}

/**
 * Access to the W5500's registers. Transfers go both ways in the same memory (full duplex reads a byte before it
 * overwrites it), and a transfer is as long as its buffer: there is one buffer for each length.
 */
export class W5500Bus {
    /** Socket 0's registers, as Snapshot lays them out; what a longer one reads behind them is reserved, and means nothing. */
    readonly registers: Buffer
    /** The common registers, as Look lays them out: a look that a disturbed bit turns into a write says what was there before. */
    readonly common = Buffer.alloc(Look.Size)
    /** Address, control and two bytes of data. */
    readonly command = Buffer.alloc(5)
    /** The same with one byte. */
    readonly single = Buffer.alloc(4)

    /** `look`: bytes of a look at socket 0, more than it needs where the firmware sleeps in the middle of a short one. */
    constructor(
        readonly cs: ds.OutputPin,
        look: number
    ) {
        this.registers = Buffer.alloc(Math.max(Snapshot.Size, look))
    }
}

/** Reads registers into `into`, which is `registers` or `common`. */
export async function readRegisters(bus: W5500Bus, head: Head, into: Buffer): Promise<void> {
    into.setAt(0, "i32", head)
    bus.cs.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(into, into)
    bus.cs.setMode(ds.GPIOMode.OutputHigh)
}

/** Writes one register: no two in one SPI frame whose order could matter. */
export async function writeRegister(bus: W5500Bus, head: number, value: number): Promise<void> {
    await readRegisters(bus, head | (value << 24), bus.single)
}

/** Waits for a status of socket 0 that follows from a command. False when it does not come in time. */
export async function reaches(bus: W5500Bus, status: Status): Promise<boolean> {
    const start = ds.millis() | 0
    for (let looks = 0; looks < BusTime.CommandLooks; looks++) {
        const r = bus.registers
        await readRegisters(bus, Head.ReadSocket, r)
        if (r.getAt(Snapshot.Command, "u8") === 0 && r.getAt(Snapshot.Status, "u8") === status) return true
        if ((((ds.millis() | 0) - start) | 0) > BusTime.Command) return false
        await idle()
    }
    return false
}
