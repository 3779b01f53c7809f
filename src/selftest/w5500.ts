// The W5500's part of the self test: its wires, its version, its memory over SPI in both directions, its reset line.

import * as ds from "@devicescript/core"
import { Buffer } from "@devicescript/core"
import type { Mac } from "../mac/mac"
import type { Spi } from "../mac/spi"
import { CHIP_VERSION } from "../mac/w5500-registers"
import { testMemory } from "./memory"
import { type ChipLines, checkInterrupt, checkSelect, checkShorts, resetChip, suspects } from "./pins"
import { failed, passed } from "./report"

/** The first three bytes of an SPI frame as a little-endian number: address and control (data sheet, chapter 2.2). */
const enum Head {
    Size = 3,
    Common = 64,
    /** VERSIONR, 0x39, read. */
    Version = 0x00_39_00,
    /** SUBR, 0x05, written and read: the register is 0 after a reset. */
    SetMask = 0x04_05_00,
    GetMask = 0x00_05_00,
    /** Socket 0's transmit memory, written and read. */
    WriteMemory = 0x14_00_00,
    ReadMemory = 0x10_00_00,
}

const enum Bus {
    Mode = 0,
    /** The driver's default. */
    Hz = 20000000,
}

const MARK = 0x5a

/** Tests the chip. Returns false when the chip does not answer, so that no driver can work. */
export async function probe(lines: ChipLines & { INT: ds.IOPin }): Promise<boolean> {
    if (!checkShorts(lines)) return false
    const drive = await checkSelect(lines)
    checkInterrupt(lines.INT)
    const { MISO, MOSI, SCK, RESET } = lines
    ;(ds as Spi).spiConfigure(MISO.gpio, MOSI.gpio, SCK.gpio, Bus.Mode, Bus.Hz)
    const frame = async (head: number, bytes: Buffer): Promise<void> => {
        bytes.setAt(0, "u16", head & 0xffff)
        bytes.setAt(2, "u8", head >> 16)
        lines.CS.setMode(ds.GPIOMode.OutputLow)
        await (ds as Spi).spiXfer(bytes, bytes)
        lines.CS.setMode(ds.GPIOMode.OutputHigh)
    }
    const one = Buffer.alloc(Head.Size + 1)
    await frame(Head.Version, one)
    const version = one.getAt(Head.Size, "u8")
    if (version !== CHIP_VERSION) {
        // the common registers, up to VERSIONR
        const lost = await suspects(lines, drive, Buffer.alloc(Head.Common))
        failed("chip", `version register reads ${version} instead of ${CHIP_VERSION}: check ${lost}`)
        return false
    }
    passed("chip", `W5500, version ${version}`)
    await testMemory(
        Head.Size,
        async bytes => await frame(Head.WriteMemory, bytes),
        async bytes => await frame(Head.ReadMemory, bytes)
    )
    one.setAt(Head.Size, "u8", MARK)
    await frame(Head.SetMask, one)
    await resetChip(RESET)
    await frame(Head.GetMask, one)
    if (one.getAt(Head.Size, "u8") !== MARK) passed("reset", `RESET (GPIO${RESET.gpio}) resets the chip`)
    else failed("reset", `RESET (GPIO${RESET.gpio}) does not reset the chip: check that wire`)
    return true
}

/** Returns what the driver knows about its link, for the report. */
export function linkDetails(_mac: Mac): string {
    return ""
}
