// The W5500's registers over SPI: reads, writes, and waiting for a status.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { idle, type Spi } from "./spi"
import { CommonRegisters, Head, Snapshot, type Status } from "./w5500-registers"

/** Longest time that the chip may take for a command: in milliseconds, and in polls if the clock does not advance. */
export const enum BusTime {
    Command = 20,
    CommandLooks = 200,
}

/**
 * Chip select and buffers for the W5500's registers. A transfer is in place: full duplex reads a byte before it overwrites it. A transfer
 * is as long as its buffer, so each length has a buffer.
 */
export class W5500Bus {
    /** Socket 0's registers at the offsets of Snapshot; a longer buffer also reads reserved registers after them. */
    readonly registers: Buffer
    /**
     * The common registers at the offsets of CommonRegisters; a longer buffer also reads reserved registers after them. A disturbed bit
     * can turn a read into a write: in that case the last values are written back.
     */
    readonly common: Buffer
    /** Address, control and two bytes of data. */
    readonly command = Buffer.alloc(5)
    /** Address, control and one byte of data. */
    readonly single = Buffer.alloc(4)

    /** `look` is the least length of a transfer that reads registers, for firmware that sleeps in the middle of a short one. */
    constructor(
        readonly cs: ds.OutputPin,
        look: number
    ) {
        this.registers = Buffer.alloc(Math.max(Snapshot.Size, look))
        this.common = Buffer.alloc(Math.max(CommonRegisters.Size, look))
    }
}

/** Reads registers into `into`, which is `registers` or `common`. */
export async function readRegisters(bus: W5500Bus, head: Head, into: Buffer): Promise<void> {
    into.setAt(0, "i32", head)
    bus.cs.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(into, into)
    bus.cs.setMode(ds.GPIOMode.OutputHigh)
}

/** Writes one register. Registers whose order matters are never written in one SPI frame. */
export async function writeRegister(bus: W5500Bus, head: number, value: number): Promise<void> {
    await readRegisters(bus, head | (value << 24), bus.single)
}

/** Waits until the chip has accepted its command and socket 0 has `status`. Returns false when that takes too long. */
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
