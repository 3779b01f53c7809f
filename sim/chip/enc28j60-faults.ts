/** What an ENC28J60 model is to do wrong. All of it may be changed at any time; nothing is wrong unless it is. */
export class Enc28j60Faults {
    /** Values that the next received packets get in the place of their next packet pointer. */
    nextPackets: number[] = []
    /** Values that the next received packets get in the place of their byte count. */
    byteCounts: number[] = []
    /** So many received packets are dropped as if memory were full. */
    overflows = 0
    /** After an overflow nothing is received until the receive logic is reset, as users of the chip report. */
    deafAfterOverflow = false
    /** So many decrements of EPKTCNT are lost. */
    lostDecrements = 0
    /** So many transmissions never end: TXRTS stays set, no frame, no flag. */
    stuckSends = 0
    /** So many transmissions end in 16 collisions in a row. */
    excessiveCollisions = 0
    /** So many transmissions meet a late collision. */
    lateCollisions = 0
    /** So many transmissions meet a link pulse (erratum 13), which leaves TXRTS set; none on revisions without it. */
    linkPulses = 0
    /** Milliseconds that the oscillator takes in the place of 0.3. */
    oscillator = 0.3
    /** What MISO carries from now on in the place of any answer: nothing is received, sent or written any more. */
    dead: 0x00 | 0xff | undefined
    /** A hardware reset ends `dead`. */
    resetRevives = false
    /** What EREVID says in the place of the revision. */
    revision: number | undefined
    /** Chance that a bit on MISO, or on MOSI, arrives as its opposite. */
    misoErrors = 0
    mosiErrors = 0
    /** What every byte on the line reads as; the chip itself goes on. */
    misoStuck: 0x00 | 0xff | undefined
    mosiStuck: 0x00 | 0xff | undefined
    /** The PHY stays in reset: no link. */
    phyHeld = false
    /** MISTAT.BUSY never ends. */
    miiStuck = false
    /** Reports each transfer with flipped bits: what arrived, what had been sent, at the host (MISO) or at the chip. */
    onError: ((line: "miso" | "mosi", arrived: Uint8Array, sent: Uint8Array) => void) | undefined
}
