// The interface of a simulated chip: what a device has on its SPI bus and its pins, and what the table of chips says of each kind.

import type { BootOptions } from "../../src/boot"
import type { Clock } from "../time/clock"
import type { Random } from "../time/random"

/** A chip on the SPI bus with chip select, reset and any number of lines to the board. */
export interface SpiChip {
    /** Sets the chip select line; 0 selects the chip and begins a frame of SPI transfers. */
    select(level: 0 | 1): void
    /** Carries out one full-duplex transfer: `bytes` holds what the device sends; the chip's answer replaces it in place. */
    transfer(bytes: Uint8Array): void
    /** Sets the reset line; 0 holds the chip in reset. */
    reset(level: 0 | 1): void
    /**
     * Returns the level of a line that the chip drives, by the line's name in a board file (INT, HANDSHAKE, DATA_READY), undefined
     * while nothing drives it.
     */
    line(name: string): 0 | 1 | undefined
    /** Frames moved to or from the network so far; when this changes, the device has work and should not sleep. */
    activity: number
    /** Takes a frame that arrives from the network, without FCS. */
    deliver(frame: Uint8Array): void
    /** What the driver did that the chip's documents forbid, in words. */
    readonly misuses: readonly string[]
    /** Plugs the network in or out. */
    setLink(up: boolean): void
    /** Ends what the chip does by itself: nothing of it runs on the clock after this. */
    close(): void
}

/** What every kind of chip is made of. */
export interface ChipOptions {
    clock: Clock
    /** Takes the frames that the chip sends; they belong to the receiver. */
    send: (frame: Uint8Array) => void
    /** Faults are drawn from it. */
    random?: Random
    /** Takes in words what happens between the chip and its network before a frame can pass, as a Wi-Fi module's association. */
    note?: (text: string) => void
}

/** One thing that can be wrong with a chip: a name for `--fault` and for the console's `fault`. */
export interface Fault<Chip = SpiChip> {
    /** Describes the value in an error message. */
    readonly form: string
    /** The smallest and the largest value. */
    readonly least: number
    readonly most: number
    /** The value of `fault NAME on`; undefined for a fault that needs a number. */
    readonly on?: number
    /** The value of `fault NAME off`; undefined for a fault that ends by itself. */
    readonly off?: number
    apply(chip: Chip, value: number): void
}

/** A kind of chip, as the table of chips lists it. */
export interface ChipKind<Chip extends SpiChip = SpiChip> {
    /** What people call it. */
    readonly title: string
    make(options: ChipOptions): Chip
    /** Returns what goes into `boot` of src/boot.ts for this chip. */
    boot?(chip: Chip): Partial<BootOptions>
    readonly faults: { readonly [name: string]: Fault<Chip> }
}
