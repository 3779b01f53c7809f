// Broken cables between board and chip: what each end still sees.

import { describe, expect, test } from "vitest"
import { chips } from "../../sim/chip/chips"
import { changeFault } from "../../sim/chip/fault-options"
import { W5500Chip } from "../../sim/chip/w5500"
import { WiredChip } from "../../sim/chip/wires"
import { VirtualClock } from "../../sim/time/clock"

/** Reads the W5500's version register: 4 when all wires lead to it. */
function version(chip: WiredChip<W5500Chip>): number {
    chip.select(0)
    const bytes = Uint8Array.of(0x00, 0x39, 0x00, 0x55)
    chip.transfer(bytes)
    chip.select(1)
    return bytes[3]
}

function wiredChip(): WiredChip<W5500Chip> {
    return new WiredChip(new W5500Chip({ clock: new VirtualClock(), send: () => {} }))
}

test("MISO is driven only while the chip is selected, and has power", () => {
    const chip = wiredChip()
    expect(chip.line("MISO")).toBeUndefined()
    chip.select(0)
    expect(chip.line("MISO")).toBe(0)
    chip.chip.faults.dead = 0xff
    expect(chip.line("MISO")).toBeUndefined()
})

describe("a broken wire to the chip", () => {
    test.each(["MISO", "SCK", "CS"])("broken %s: every byte reads 0, until it is mended", line => {
        const chip = wiredChip()
        chip.setBroken(line, true)
        expect(version(chip)).toBe(0)
        chip.setBroken(line, false)
        expect(version(chip)).toBe(4)
    })

    test("broken MOSI: the chip reads its first register again and again", () => {
        const chip = wiredChip()
        chip.setBroken("MOSI", true)
        chip.select(0)
        const bytes = Uint8Array.of(0x00, 0x39, 0x00, 0x55)
        chip.transfer(bytes)
        expect(bytes[3]).toBe(0)
    })

    test("broken RESET: the chip is not held in reset by it", () => {
        const chip = wiredChip()
        chip.reset(0)
        expect(version(chip)).toBe(0)
        chip.setBroken("RESET", true)
        chip.reset(0)
        expect(chip.chip.line("INT")).toBe(1)
    })

    test("broken INT: nothing drives the pin", () => {
        const chip = wiredChip()
        expect(chip.line("INT")).toBe(1)
        chip.setBroken("INT", true)
        expect(chip.line("INT")).toBeUndefined()
    })
})

describe("a line that a short holds", () => {
    test.each([
        ["SCK", 0, 0],
        ["SCK", 1, 0],
        ["MISO", 0, 0],
        ["MISO", 1, 0xff],
        ["CS", 1, 0],
        ["RESET", 0, 0],
        ["RESET", 1, 4],
    ] as const)(
        "%s held at %i: a register reads %i, the pin reads the level, until it ends",
        (line, level, value) => {
            const chip = wiredChip()
            chip.hold(line, level)
            expect(chip.line(line)).toBe(level)
            expect(version(chip)).toBe(value)
            chip.hold(line, undefined)
            chip.chip.reset(1)
            expect(chip.line(line)).toBeUndefined()
            if (line !== "RESET") expect(version(chip)).toBe(4)
        }
    )

    test("CS held low: the chip takes all frames for one, and drives MISO", () => {
        const chip = wiredChip()
        chip.hold("CS", 0)
        expect(chip.line("MISO")).toBe(0)
        expect(version(chip)).toBe(4)
        // the data of the first frame goes on
        expect(version(chip)).toBe(0)
    })

    test("no board drives the lines that lead to the chip: their pins read nothing", () => {
        const chip = wiredChip()
        for (const line of ["MOSI", "SCK", "CS", "RESET"]) expect(chip.line(line)).toBeUndefined()
    })
})

test.each(Object.keys(chips))("each line of %s has a fault that breaks its wire", name => {
    const kind = chips[name]
    const chip = kind.make({ clock: new VirtualClock(), send: () => {} })
    for (const line of ["miso", "mosi", "sck", "cs", "reset"]) {
        expect(changeFault(chip, kind, `wire-${line} on`)).toBe(`wire-${line} is on`)
        expect(changeFault(chip, kind, `wire-${line} off`)).toBe(`wire-${line} is off`)
    }
})
