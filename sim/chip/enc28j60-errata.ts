// The ENC28J60's errata (DS80349C, July 2010) as switches. Older sheets number them differently, because DS80349B lacks two of
// them.

export type Revision = "B1" | "B4" | "B5" | "B7"

/** The value of EREVID by revision (DS80349C, table 1). */
export const REVISION_IDS: Readonly<Record<Revision, number>> = { B1: 2, B4: 4, B5: 5, B7: 6 }

/**
 * The errata by number; an erratum applies while its switch is true. Not modelled are 1, 3, 4, 7, 8 and 11 (clock, temperature,
 * pins, parts, LEDs), and 10.
 */
export interface Errata {
    /** 2: after the SPI reset command CLKRDY stays set, although PHY and MAC need 1 ms. */
    clkrdySetEarly: boolean
    /** 5: the receive hardware's write pointer starts at 0, whatever ERXST says. */
    receiveStartsAtZero: boolean
    /** 6: EIR.PKTIF does not show whether packets wait. */
    pktifUnreliable: boolean
    /** 9: without PHCON2.HDLDIS some of the frames sent in half duplex come back. */
    halfDuplexLoopback: boolean
    /** 12: after an aborted transmission the next one never ends until the transmit logic is reset; the end of that reset sets TXERIF. */
    abortStalls: boolean
    /** 13: a link pulse counts as a late collision (B5 and B7); the fault `linkPulses` produces such pulses. */
    linkPulseCollisions: boolean
    /** 14: an even ERXRDPT corrupts the receive buffer. */
    evenReadPointer: boolean
    /** 15: ESTAT.LATECOL is not set. */
    latecolUnreliable: boolean
    /** 16: LEDB's polarity is misread at a reset, which selects full duplex. */
    ledPolarity: boolean
    /** 17: a checksum by the DMA aborts the packet that arrives meanwhile. */
    dmaChecksumAborts: boolean
    /** 18: the pattern match filter lets other packets pass. */
    patternMatchLeaks: boolean
    /** 19: no SPI reset in power save mode. */
    noResetInPowerSave: boolean
}

/** Returns the errata of a revision. */
export function errataOf(revision: Revision): Errata {
    return {
        clkrdySetEarly: true,
        receiveStartsAtZero: true,
        pktifUnreliable: true,
        halfDuplexLoopback: true,
        abortStalls: true,
        linkPulseCollisions: revision === "B5" || revision === "B7",
        evenReadPointer: true,
        latecolUnreliable: true,
        ledPolarity: true,
        dmaChecksumAborts: true,
        patternMatchLeaks: true,
        noResetInPowerSave: true,
    }
}
