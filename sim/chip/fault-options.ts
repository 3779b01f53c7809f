// Faults of a device's chip: reads the value of `--fault` and of the console's `fault`, and applies each fault at its time.

import { OptionError } from "../options/error"
import type { Clock } from "../time/clock"
import type { ChipKind, Fault, SpiChip } from "./chip"

/** One fault of a chip. */
export interface FaultStep {
    /** Milliseconds after the device is switched on. */
    readonly at: number
    readonly name: string
    readonly apply: (chip: SpiChip) => void
}

const FORM = /^(-1|\d+\.?\d*(e-\d+)?|0x[0-9a-f]+)(?:@(\d+))?$/

/**
 * Reads `miso-errors=1e-5,brown-out=50@3000`: each fault, its value and the millisecond at which it begins (0 without `@`). Throws an
 * OptionError of one line that names the wrong part and what it takes, or lists the known faults.
 */
export function parseFaults(text: string, kind: ChipKind): FaultStep[] {
    return text.split(",").map(part => {
        const [name = "", value = "", ...more] = part.split("=")
        const fault = faultOf(kind, name)
        const [, amount = "", , at = "0"] = FORM.exec(more.length > 0 ? "" : value) ?? []
        const number = numberFor(fault, amount)
        if (number === undefined || Number(at) > 1e9) {
            const takes = `${name} takes ${fault.form}; @MS after the value sets when the fault begins`
            throw new OptionError(`fault: ${part} is not valid: ${takes}`)
        }
        return { at: Number(at), name, apply: chip => fault.apply(chip, number) }
    })
}

/** Schedules the faults for the chip of a device that is switched on now. */
export function scheduleFaults(chip: SpiChip, clock: Clock, steps: readonly FaultStep[]): void {
    for (const { at, apply } of steps) {
        if (at === 0) apply(chip)
        else clock.at(clock.now() + at, () => apply(chip))
    }
}

/**
 * Applies `NAME on`, `NAME off` or `NAME N` to a chip now; returns a line that says so. An empty text returns the list of faults.
 * Throws an OptionError of one line for any other text.
 */
export function changeFault(chip: SpiChip, kind: ChipKind, text: string): string {
    const [name = "", value = "", ...more] = text.trim().split(/\s+/)
    if (name === "") return `faults of the ${kind.title}: ${Object.keys(kind.faults).join(", ")}`
    const fault = faultOf(kind, name)
    const amount = more.length > 0 ? undefined : amountOf(fault, value)
    if (amount === undefined) {
        const words = [...(fault.on === undefined ? [] : ["on"]), ...(fault.off === undefined ? [] : ["off"])]
        throw new OptionError(
            `fault ${name}: usage is fault ${name} ${[...words, "N"].join("|")}; N is ${fault.form}`
        )
    }
    fault.apply(chip, amount)
    return `${name} is ${amount === fault.off ? "off" : amount === 1 && fault.most === 1 ? "on" : amount}`
}

function amountOf(fault: Fault, value: string): number | undefined {
    if (value === "on") return fault.on
    if (value === "off") return fault.off
    return value.includes("@") ? undefined : numberFor(fault, FORM.exec(value)?.[1] ?? "")
}

/** Returns the value of a fault; undefined when the text is not a number, or not one that the fault takes. */
function numberFor({ least, most, fraction = false, takes }: Fault, text: string): number | undefined {
    const number = text === "" ? Number.NaN : Number(text)
    if (!(number >= least && number <= most)) return undefined
    if (!fraction && !Number.isInteger(number)) return undefined
    return takes?.(number) === false ? undefined : number
}

function faultOf(kind: ChipKind, name: string): Fault {
    if (Object.hasOwn(kind.faults, name)) return kind.faults[name]
    const known = Object.keys(kind.faults).join(", ")
    throw new OptionError(`fault: unknown fault ${JSON.stringify(name)} (known: ${known})`)
}
