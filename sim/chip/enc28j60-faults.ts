// The faults that the model of an ENC28J60 can be given.

/** The faults of one chip. All may be changed at any time; a new chip has no fault. */
export class Enc28j60Faults {
    /** Next packet pointers for the next received packets, instead of the true ones. */
    nextPackets: number[] = []
    /** Byte counts for the next received packets, instead of the true ones. */
    byteCounts: number[] = []
    /** The number of received packets that the chip drops as if its memory were full. */
    overflows = 0
    /** After an overflow the chip receives nothing until its receive logic is reset, as users of the chip report. */
    deafAfterOverflow = false
    /** The number of decrements of EPKTCNT that are lost. */
    lostDecrements = 0
    /** The number of transmissions that never end: TXRTS stays set, no frame, no flag. */
    stuckSends = 0
    /** The number of transmissions that end after 16 collisions in a row. */
    excessiveCollisions = 0
    /** The number of transmissions that end in a late collision. */
    lateCollisions = 0
    /** The number of transmissions that meet a link pulse (erratum 13), which leaves TXRTS set; no effect without the erratum. */
    linkPulses = 0
    /** The time that the oscillator needs to start, ms. */
    oscillator = 0.3
    /** The byte that MISO always carries because the chip is dead: it receives, sends and stores nothing. */
    dead: 0x00 | 0xff | undefined
    /** A hardware reset ends `dead`. */
    resetRevives = false
    /** The value of EREVID instead of the revision's. */
    revision: number | undefined
    /** Probability that a bit on MISO arrives flipped. */
    misoErrors = 0
    /** Probability that a bit on MOSI arrives flipped. */
    mosiErrors = 0
    /** The byte that the host always reads because MISO is stuck; the chip itself works. */
    misoStuck: 0x00 | 0xff | undefined
    /** The byte that the chip always reads because MOSI is stuck. */
    mosiStuck: 0x00 | 0xff | undefined
    /** The PHY stays in reset: no link. */
    phyHeld = false
    /** MISTAT.BUSY stays set. */
    miiStuck = false
    /**
     * Receives each transfer with flipped bits: the bytes that arrived at the host (MISO) or the chip, and those that were sent.
     */
    onError: ((line: "miso" | "mosi", arrived: Uint8Array, sent: Uint8Array) => void) | undefined
}
