// Finds what is at the other end of a pin with the pin's own pull-up and pull-down, before the SPI bus takes its pins.

import * as ds from "@devicescript/core"
import "@devicescript/gpio"
import { failed, noted, passed, spin } from "./report"

/** The level of a pin that this board does not drive. */
export const enum Level {
    Low,
    High,
    /** Nothing drives the pin: it follows the pull-up and the pull-down. */
    Free,
}

/** Returns what drives a pin. */
export function levelOf(pin: ds.InputPin): Level {
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
    MISO: ds.InputPin
    MOSI: ds.OutputPin
    SCK: ds.OutputPin
    CS: ds.OutputPin
    RESET: ds.OutputPin
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
 * Checks power, CS and MISO of a chip that drives MISO only while it is selected. Leaves the chip running and not selected.
 * Returns what to check if the chip does not answer over SPI.
 */
export async function checkSelect({ MISO, CS, RESET }: ChipLines): Promise<string> {
    CS.setMode(ds.GPIOMode.OutputHigh)
    await resetChip(RESET)
    const before = levelOf(MISO)
    CS.setMode(ds.GPIOMode.OutputLow)
    const selected = levelOf(MISO)
    CS.setMode(ds.GPIOMode.OutputHigh)
    const place = `MISO (GPIO${MISO.gpio})`
    if (before !== Level.Free) {
        const held = before === Level.High ? "high" : "low"
        failed("select", `${place} is held ${held} though CS is high: check CS, MISO`)
    } else if (selected === Level.Free)
        failed("select", `nothing drives ${place} though CS is low: check power, ground, CS, MISO`)
    else {
        passed("select", `the chip drives ${place} only while CS (GPIO${CS.gpio}) is low`)
        return "SCK, MOSI, reset"
    }
    return "power, ground, reset, CS, SCK, MOSI, MISO"
}

/** Reports whether the interrupt line, which no driver needs, is connected: a chip with nothing to report holds it high. */
export function checkInterrupt(pin: ds.InputPin): void {
    const level = levelOf(pin)
    let found = "is connected"
    if (level === Level.Free) found = "is not connected; the driver does not use it"
    else if (level === Level.Low) found = "is low: the driver does not use it"
    noted("interrupt", `INT (GPIO${pin.gpio}) ${found}`)
}
