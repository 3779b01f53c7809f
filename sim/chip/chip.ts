// The interface of a simulated chip: the part on a device's SPI bus and pins, and what the table of chips lists for each kind.

import type { BootOptions } from "../../src/boot"
import type { Clock } from "../time/clock"
import type { Random } from "../time/random"

/** A chip on the SPI bus with chip select, reset and any number of lines to the board. */
export interface SpiChip {
    /** Sets the chip select line; 0 selects the chip and begins a frame of SPI transfers. */
    select(level: 0 | 1): void
    /** Carries out one full-duplex transfer: `bytes` holds what the device sends; the chip's answer replaces it in place. */
    transfer(bytes: Uint8Array): void
    /** Receives the SPI mode, 0 to 3, of the frames that follow; absent for a chip whose model takes any. */
    configure?(mode: number): void
    /** Sets the reset line; 0 holds the chip in reset. */
    reset(level: 0 | 1): void
    /**
     * Returns the level of a line that the chip drives, by the line's name in a board file (INT, HANDSHAKE, DATA_READY), undefined
     * while nothing drives it.
     */
    line(name: string): 0 | 1 | undefined
    /** Frames moved to or from the network so far; when this changes, the device has work and should not sleep. */
    activity: number
    /** Receives a frame from the network, without FCS. */
    deliver(frame: Uint8Array): void
    /** Actions of the driver that the chip's documents forbid, as text. */
    readonly misuses: readonly string[]
    /** Plugs the network in or out. */
    setLink(up: boolean): void
    /** Stops the chip: it schedules nothing on the clock after this. */
    close(): void
}

/** The options of every kind of chip. */
export interface ChipOptions {
    clock: Clock
    /** Receives the frames that the chip sends; they belong to the receiver. */
    send: (frame: Uint8Array) => void
    /** The generator from which faults are drawn. */
    random?: Random
    /**
     * Receives, as text, the events between the chip and its network before a frame can pass, such as a Wi-Fi module's
     * association.
     */
    note?: (text: string) => void
    /** Receives whether the cable is plugged in, when that changes. */
    cable?: (plugged: boolean) => void
}

/** One thing that can be wrong with a chip: a name for `--fault` and for the console's `fault`. */
export interface Fault<Chip = SpiChip> {
    /** Describes the value in an error message. */
    readonly form: string
    /** The smallest and the largest value. */
    readonly least: number
    readonly most: number
    /** True when the value may have a fraction. */
    readonly fraction?: boolean
    /** Returns false for a whole number within the limits that is not a value. */
    readonly takes?: (value: number) => boolean
    /** The value of `fault NAME on`; undefined for a fault that needs a number. */
    readonly on?: number
    /** The value of `fault NAME off`; undefined for a fault that ends by itself. */
    readonly off?: number
    apply(chip: Chip, value: number): void
}

/** A kind of chip, as the table of chips lists it. */
export interface ChipKind<Chip extends SpiChip = SpiChip> {
    /** The chip's name for people. */
    readonly title: string
    make(options: ChipOptions): Chip
    /** Returns the fields of `boot` in src/boot.ts for this chip. */
    boot?(chip: Chip): Partial<BootOptions>
    readonly faults: { readonly [name: string]: Fault<Chip> }
}
