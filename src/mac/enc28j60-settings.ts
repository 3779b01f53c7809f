// The settings that the driver writes to the ENC28J60, and compares with the chip's. Sections and registers are those of the data sheet DS39662E,
// errata those of DS80349C.

/**
 * The chip's settings: registers and values, in the order in which the driver writes them (Register says what a number means).
 *
 * - in any bank: ECON2 AUTOINC
 * - bank 0: ETXST 0x1800 · ERXST 0 (erratum 5) · ERXND 0x17ff, odd (erratum 14) · ERXRDPT the same, low byte first (7.2.4)
 * - bank 1: pattern match (8.2) of the bytes 0, 1, 12 and 13, which are 01 00 08 00 in frames to IPv4's groups (EPMM, EPMCS), at offset 0 (EPMO) ·
 *   ERXFCON (8.0)
 * - bank 2 (6.5): MACON1 MARXEN · MACON3 pads to 60 bytes and appends the CRC, half duplex · MACON4 DEFER, for IEEE 802.3 ·
 *   MABBIPG 0x12, MAIPG 0x0c12, for half duplex · MACLCON1, MACLCON2 as after a reset · MAMXFL 1522
 * - bank 3: MAADR1 to MAADR6 (table 3-2) · EFLOCON: no back pressure (chapter 10) · EREVID, which the driver only compares
 */
export const SETTINGS =
    "1e8004000518080009000aff0b170cff0d17280329302a002b002c002d002e002f0030ff31f63400350038a1c001c230c340c412c612c70cc80fc937caf2cb05e400e500e200e300e000e10077007200"

/** PHY registers and values (3.3): PHCON1, half duplex (erratum 16) · PHCON2 HDLDIS (erratum 9) · PHLCON, LEDs for link and traffic. */
export const enum PhySetting {
    Control1 = 0x00,
    Half = 0x0000,
    Control2 = 0x10,
    NoLoopback = 0x0100,
    Leds = 0x14,
    LinkAndTraffic = 0x3476,
}

/** Offsets of the values that the driver fills into its settings. */
export const enum Setting {
    FreeLow = 15,
    FreeHigh = 17,
    Filter = 43,
    /** The address's first byte; the others follow, two apart. */
    Address = 65,
    /** EREVID. */
    Revision = 79,
}
