// The cables between a board and its chip, each of which can be broken or shorted: faults that all chips have.

import type { ChipKind, ChipOptions, Fault, SpiChip } from "./chip"
import { flag, level as levelFault } from "./faults"

/**
 * The byte that the other end reads on an SPI line that leads nowhere: pins of microcontroller and chip are pulled down, or low
 * by themselves.
 */
const FLOATING = 0x00
/** Lines that the board drives. */
const DRIVEN = ["MOSI", "SCK", "CS", "RESET"]

/** A chip at the end of cables. */
export class WiredChip<Chip extends SpiChip> implements SpiChip {
    /** Lines whose cable is broken, by their names in a board file. */
    readonly broken = new Set<string>()
    /** The levels of lines that a short to ground or to the supply holds. */
    private readonly held = new Map<string, 0 | 1>()
    /** The levels that the board sets. */
    private readonly own = { CS: 1, RESET: 1 } as { CS: 0 | 1; RESET: 0 | 1 }
    private selected = false

    constructor(readonly chip: Chip) {}

    select(level: 0 | 1): void {
        this.own.CS = level
        if (this.broken.has("CS")) return
        const seen = this.held.get("CS") ?? level
        // a line that does not move is no edge
        if (this.held.has("CS") && this.selected === (seen === 0)) return
        this.selected = seen === 0
        this.chip.select(seen)
    }

    transfer(bytes: Uint8Array): void {
        const { broken, chip } = this
        if (broken.has("MOSI")) bytes.fill(FLOATING)
        const clocked = !broken.has("SCK") && !this.held.has("SCK")
        if (clocked) chip.transfer(bytes)
        // a chip that is not selected leaves MISO alone
        const selectable = !broken.has("CS") && this.held.get("CS") !== 1
        if (broken.has("MISO") || !clocked || !selectable) bytes.fill(FLOATING)
        const miso = this.held.get("MISO")
        if (miso !== undefined) bytes.fill(-miso)
    }

    configure(mode: number): void {
        this.chip.configure?.(mode)
    }

    reset(level: 0 | 1): void {
        this.own.RESET = level
        if (!this.broken.has("RESET")) this.chip.reset(this.held.get("RESET") ?? level)
    }

    /**
     * Returns the level of a line as a pin of the board sees it that drives nothing. MISO is the chip's while it is selected; the chip
     * decides its level.
     */
    line(name: string): 0 | 1 | undefined {
        const { broken, held, selected } = this
        if (held.has(name)) return held.get(name)
        if (broken.has(name) || DRIVEN.includes(name) || (name === "MISO" && !selected)) return undefined
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
        if (broken && line === "CS") {
            this.selected = false
            this.chip.select(1)
        }
        if (broken && line === "RESET") this.chip.reset(1)
        if (broken) this.broken.add(line)
        else this.broken.delete(line)
    }

    /** Holds a line at a level, as a short does; undefined ends that. */
    hold(line: string, level: 0 | 1 | undefined): void {
        if (level === undefined) this.held.delete(line)
        else this.held.set(line, level)
        const { CS, RESET } = this.own
        if (line === "CS") this.select(CS)
        if (line === "RESET") this.reset(RESET)
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

/**
 * Returns a kind of chip with cables: its own faults, `wire-LINE` for each of the lines, and `LINE-stuck` for those that have no such
 * fault. A line of the bus that is stuck is seen by a pin that drives nothing, too.
 */
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
        const stuck = `${line.toLowerCase().replaceAll("_", "-")}-stuck`
        const own = Object.hasOwn(faults, stuck) ? faults[stuck] : undefined
        if (own === undefined) all[stuck] = levelFault((chip, value) => chip.hold(line, value))
        else
            all[stuck] = {
                ...own,
                apply: (chip, value) => {
                    own.apply(chip.chip, value)
                    chip.hold(line, value < 0 ? undefined : value > 0 ? 1 : 0)
                },
            }
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
