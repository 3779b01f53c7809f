// The ENC28J60's part of the self test: its wires, its revision, its memory over SPI in both directions, its reset line.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import { Enc28j60Bus, instruct, readSelected, selectBank } from "../mac/enc28j60-bus"
import { Instruction, Memory, Ready, Register, Revision } from "../mac/enc28j60-registers"
import type { Mac } from "../mac/mac"
import type { Spi } from "../mac/spi"
import { testMemory } from "./memory"
import {
    type ChipLines,
    checkInterrupt,
    checkSelect,
    checkShorts,
    Level,
    levelOf,
    resetChip,
    suspects,
} from "./pins"
import { failed, passed, spin } from "./report"

const enum Bus {
    Mode = 0,
    /** The driver's default. */
    Hz = 20000000,
}

const enum Frame {
    /** Bytes before the data of a frame that reads or writes buffer memory: the instruction. */
    Head = 1,
    /** An instruction of zeros, which reads ERDPTL: 0xfa after a reset (table 3-2). */
    Register = 2,
}

/** Writes as little-endian numbers: instruction and register, then the value. */
const enum Copy {
    /** EDMANDL 1 (chapter 13): two bytes from address 0 on are copied. */
    End = 0x01_52,
    /** EIE: INTIE and DMAIE (register 12-2). */
    Interrupts = 0xa0_5b,
    /** ECON1: DMAST is set (register 3-1). */
    Start = 0x20_9f,
}

const MARK = 0x5a

/** Tests the chip. Returns false when the chip does not answer, so that no driver can work. */
export async function probe(lines: ChipLines & { INT: ds.IOPin }): Promise<boolean> {
    if (!checkShorts(lines)) return false
    const drive = await checkSelect(lines)
    const interrupt = checkInterrupt(lines.INT)
    const { MISO, MOSI, SCK, CS, RESET } = lines
    ;(ds as Spi).spiConfigure(MISO.gpio, MOSI.gpio, SCK.gpio, Bus.Mode, Bus.Hz)
    const bus = new Enc28j60Bus(CS)
    const status = await instruct(bus, Instruction.ReadStatus)
    await selectBank(bus, Register.Revision)
    const revision = await readSelected(bus, Register.Revision)
    if ((status & Ready.Bits) !== Ready.Yes || revision === 0 || revision > Revision.Highest) {
        let lost = await suspects(lines, drive, Buffer.alloc(Frame.Register))
        if (interrupt === Level.High && drive.selected === Level.Free)
            lost = (await hears(bus, lines.INT)) ? "MISO, as the chip hears" : "CS"
        failed("chip", `ESTAT reads ${status} and EREVID ${revision}: check ${lost}`)
        return false
    }
    passed("chip", `ENC28J60, revision ${revision} (2 is B1, 4 B4, 5 B5, 6 B7)`)
    const memory = async (set: Instruction, instruction: number, bytes: Buffer): Promise<void> => {
        await selectBank(bus, 0)
        await instruct(bus, set | ((Memory.SendStart & 0xff) << 8))
        // the upper half's register follows the lower one's
        await instruct(bus, (set + 1) | (Memory.SendStart & 0xff00))
        bytes.setAt(0, "u8", instruction & 0xff)
        CS.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(bytes, bytes)
        CS.setMode(ds.GPIOMode.OutputHigh)
    }
    await testMemory(
        Frame.Head,
        async bytes => await memory(Instruction.SetWriteLow, Instruction.WriteMemory, bytes),
        async bytes => await memory(Instruction.SetReadLow, Instruction.ReadMemory, bytes)
    )
    await selectBank(bus, 0)
    await instruct(bus, Instruction.SetWriteLow | (MARK << 8))
    await resetChip(RESET)
    // EWRPTL is 0 after a reset (table 3-2)
    const left = await readSelected(bus, Instruction.SetWriteLow & Register.AddressBits)
    if (left !== MARK) passed("reset", `RESET (GPIO${RESET.gpio}) resets the chip`)
    else failed("reset", `RESET (GPIO${RESET.gpio}) does not reset the chip: check that wire`)
    return true
}

/** Has the chip copy two bytes, whose end lowers its interrupt line. Returns true when it does: then the chip hears what is sent. */
async function hears(bus: Enc28j60Bus, pin: ds.IOPin): Promise<boolean> {
    await selectBank(bus, 0)
    await instruct(bus, Copy.End)
    await instruct(bus, Copy.Interrupts)
    await instruct(bus, Copy.Start)
    await spin(1)
    return levelOf(pin) === Level.Low
}

/** Returns what the driver knows about its link, for the report. */
export function linkDetails(_mac: Mac): string {
    return ", 10 Mbit/s half duplex"
}
