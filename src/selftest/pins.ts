// Finds what is at the other end of a pin with the pin's own pull-up and pull-down, before the SPI bus takes its pins.

import type { Buffer } from "@devicescript/core"
import * as ds from "@devicescript/core"
import "@devicescript/gpio"
import type { Spi } from "../mac/spi"
import { failed, noted, passed, spin } from "./report"

/** The level of a pin that this board does not drive. */
export const enum Level {
    Low,
    High,
    /** Nothing drives the pin: it follows the pull-up and the pull-down. */
    Free,
}

/** Returns what drives a pin. */
export function levelOf(pin: ds.IOPin): Level {
    pin.setMode(ds.GPIOMode.InputPullUp)
    const up = pin.value
    pin.setMode(ds.GPIOMode.InputPullDown)
    const down = pin.value
    pin.setMode(ds.GPIOMode.Input)
    if (up !== down) return Level.Free
    return up ? Level.High : Level.Low
}

/** The lines that all chips have. */
export interface ChipLines {
    MISO: ds.IOPin
    MOSI: ds.IOPin
    SCK: ds.IOPin
    CS: ds.IOPin
    RESET: ds.IOPin
}

/** Milliseconds. */
const enum Time {
    /** Time for which the reset line is low: the W5500 needs 0.5 ms (data sheet, 5.5.1). */
    Pulse = 5,
    /** From the end of a reset until the chip answers: 1 ms for the W5500's PLL, a few for the ENC28J60's oscillator. */
    Awake = 10,
}

/** Resets a chip with its reset line, and waits until it answers. */
export async function resetChip(pin: ds.OutputPin): Promise<void> {
    pin.setMode(ds.GPIOMode.OutputLow)
    await spin(Time.Pulse)
    pin.setMode(ds.GPIOMode.OutputHigh)
    await spin(Time.Awake)
}

/**
 * Checks that no short holds a line which only this board drives. Chip select and reset may be high: chips and modules have pull-ups there.
 * Returns false when one is held, as no driver can work then.
 */
export function checkShorts({ MOSI, SCK, CS, RESET }: ChipLines): boolean {
    const levels = [levelOf(MOSI), levelOf(SCK), levelOf(CS), levelOf(RESET)]
    CS.setMode(ds.GPIOMode.OutputHigh)
    RESET.setMode(ds.GPIOMode.OutputHigh)
    const mosi = short("MOSI", MOSI, levels[0] as Level, true)
    const sck = short("SCK", SCK, levels[1] as Level, true)
    const cs = short("CS", CS, levels[2] as Level, false)
    const reset = short("RESET", RESET, levels[3] as Level, false)
    return !(mosi || sck || cs || reset)
}

/** Reports a line that is held at a level which it cannot have. Returns true for such a line. */
export function short(name: string, pin: ds.IOPin, level: Level, highToo: boolean): boolean {
    if (level === Level.Free || (level === Level.High && !highToo)) return false
    const [held, what] = level === Level.Low ? ["low", "ground"] : ["high", "the supply"]
    failed(
        "wires",
        `${name} (GPIO${pin.gpio}) is held ${held} while this board drives nothing: check that wire for a short to ${what}`
    )
    return true
}

/** What drives MISO while the chip is not selected, and while it is. */
export interface Drive {
    before: Level
    selected: Level
}

/**
 * Checks power, CS and MISO of a chip that drives MISO only while it is selected. Leaves the chip running and not selected.
 */
export async function checkSelect({ MISO, CS, RESET }: ChipLines): Promise<Drive> {
    CS.setMode(ds.GPIOMode.OutputHigh)
    await resetChip(RESET)
    const before = levelOf(MISO)
    CS.setMode(ds.GPIOMode.OutputLow)
    const selected = levelOf(MISO)
    CS.setMode(ds.GPIOMode.OutputHigh)
    const place = `MISO (GPIO${MISO.gpio})`
    if (before !== Level.Free) {
        const held = before === Level.High ? "high" : "low"
        failed("select", `${place} is held ${held} though CS is high: check MISO for a short`)
    } else if (selected === Level.Free)
        failed("select", `nothing drives ${place} though CS is low: check power, ground, CS, MISO`)
    else passed("select", `the chip drives ${place} only while CS (GPIO${CS.gpio}) is low`)
    return { before, selected }
}

/** Returns the lines that may be the reason why a chip does not answer over SPI. `zeros` is a frame of zeros, which reads a register. */
export async function suspects({ CS }: ChipLines, drive: Drive, zeros: Buffer): Promise<string> {
    if (drive.before !== Level.Free) return "MISO"
    if (drive.selected === Level.Free) return "power, ground, CS, MISO"
    CS.setMode(ds.GPIOMode.OutputLow)
    await (ds as Spi).spiXfer(zeros, zeros)
    CS.setMode(ds.GPIOMode.OutputHigh)
    // of a chip without a clock MISO stays as it is; one that hears only zeros sends its first registers
    return isStill(zeros, zeros.length)
        ? "SCK, as no bit of MISO changes; then reset, the chip's clock"
        : "MOSI, as the chip sends but does not hear; then shorten the wires, or set a lower hz"
}

/** Reports whether the interrupt line, which no driver needs, is connected: a chip with nothing to report holds it high. */
export function checkInterrupt(pin: ds.IOPin): Level {
    const level = levelOf(pin)
    let found = "is connected"
    if (level === Level.Free) found = "is not connected; the driver does not use it"
    else if (level === Level.Low) found = "is low: the driver does not use it"
    noted("interrupt", `INT (GPIO${pin.gpio}) ${found}`)
    return level
}

/** Returns true when no bit of MISO has changed in the first `length` bytes that were read. */
export function isStill(bytes: Buffer, length: number): boolean {
    const first = bytes.getAt(0, "u8")
    if (first !== 0 && first !== 0xff) return false
    for (let i = 1; i < length; i++) if (bytes.getAt(i, "u8") !== first) return false
    return true
}
