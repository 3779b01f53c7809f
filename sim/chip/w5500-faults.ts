// The faults that the model of a W5500 can be given.

/** The faults of one chip. All may be changed at any time; a new chip has no fault. */
export class W5500Faults {
    /** Length headers for the next received frames, instead of the true lengths (a length counts its own two bytes). */
    lengthHeaders: number[] = []
    /** The number of received frames that the chip drops as if its memory were full. */
    overflows = 0
    /** The number of sends that put their frame on the wire but never set SENDOK. */
    lostSendOks = 0
    /** The number of sends that never end: no frame, no SENDOK, Sn_TX_RD does not change. */
    stuckSends = 0
    /** Time from SEND to SENDOK, ms. */
    sendDelay = 0
    /** The number of commands that the chip never accepts: they stay in Sn_CR. */
    untakenCommands = 0
    /** The byte that MISO always carries because the chip is dead: it receives, sends and stores nothing. */
    dead: 0x00 | 0xff | undefined
    /** A hardware reset ends `dead`. */
    resetRevives = false
    /** The value of VERSIONR instead of 4. */
    version: number | undefined
    /** Called once, when the host has read the first of the two bytes of Sn_RX_RSR. */
    betweenSizeBytes: (() => void) | undefined
    /** Probability that a bit on MISO arrives flipped. */
    misoErrors = 0
    /** Probability that a bit on MOSI arrives flipped. */
    mosiErrors = 0
    /** The byte that the host always reads because MISO is stuck; the chip itself works. */
    misoStuck: 0x00 | 0xff | undefined
    /** The byte that the chip always reads because MOSI is stuck. */
    mosiStuck: 0x00 | 0xff | undefined
    /** The time by which Sn_RX_RSR, Sn_RX_WR and Sn_IR show a received frame before it is in memory, ms. */
    sizeAhead = 0
    /** The time after a reset during which VERSIONR is 0, ms; all else works. */
    versionDelay = 0
    /** The time after a reset through MR during which the chip answers 0 and ignores writes, ms. */
    deafAfterReset = 0
    /** The PHY stays in reset, whatever the host writes to PHYCFGR. */
    phyHeld = false
    /**
     * Receives each transfer with flipped bits: the bytes that arrived at the host (MISO) or the chip, and those that were sent.
     */
    onError: ((line: "miso" | "mosi", arrived: Uint8Array, sent: Uint8Array) => void) | undefined
}
