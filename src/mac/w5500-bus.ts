import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { power } from "./idle"
import { Head, Snapshot, type Status } from "./w5500-registers"

/** The runtime's SPI; looked up in `ds` at each call, because a host puts its own in its place. */
export type Spi = typeof ds & {
    spiConfigure(miso: number, mosi: number, sck: number, mode: number, hz: number): void
    spiXfer(tx: Buffer, rx: Buffer): Promise<void>
}

/** Milliseconds; where the clock may stand still, a wait also ends after so many looks at the chip. */
export const enum BusTime {
    Command = 20,
    CommandLooks = 200,
    LooksPerMs = 64,
}

/**
 * Access to the W5500's registers. Transfers go both ways in the same memory (full duplex reads a byte before it
 * overwrites it), and a transfer is as long as its buffer: there is one buffer for each length.
 */
export class W5500Bus {
    /** A burst of registers, as Snapshot or Look lays it out. */
    readonly registers = Buffer.alloc(Snapshot.Size)
    /** Address, control and two bytes of data. */
    readonly command = Buffer.alloc(5)

    constructor(readonly cs: ds.OutputPin) {}
}

/** Reads registers into `registers`. */
export async function readRegisters(bus: W5500Bus, head: Head): Promise<void> {
    bus.registers.setAt(0, "i32", head)
    bus.cs.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(bus.registers, bus.registers)
    bus.cs.setMode(ds.GPIOMode.OutputHigh)
}

/** Writes two registers. */
export async function writeRegisters(
    bus: W5500Bus,
    head: number,
    first: number,
    second: number
): Promise<void> {
    bus.command.setAt(0, "i32", head | (first << 24))
    bus.command.setAt(4, "u8", second)
    bus.cs.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(bus.command, bus.command)
    bus.cs.setMode(ds.GPIOMode.OutputHigh)
}

/** Waits for a status of socket 0 that follows from a command. False when it does not come in time. */
export async function reaches(bus: W5500Bus, status: Status): Promise<boolean> {
    const start = ds.millis() | 0
    for (let looks = 0; looks < BusTime.CommandLooks; looks++) {
        await readRegisters(bus, Head.ReadSocket)
        const r = bus.registers
        if (r.getAt(Snapshot.Command, "u8") === 0 && r.getAt(Snapshot.Status, "u8") === status) return true
        if ((((ds.millis() | 0) - start) | 0) > BusTime.Command) return false
        await idle()
    }
    return false
}

/** Lets `ms` pass with transfers that no chip listens to: an RP2040 that only sleeps can freeze. */
export async function pause(bus: W5500Bus, ms: number): Promise<void> {
    const start = ds.millis() | 0
    for (let i = BusTime.LooksPerMs * ms; i > 0 && (((ds.millis() | 0) - start) | 0) < ms; i--) {
        await (ds as Spi).spiXfer(bus.registers, bus.registers)
        await idle()
    }
}

/** Up to a millisecond between two looks at the chip, also while a program waits for `Mac.wait` to end. */
export async function idle(): Promise<void> {
    const woken = power.woken
    power.woken = false
    await power.idle(1)
    power.woken = power.woken || woken
}
