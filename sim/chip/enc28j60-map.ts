// The ENC28J60's register map from its data sheet (DS39662E, tables 3-1 to 3-3): addresses, values after a reset, and the bits
// that exist.

/** The control registers as bank * 32 + address; those from 0x1b on are the same in every bank (table 3-1). */
export enum Reg {
    ERDPT = 0x00,
    EWRPT = 0x02,
    ETXST = 0x04,
    ETXND = 0x06,
    ERXST = 0x08,
    ERXND = 0x0a,
    ERXRDPT = 0x0c,
    ERXWRPT = 0x0e,
    EDMAST = 0x10,
    EDMAND = 0x12,
    EDMADST = 0x14,
    EDMACS = 0x16,
    EIE = 0x1b,
    EIR = 0x1c,
    ESTAT = 0x1d,
    ECON2 = 0x1e,
    ECON1 = 0x1f,
    EHT0 = 0x20,
    EPMM0 = 0x28,
    EPMCS = 0x30,
    EPMO = 0x34,
    ERXFCON = 0x38,
    EPKTCNT = 0x39,
    MACON1 = 0x40,
    MACON3 = 0x42,
    MACON4 = 0x43,
    MABBIPG = 0x44,
    MAIPGL = 0x46,
    MAIPGH = 0x47,
    MACLCON1 = 0x48,
    MACLCON2 = 0x49,
    MAMXFL = 0x4a,
    MICMD = 0x52,
    MIREGADR = 0x54,
    MIWR = 0x56,
    MIRD = 0x58,
    MAADR5 = 0x60,
    MAADR6 = 0x61,
    MAADR3 = 0x62,
    MAADR4 = 0x63,
    MAADR1 = 0x64,
    MAADR2 = 0x65,
    EBSTSD = 0x66,
    EBSTCON = 0x67,
    EBSTCS = 0x68,
    MISTAT = 0x6a,
    EREVID = 0x72,
    ECOCON = 0x75,
    EFLOCON = 0x77,
    EPAUS = 0x78,
}

/** The first address that all banks share. */
const COMMON = 0x1b
/** An address that must not be read or written in any bank (section 3.1). */
export const FORBIDDEN = 0x1a

/** Bits of ECON1 (register 3-1). */
export enum Econ1 {
    TXRST = 0x80,
    RXRST = 0x40,
    DMAST = 0x20,
    CSUMEN = 0x10,
    TXRTS = 0x08,
    RXEN = 0x04,
    BSEL = 0x03,
}

/** Bits of ECON2 (register 3-2). */
export enum Econ2 {
    AUTOINC = 0x80,
    PKTDEC = 0x40,
    PWRSV = 0x20,
    VRPS = 0x08,
}

/** Bits of EIR and, at the same places, of EIE (registers 12-2 and 12-3). */
export enum Eir {
    INTIE = 0x80,
    PKTIF = 0x40,
    DMAIF = 0x20,
    LINKIF = 0x10,
    TXIF = 0x08,
    TXERIF = 0x02,
    RXERIF = 0x01,
}

/** Bits of ESTAT (register 12-1). */
export enum Estat {
    INT = 0x80,
    BUFER = 0x40,
    LATECOL = 0x10,
    RXBUSY = 0x04,
    TXABRT = 0x02,
    CLKRDY = 0x01,
}

/** Bits of ERXFCON (register 8-1). */
export enum Erxfcon {
    UCEN = 0x80,
    ANDOR = 0x40,
    CRCEN = 0x20,
    PMEN = 0x10,
    MPEN = 0x08,
    HTEN = 0x04,
    MCEN = 0x02,
    BCEN = 0x01,
}

/** Bit of MACON1 (register 6-1). */
export const MARXEN = 0x01

/** Bits of MACON3 (register 6-2). */
export enum Macon3 {
    PADCFG = 0xe0,
    TXCRCEN = 0x10,
    HFRMEN = 0x04,
    FULDPX = 0x01,
}

/** Bits of MICMD (register 3-3) and of MISTAT (register 3-4). */
export enum Mii {
    MIISCAN = 0x02,
    MIIRD = 0x01,
    NVALID = 0x04,
    SCAN = 0x02,
    BUSY = 0x01,
}

/** PHY registers (table 3-3). */
export enum PhyReg {
    PHCON1 = 0x00,
    PHSTAT1 = 0x01,
    PHID1 = 0x02,
    PHID2 = 0x03,
    PHCON2 = 0x10,
    PHSTAT2 = 0x11,
    PHIE = 0x12,
    PHIR = 0x13,
    PHLCON = 0x14,
}

/** Bits of the per-packet control byte (figure 7-1). */
export enum PacketControl {
    PHUGEEN = 0x08,
    PPADEN = 0x04,
    PCRCEN = 0x02,
    POVERRIDE = 0x01,
}

export const REGISTERS = 128

type Row = [register: Reg, reset: number[], bits: number[]]

const rows: Row[] = [
    [Reg.ERDPT, [0xfa, 0x05], [0xff, 0x1f]],
    [Reg.EWRPT, [0, 0], [0xff, 0x1f]],
    [Reg.ETXST, [0, 0], [0xff, 0x1f]],
    [Reg.ETXND, [0, 0], [0xff, 0x1f]],
    [Reg.ERXST, [0xfa, 0x05], [0xff, 0x1f]],
    [Reg.ERXND, [0xff, 0x1f], [0xff, 0x1f]],
    [Reg.ERXRDPT, [0xfa, 0x05], [0xff, 0x1f]],
    [Reg.ERXWRPT, [0, 0], [0, 0]],
    [Reg.EDMAST, [0, 0], [0xff, 0x1f]],
    [Reg.EDMAND, [0, 0], [0xff, 0x1f]],
    [Reg.EDMADST, [0, 0], [0xff, 0x1f]],
    [Reg.EDMACS, [0, 0], [0, 0]],
    [Reg.EIE, [0], [0xfb]],
    [Reg.EIR, [0], [0]],
    [Reg.ESTAT, [0], [0]],
    [Reg.ECON2, [0x80], [0xa8]],
    [Reg.ECON1, [0], [0xff]],
    [Reg.EHT0, Array(8).fill(0), Array(8).fill(0xff)],
    [Reg.EPMM0, Array(8).fill(0), Array(8).fill(0xff)],
    [Reg.EPMCS, [0, 0], [0xff, 0xff]],
    [Reg.EPMO, [0, 0], [0xff, 0x1f]],
    [Reg.ERXFCON, [0xa1], [0xff]],
    [Reg.EPKTCNT, [0], [0]],
    [Reg.MACON1, [0], [0x1f]],
    [Reg.MACON3, [0], [0xff]],
    [Reg.MACON4, [0], [0x73]],
    [Reg.MABBIPG, [0], [0x7f]],
    [Reg.MAIPGL, [0], [0x7f]],
    [Reg.MAIPGH, [0], [0x7f]],
    [Reg.MACLCON1, [0x0f], [0x0f]],
    [Reg.MACLCON2, [0x37], [0x3f]],
    [Reg.MAMXFL, [0x00, 0x06], [0xff, 0xff]],
    [Reg.MICMD, [0], [0x03]],
    [Reg.MIREGADR, [0], [0x1f]],
    [Reg.MIWR, [0, 0], [0xff, 0xff]],
    [Reg.MIRD, [0, 0], [0, 0]],
    [Reg.MAADR5, Array(6).fill(0), Array(6).fill(0xff)],
    [Reg.EBSTSD, [0], [0xff]],
    [Reg.EBSTCON, [0], [0xff]],
    [Reg.EBSTCS, [0, 0], [0, 0]],
    [Reg.MISTAT, [0], [0]],
    [Reg.EREVID, [0], [0]],
    [Reg.ECOCON, [0x04], [0x07]],
    [Reg.EFLOCON, [0], [0x03]],
    [Reg.EPAUS, [0x00, 0x10], [0xff, 0xff]],
]

/** The values after a system reset, by register. */
export const RESET = new Uint8Array(REGISTERS)
/** The bits that a host can write, by register. */
export const WRITABLE = new Uint8Array(REGISTERS)
const implemented = new Set<number>()
for (const [register, reset, bits] of rows) {
    RESET.set(reset, register)
    WRITABLE.set(bits, register)
    for (let i = 0; i < reset.length; i++) implemented.add(register + i)
}

/** The reserved registers, which may be read but not changed (table 3-1). */
const reserved = new Set([0x36, 0x37, 0x41, 0x4c, 0x4d, 0x4e, 0x50, 0x51, 0x55])

/** Returns the kind of a register. An unimplemented one reads as zero and ignores writes (section 3.1). */
export function kindOf(register: number): "eth" | "mac" | "reserved" | "none" {
    if (reserved.has(register)) return "reserved"
    if (!implemented.has(register)) return "none"
    // the registers whose names begin with MA or MI (section 3.1); a read of one returns a dummy byte first (4.2.1)
    const mac = (register >= Reg.MACON1 && register <= Reg.MIRD + 1) || isBank3Mac(register)
    return mac ? "mac" : "eth"
}

function isBank3Mac(register: number): boolean {
    return (register >= Reg.MAADR5 && register <= Reg.MAADR2) || register === Reg.MISTAT
}

/** Returns the register at an address of a bank. */
export function registerAt(bank: number, address: number): number {
    return address >= COMMON ? address : bank * 32 + address
}
