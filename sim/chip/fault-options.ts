// Faults of a device's chip: reads the value of `--fault` and applies each fault at its time.

import { OptionError } from "../options/error"
import type { Clock } from "../time/clock"
import type { W5500Chip } from "./w5500"

/** One fault of a chip. */
export interface FaultStep {
    /** Milliseconds after the device is switched on. */
    readonly at: number
    readonly apply: (chip: W5500Chip) => void
}

type Apply = (chip: W5500Chip, value: number) => void

interface Kind {
    /** Describes the value in an error message. */
    readonly form: string
    /** The largest value. */
    readonly most: number
    readonly apply: Apply
}

const level = (name: "misoStuck" | "mosiStuck" | "dead"): Kind => ({
    form: "0 or 255, or -1 to end the fault",
    most: 255,
    apply: (chip, value) => {
        chip.faults[name] = value < 0 ? undefined : value === 0 ? 0x00 : 0xff
    },
})

const number = (
    name: {
        [Key in keyof W5500Chip["faults"]]-?: W5500Chip["faults"][Key] extends number ? Key : never
    }[keyof W5500Chip["faults"]],
    form: string,
    most: number
): Kind => ({
    form,
    most,
    apply: (chip, value) => {
        chip.faults[name] = value
    },
})

const CHANCE = "a probability per bit, from 0 to 0.1"
const MS = "milliseconds, at most 60000"
const COUNT = "a count, at most 1000"

const kinds: Record<string, Kind> = {
    "miso-errors": number("misoErrors", CHANCE, 0.1),
    "mosi-errors": number("mosiErrors", CHANCE, 0.1),
    "miso-stuck": level("misoStuck"),
    "mosi-stuck": level("mosiStuck"),
    dead: level("dead"),
    "brown-out": { form: MS, most: 60_000, apply: (chip, ms) => chip.brownOut(ms) },
    "phy-held": {
        form: "1 or 0",
        most: 1,
        apply: (chip, value) => {
            chip.faults.phyHeld = value > 0
        },
    },
    register: {
        form: "block * 65536 + address * 256 + the new value; block 0 is the common one, 1 socket 0",
        most: 0x1f_ffff,
        apply: (chip, value) => chip.change(value >> 16, (value >> 8) & 0xff, value & 0xff),
    },
    "size-ahead": number("sizeAhead", MS, 60_000),
    "version-delay": number("versionDelay", MS, 60_000),
    "deaf-after-reset": number("deafAfterReset", MS, 60_000),
    "send-delay": number("sendDelay", MS, 60_000),
    overflows: number("overflows", COUNT, 1000),
    "lost-send-oks": number("lostSendOks", COUNT, 1000),
    "stuck-sends": number("stuckSends", COUNT, 1000),
    "untaken-commands": number("untakenCommands", COUNT, 1000),
}

const known = Object.keys(kinds).join(", ")
const form = /^(-1|\d+\.?\d*(e-\d+)?|0x[0-9a-f]+)(?:@(\d+))?$/

/**
 * Reads `miso-errors=1e-5,brown-out=50@3000`: each fault, its value and the millisecond at which it begins (0 without `@`). Throws an
 * OptionError of one line that names the wrong part and lists the known faults.
 */
export function parseFaults(text: string): FaultStep[] {
    return text.split(",").map(part => {
        const [name = "", value = "", ...more] = part.split("=")
        const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
        if (kind === undefined) throw bad(`unknown fault ${JSON.stringify(name)}`)
        const [, amount = "", , at = "0"] = form.exec(more.length > 0 ? "" : value) ?? []
        const number = amount === "" ? Number.NaN : Number(amount)
        const least = kind.form.includes("-1") ? -1 : 0
        if (!(number >= least && number <= kind.most) || Number(at) > 1e9)
            throw bad(`${part} is not valid: ${name} takes ${kind.form}; @MS after it sets when it begins`)
        return { at: Number(at), apply: chip => kind.apply(chip, number) }
    })
}

/** Schedules the faults for the chip of a device that is switched on now. */
export function scheduleFaults(chip: W5500Chip, clock: Clock, steps: readonly FaultStep[]): void {
    for (const { at, apply } of steps) {
        if (at === 0) apply(chip)
        else clock.at(clock.now() + at, () => apply(chip))
    }
}

function bad(what: string): OptionError {
    const oneLine = what.replace(/[^\x20-\x7e]/g, "?")
    return new OptionError(`fault: ${oneLine} (known: ${known})`)
}
