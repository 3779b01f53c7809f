// The cables between a board and its chip, each of which can be broken: faults that all chips have.

import type { ChipKind, ChipOptions, Fault, SpiChip } from "./chip"
import { flag } from "./faults"

/**
 * The byte that the other end reads on an SPI line that leads nowhere: pins of microcontroller and chip are pulled down, or low
 * by themselves.
 */
const FLOATING = 0x00

/** A chip at the end of cables. */
export class WiredChip<Chip extends SpiChip> implements SpiChip {
    /** Lines whose cable is broken, by their names in a board file. */
    readonly broken = new Set<string>()
    private selected = false

    constructor(readonly chip: Chip) {}

    select(level: 0 | 1): void {
        if (this.broken.has("CS")) return
        this.selected = level === 0
        this.chip.select(level)
    }

    transfer(bytes: Uint8Array): void {
        const { broken, chip } = this
        if (broken.has("MOSI")) bytes.fill(FLOATING)
        if (!broken.has("SCK")) chip.transfer(bytes)
        // a chip that is not selected leaves MISO alone
        if (broken.has("MISO") || broken.has("SCK") || broken.has("CS")) bytes.fill(FLOATING)
    }

    reset(level: 0 | 1): void {
        if (!this.broken.has("RESET")) this.chip.reset(level)
    }

    /** Returns the level of a line. MISO is the chip's while it is selected; the chip decides its level. */
    line(name: string): 0 | 1 | undefined {
        const { broken, selected } = this
        if (broken.has(name) || (name === "MISO" && !selected)) return undefined
        return this.chip.line(name)
    }

    get activity(): number {
        return this.chip.activity
    }

    get misuses(): readonly string[] {
        return this.chip.misuses
    }

    deliver(frame: Uint8Array): void {
        this.chip.deliver(frame)
    }

    setLink(up: boolean): void {
        this.chip.setLink(up)
    }

    close(): void {
        this.chip.close()
    }

    /** Breaks or repairs the cable of a line. A chip whose select or reset line comes loose behaves as if the line were high. */
    setBroken(line: string, broken: boolean): void {
        if (broken && line === "CS") this.select(1)
        if (broken && line === "RESET") this.chip.reset(1)
        if (broken) this.broken.add(line)
        else this.broken.delete(line)
    }
}

/** Calls `tell` whenever the cable of a chip is plugged in or out, by a fault or from outside. */
function watchCable(chip: SpiChip, tell: (plugged: boolean) => void): void {
    const setLink = chip.setLink.bind(chip)
    chip.setLink = plugged => {
        tell(plugged)
        setLink(plugged)
    }
}

/** Returns a kind of chip with cables: its own faults, and `wire-LINE` for each of the lines. */
export function wired<Chip extends SpiChip>(
    { title, make, faults, boot }: ChipKind<Chip>,
    lines: readonly string[]
): ChipKind<WiredChip<Chip>> {
    const all: { [name: string]: Fault<WiredChip<Chip>> } = {}
    for (const [name, fault] of Object.entries(faults))
        all[name] = { ...fault, apply: ({ chip }, value) => fault.apply(chip, value) }
    for (const line of lines) {
        const name = `wire-${line.toLowerCase().replaceAll("_", "-")}`
        all[name] = flag((chip, value) => chip.setBroken(line, value))
    }
    return {
        title,
        make: (options: ChipOptions) => {
            const chip = make(options)
            if (options.cable !== undefined) watchCable(chip, options.cable)
            return new WiredChip(chip)
        },
        faults: all,
        ...(boot && { boot: ({ chip }: WiredChip<Chip>) => boot(chip) }),
    }
}
