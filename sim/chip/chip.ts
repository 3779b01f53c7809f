// The interface of a simulated chip: what a device has on its SPI bus and its pins.

/** A chip on the SPI bus with chip select, reset and interrupt lines, all of them active low. */
export interface SpiChip {
    /** Sets the chip select line; 0 selects the chip and begins a frame of SPI transfers. */
    select(level: 0 | 1): void
    /** Carries out one full-duplex transfer: `bytes` holds what the device sends; the chip's answer replaces it in place. */
    transfer(bytes: Uint8Array): void
    /** Sets the reset line; 0 holds the chip in reset. */
    reset(level: 0 | 1): void
    /** Level of the interrupt line: 0 while the chip has an interrupt pending. */
    readonly interrupt: 0 | 1
    /** Frames moved to or from the network so far; when this changes, the device has work and should not sleep. */
    activity: number
}
