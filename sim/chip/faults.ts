// Creates faults by the kind of their values, for the tables of all chips.

import type { Fault, SpiChip } from "./chip"

/** Returns a chip's fault that is a probability per bit. */
export function chance<Chip extends SpiChip>(set: (chip: Chip, value: number) => void): Fault<Chip> {
    const form = "a probability per bit, from 0 to 0.1"
    return { form, least: 0, most: 0.1, fraction: true, on: 1e-4, off: 0, apply: set }
}

/** Returns a chip's fault that is a time in milliseconds; 0 ends it. */
export function milliseconds<Chip extends SpiChip>(
    set: (chip: Chip, value: number) => void,
    on = 50
): Fault<Chip> {
    return {
        form: "milliseconds, at most 60000",
        least: 0,
        most: 60_000,
        fraction: true,
        on,
        off: 0,
        apply: set,
    }
}

/** Returns a chip's fault that lasts for some milliseconds and ends by itself. */
export function once<Chip extends SpiChip>(set: (chip: Chip, ms: number) => void, on = 50): Fault<Chip> {
    return { form: "milliseconds, at most 60000", least: 0, most: 60_000, fraction: true, on, apply: set }
}

/** Returns a chip's fault that happens at once, and has no duration of its own: its number means nothing. */
export function event<Chip extends SpiChip>(happen: (chip: Chip) => void): Fault<Chip> {
    return {
        form: "any whole number up to 60000: it happens once",
        least: 0,
        most: 60_000,
        on: 1,
        apply: happen,
    }
}

/** Returns a chip's fault that happens to the next N frames or commands; 0 ends it. */
export function count<Chip extends SpiChip>(set: (chip: Chip, value: number) => void): Fault<Chip> {
    return {
        form: "a count, a whole number of at most 1000",
        least: 0,
        most: 1000,
        on: 1,
        off: 0,
        apply: set,
    }
}

/** Returns a chip's fault that is on or off. */
export function flag<Chip extends SpiChip>(set: (chip: Chip, value: boolean) => void): Fault<Chip> {
    return {
        form: "1 or 0",
        least: 0,
        most: 1,
        on: 1,
        off: 0,
        apply: (chip, value) => set(chip, value > 0),
    }
}

/** Returns the fault of a line that a short holds at a level. */
export function level<Chip extends SpiChip>(
    set: (chip: Chip, value: 0 | 1 | undefined) => void
): Fault<Chip> {
    return {
        form: "0 or 1, or -1 to end the fault",
        least: -1,
        most: 1,
        on: 0,
        off: -1,
        apply: (chip, value) => set(chip, value < 0 ? undefined : value > 0 ? 1 : 0),
    }
}

/** Returns a chip's fault that makes a line carry one level: 0 (bytes 0x00), 255 (bytes 0xff), or -1 for no fault. */
export function stuck<Chip extends SpiChip>(
    set: (chip: Chip, value: 0x00 | 0xff | undefined) => void
): Fault<Chip> {
    return {
        form: "0 or 255, or -1 to end the fault",
        least: -1,
        most: 255,
        takes: value => value <= 0 || value === 255,
        on: 255,
        off: -1,
        apply: (chip, value) => set(chip, value < 0 ? undefined : value === 0 ? 0x00 : 0xff),
    }
}
