// The W5500's register map from its data sheet (1.1.0, chapters 3 and 4): the values after a reset, and the bits that a host
// can write.

/** Common registers, by offset. */
export enum Common {
    MR = 0x00,
    GAR = 0x01,
    SUBR = 0x05,
    SHAR = 0x09,
    SIPR = 0x0f,
    INTLEVEL = 0x13,
    IR = 0x15,
    IMR = 0x16,
    SIR = 0x17,
    SIMR = 0x18,
    RTR = 0x19,
    RCR = 0x1b,
    PTIMER = 0x1c,
    PMAGIC = 0x1d,
    PHAR = 0x1e,
    PSID = 0x24,
    PMRU = 0x26,
    UIPR = 0x28,
    UPORTR = 0x2c,
    PHYCFGR = 0x2e,
    VERSIONR = 0x39,
}

/** Registers of a socket, by offset. */
export enum Register {
    MR = 0x00,
    CR = 0x01,
    IR = 0x02,
    SR = 0x03,
    PORT = 0x04,
    DHAR = 0x06,
    DIPR = 0x0c,
    DPORT = 0x10,
    MSSR = 0x12,
    TOS = 0x15,
    TTL = 0x16,
    RXBUF_SIZE = 0x1e,
    TXBUF_SIZE = 0x1f,
    TX_FSR = 0x20,
    TX_RD = 0x22,
    TX_WR = 0x24,
    RX_RSR = 0x26,
    RX_RD = 0x28,
    RX_WR = 0x2a,
    IMR = 0x2c,
    FRAG = 0x2d,
    KPALVTR = 0x2f,
}

export const COMMON_SIZE = 0x3a
const SOCKET_SIZE = 0x30
export const SOCKETS = 8
export const VERSION = 0x04

export const MR_RST = 0x80

/** Bits of PHYCFGR. */
export const PHY_RST = 0x80
export const PHY_OPMD = 0x40
export const PHY_OPMDC = 0x38
export const PHY_DPX = 0x04
export const PHY_SPD = 0x02
export const PHY_LNK = 0x01

/** Values of Sn_CR. */
export enum Command {
    OPEN = 0x01,
    LISTEN = 0x02,
    CONNECT = 0x04,
    DISCON = 0x08,
    CLOSE = 0x10,
    SEND = 0x20,
    SEND_MAC = 0x21,
    SEND_KEEP = 0x22,
    RECV = 0x40,
}

/** Bits of Sn_IR. */
export const IR_SENDOK = 0x10
export const IR_RECV = 0x04
const IR_BITS = 0x1f

/** Values of Sn_SR. */
export enum State {
    CLOSED = 0x00,
    INIT = 0x13,
    UDP = 0x22,
    MACRAW = 0x42,
}

/** Values of Sn_MR's low half, and the bits of its high half in MACRAW mode. */
export const PROTOCOL = 0x0f
export const PROTOCOL_TCP = 1
export const PROTOCOL_UDP = 2
export const PROTOCOL_MACRAW = 4
export const MODE_MFEN = 0x80
export const MODE_BCASTB = 0x40
export const MODE_MMB = 0x20
export const MODE_MIP6B = 0x10

/** How a host's write changes each register. Bits in neither mask do not change. */
interface Access {
    /** The values after a reset. */
    readonly reset: Uint8Array
    /** Masks of the bits that a write stores. */
    readonly stored: Uint8Array
    /** Masks of the bits that a write of 1 clears. */
    readonly cleared: Uint8Array
}

type Row = [offset: number, bytes: number[], stored: number, cleared?: number]

function access(size: number, rows: Row[]): Access {
    const map = { reset: new Uint8Array(size), stored: new Uint8Array(size), cleared: new Uint8Array(size) }
    for (const [offset, bytes, stored, cleared = 0] of rows) {
        map.reset.set(bytes, offset)
        map.stored.fill(stored, offset, offset + bytes.length)
        map.cleared.fill(cleared, offset, offset + bytes.length)
    }
    return map
}

const zeros = (count: number) => new Array<number>(count).fill(0)

/** The common registers, without PHYCFGR, which is half status, and VERSIONR, a constant. */
export const COMMON: Access = access(COMMON_SIZE, [
    [Common.MR, [0x00], 0x3a],
    [Common.GAR, zeros(4), 0xff],
    [Common.SUBR, zeros(4), 0xff],
    [Common.SHAR, zeros(6), 0xff],
    [Common.SIPR, zeros(4), 0xff],
    [Common.INTLEVEL, zeros(2), 0xff],
    [Common.IR, [0x00], 0x00, 0xf0],
    [Common.IMR, [0x00], 0xf0],
    [Common.SIMR, [0x00], 0xff],
    [Common.RTR, [0x07, 0xd0], 0xff],
    [Common.RCR, [0x08], 0xff],
    [Common.PTIMER, [0x28], 0xff],
    [Common.PMAGIC, [0x00], 0xff],
    [Common.PHAR, zeros(6), 0xff],
    [Common.PSID, zeros(2), 0xff],
    [Common.PMRU, [0xff, 0xff], 0xff],
])

/** The registers of a socket, without those that follow from pointers and commands. */
export const SOCKET: Access = access(SOCKET_SIZE, [
    [Register.MR, [0x00], 0xff],
    [Register.IR, [0x00], 0x00, IR_BITS],
    [Register.PORT, zeros(2), 0xff],
    [Register.DHAR, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0xff],
    [Register.DIPR, zeros(4), 0xff],
    [Register.DPORT, zeros(2), 0xff],
    [Register.MSSR, zeros(2), 0xff],
    [Register.TOS, [0x00], 0xff],
    [Register.TTL, [0x80], 0xff],
    [Register.RXBUF_SIZE, [0x02], 0xff],
    [Register.TXBUF_SIZE, [0x02], 0xff],
    [Register.TX_WR, zeros(2), 0xff],
    [Register.RX_RD, zeros(2), 0xff],
    [Register.IMR, [0xff], IR_BITS],
    [Register.FRAG, [0x40, 0x00], 0xff],
    [Register.KPALVTR, [0x00], 0xff],
])

/** Stores one byte that a host writes. */
export function store(map: Access, registers: Uint8Array, offset: number, value: number): void {
    const stored = map.stored[offset]!
    const kept = registers[offset]! & ~stored & ~(value & map.cleared[offset]!)
    registers[offset] = (value & stored) | kept
}
