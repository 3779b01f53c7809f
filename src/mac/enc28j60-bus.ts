// The ENC28J60's registers over SPI, for everything but the hot path.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import "@devicescript/gpio"
import { Instruction, Phy, Register } from "./enc28j60-registers"
import type { Spi } from "./spi"

/** Reads of MISTAT.BUSY: the 10.24 us of 3.3.1 are over after 26 bytes on SPI, which are 9 reads. */
const enum MiiTime {
    Looks = 32,
}

/**
 * The chip select pin, and a buffer for each length of a transfer: a transfer sends and receives in the same memory, and is as
 * long as its buffer.
 */
export class Enc28j60Bus {
    /** An instruction and a byte. */
    readonly command = Buffer.alloc(2)
    /** An instruction, the dummy byte that precedes the value of a MAC or MII register (4.2.1), and the value. */
    readonly long = Buffer.alloc(3)

    constructor(readonly cs: ds.OutputPin) {}
}

/** Sends an instruction of two bytes. Returns the byte that came back with the second. */
export async function instruct(bus: Enc28j60Bus, instruction: number): Promise<number> {
    const c = bus.command
    c.setAt(0, "u16", instruction)
    bus.cs.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(c, c)
    bus.cs.setMode(ds.GPIOMode.OutputHigh)
    return c.getAt(1, "u8")
}

/** Selects the bank of a register (3.1). */
export async function selectBank(bus: Enc28j60Bus, register: number): Promise<void> {
    await instruct(bus, Instruction.Bank0)
    await instruct(bus, Instruction.SetBank | ((register & Register.BankBits) << 3))
}

/** Returns a register of the selected bank. */
export async function readSelected(bus: Enc28j60Bus, register: number): Promise<number> {
    const address = register & Register.AddressBits
    if (register < Register.DummyBit) return await instruct(bus, Instruction.Read | address)
    const b = bus.long
    b.setAt(0, "u16", Instruction.Read | address)
    bus.cs.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(b, b)
    bus.cs.setMode(ds.GPIOMode.OutputHigh)
    return b.getAt(2, "u8")
}

/**
 * Writes or compares `count` registers of `settings`, from offset `at` on: two bytes each, a number as in Register and a value. Returns false
 * when a register has another value.
 */
export async function settle(
    bus: Enc28j60Bus,
    settings: Buffer,
    at: number,
    count: number,
    writes: boolean
): Promise<boolean> {
    let bank = -1
    for (; count > 0; count--) {
        const register = settings.getAt(at, "u8")
        const value = settings.getAt(at + 1, "u8")
        at += 2
        if ((register & Register.BankBits) !== bank) {
            bank = register & Register.BankBits
            await selectBank(bus, register)
        }
        if (writes) await instruct(bus, Instruction.Write | (register & Register.AddressBits) | (value << 8))
        else if ((await readSelected(bus, register)) !== value) return false
    }
    return true
}

/** Waits for the end of a transaction on the MII bus (3.3.1), and selects bank 2 for the next. Returns false when it does not end. */
export async function miiIdle(bus: Enc28j60Bus): Promise<boolean> {
    await selectBank(bus, Register.MiiStatus)
    let busy = true
    for (let looks = 0; busy && looks < MiiTime.Looks; looks++)
        busy = ((await readSelected(bus, Register.MiiStatus)) & Phy.Busy) !== 0
    await selectBank(bus, Register.MiiDataLow)
    return !busy
}

/** Begins to write a PHY register (3.3.2). Bank 2 must be selected, and the MII bus idle. */
export async function writePhy(bus: Enc28j60Bus, register: number, value: number): Promise<void> {
    await instruct(bus, Instruction.SetMiiAddress | (register << 8))
    await instruct(bus, Instruction.SetMiiLow | ((value & 0xff) << 8))
    await instruct(bus, Instruction.SetMiiHigh | (value & 0xff00))
}

/** Begins to read a PHY register (3.3.1). Bank 2 must be selected, and the MII bus idle. */
export async function beginReadPhy(bus: Enc28j60Bus, register: number): Promise<void> {
    await instruct(bus, Instruction.SetMiiAddress | (register << 8))
    await instruct(bus, Instruction.MiiRead)
}
