/** What a W5500 model is to do wrong. All of it may be changed at any time; nothing is wrong unless it is. */
export class W5500Faults {
    /** Length headers that the next received frames get in the place of the true ones (which count themselves). */
    lengthHeaders: number[] = []
    /** So many received frames are dropped as if memory were full. */
    overflows = 0
    /** So many sends go out without SENDOK ever being set. */
    lostSendOks = 0
    /** So many sends never end: no frame, no SENDOK, Sn_TX_RD stays. */
    stuckSends = 0
    /** Milliseconds from SEND to SENDOK. */
    sendDelay = 0
    /** So many commands are never taken: Sn_CR keeps them. */
    untakenCommands = 0
    /** What MISO carries from now on in the place of any answer: nothing is received, sent or written any more. */
    dead: 0x00 | 0xff | undefined
    /** A hardware reset ends `dead`. */
    resetRevives = false
    /** What VERSIONR says in the place of 4. */
    version: number | undefined
    /** Runs once, when the host has read the first of the two bytes of Sn_RX_RSR. */
    betweenSizeBytes: (() => void) | undefined
    /** Chance that a bit on MISO, or on MOSI, arrives as its opposite. */
    misoErrors = 0
    mosiErrors = 0
    /** What every byte on the line reads as; the chip itself goes on. */
    misoStuck: 0x00 | 0xff | undefined
    mosiStuck: 0x00 | 0xff | undefined
    /** Milliseconds that a received frame shows in Sn_RX_RSR, Sn_RX_WR and Sn_IR before it is in memory. */
    sizeAhead = 0
    /** Milliseconds after a reset in which VERSIONR says 0; all else works. */
    versionDelay = 0
    /** Milliseconds after MR = RST in which the chip answers 0 and ignores what is written. */
    deafAfterReset = 0
    /** The PHY stays in reset, whatever PHYCFGR is told. */
    phyHeld = false
    /** Tells of each transfer with flipped bits: what arrived, what had been sent, at the host (MISO) or at the chip. */
    onError: ((line: "miso" | "mosi", arrived: Uint8Array, sent: Uint8Array) => void) | undefined
}
