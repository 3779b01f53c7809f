// What a simulated device wires to its SPI bus and pins.

/** A chip on the SPI bus with chip select, reset and interrupt lines, all of them active low. */
export interface SpiChip {
    /** The chip select line changes; 0 selects the chip and begins a frame of SPI transfers. */
    select(level: 0 | 1): void
    /** One full-duplex transfer: `bytes` holds what the host sends and is replaced in place by what the chip answers. */
    transfer(bytes: Uint8Array): void
    /** The reset line changes; 0 holds the chip in reset. */
    reset(level: 0 | 1): void
    /** Level of the interrupt line: 0 while the chip has something to say. */
    readonly interrupt: 0 | 1
    /** Counts every frame moved to or from the network: a change means that the device has work and should not sleep. */
    activity: number
}
