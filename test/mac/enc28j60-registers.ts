// Reads the ENC28J60 model's registers over SPI behind the driver's back, which finds the bank as it was.

import type { Enc28j60Chip } from "../../sim/chip/enc28j60"
import { kindOf, Mii, Reg } from "../../sim/chip/enc28j60-map"

function instruct(chip: Enc28j60Chip, ...bytes: number[]): number {
    const buffer = Uint8Array.from(bytes)
    chip.select(0)
    chip.transfer(buffer)
    chip.select(1)
    return buffer.at(-1)!
}

function inBankOf<Result>(chip: Enc28j60Chip, register: number, what: () => Result): Result {
    const bank = instruct(chip, 0x1f, 0) & 3
    instruct(chip, 0xbf, 3)
    instruct(chip, 0x9f, (register >> 5) & 3)
    const result = what()
    instruct(chip, 0xbf, 3)
    instruct(chip, 0x9f, bank)
    return result
}

export function read(chip: Enc28j60Chip, register: number): number {
    const address = register & 0x1f
    return inBankOf(chip, register, () =>
        kindOf(register) === "mac" ? instruct(chip, address, 0, 0) : instruct(chip, address, 0)
    )
}

function write(chip: Enc28j60Chip, register: number, value: number): void {
    inBankOf(chip, register, () => instruct(chip, 0x40 | (register & 0x1f), value))
}

export function readPhy(chip: Enc28j60Chip, register: number): number {
    write(chip, Reg.MICMD, 0)
    write(chip, Reg.MIREGADR, register)
    write(chip, Reg.MICMD, Mii.MIIRD)
    while ((read(chip, Reg.MISTAT) & Mii.BUSY) !== 0);
    write(chip, Reg.MICMD, 0)
    return read(chip, Reg.MIRD) | (read(chip, Reg.MIRD + 1) << 8)
}
