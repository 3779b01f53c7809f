// The W5500's registers over SPI (WIZnet W5500 data sheet 1.1.0, chapters 2 to 4).
// An SPI frame is a 16-bit address, high byte first; a control byte (block, write bit, variable length); data.

/**
 * The start of an SPI frame as a little-endian number: address high 0x0000ff, address low 0x00ff00, control 0xff0000.
 * The first byte of data goes to bits 24 to 31.
 */
export const enum Head {
    /** MR: write. */
    SetMode = 0x04_00_00,
    /** SHAR: write. */
    SetAddress = 0x04_09_00,
    SetPhy = 0x04_2e_00,
    /** MR to VERSIONR: read. The offsets are those of Look. */
    ReadCommon = 0x00_00_00,
    /** Socket 0's Sn_MR: write. */
    SetSocketMode = 0x0c_00_00,
    SetCommand = 0x0c_01_00,
    /** Sn_RXBUF_SIZE and Sn_TXBUF_SIZE: write. */
    SetSizes = 0x0c_1e_00,
    SetTransmitWrite = 0x0c_24_00,
    SetReceiveRead = 0x0c_28_00,
    /** Sn_MR to Sn_RX_WR of socket 0: read. The offsets are those of Snapshot. */
    ReadSocket = 0x08_00_00,
    /** Socket 0's transmit memory: write. The address is a pointer into it. */
    WriteTransmit = 0x14_00_00,
    /** Socket 0's receive memory: read. */
    ReadReceive = 0x18_00_00,
    /** Distance to the same register of the next socket, and to the next register. */
    NextSocket = 0x20_00_00,
    NextRegister = 0x00_01_00,
}

/** Offsets of registers in the transfer of Head.ReadSocket. */
export const enum Snapshot {
    /** Sn_MR, Sn_CR, Sn_IR and Sn_SR, 0x00. */
    Mode = 3,
    Command = 4,
    Status = 6,
    /** Sn_RXBUF_SIZE and Sn_TXBUF_SIZE, 0x1e. */
    Sizes = 33,
    /** Sn_TX_RD, 0x22. */
    TransmitRead = 37,
    /** Sn_TX_WR, 0x24. */
    TransmitWrite = 39,
    /** Sn_RX_RSR, 0x26. */
    ReceivedSize = 41,
    /** Sn_RX_RD, 0x28. */
    ReceiveRead = 43,
    /** Sn_RX_WR, 0x2a. */
    ReceiveWrite = 45,
    Size = 47,
}

/** Masks and a value of the four registers at Snapshot.Mode, as one number. */
export const enum SocketState {
    /** All but Sn_IR, which the driver does not use. */
    Bits = ~0xff0000,
    /** All but Sn_CR, which is 0 once the chip has taken the last command. */
    NotCommand = ~0xff00,
    /** Sn_SR of a socket that is open in MACRAW mode. */
    MacRaw = 0x42000000,
}

/** Offsets of registers in the transfer of Head.ReadCommon. */
export const enum CommonRegisters {
    /** MR, 0x00. */
    Mode = 3,
    /** SHAR, 0x09. */
    Address = 12,
    /** PHYCFGR, 0x2e. */
    Phy = 49,
    /** VERSIONR, 0x39. */
    Version = 60,
    Size = 61,
}

/** Bits of MR. */
export const enum Mode {
    Reset = 0x80,
}

/** Bits of the W5500's Sn_MR; the Block bits are for `W5500Options.block`. */
export const enum SocketMode {
    /** Raw Ethernet frames, which the driver uses. */
    MacRaw = 0x04,
    /** The chip takes only frames to this station and broadcasts (Sn_MR); IP multicasts pass, too (ESP-IDF's esp_eth_mac_w5500.c). */
    MacFilter = 0x80,
    /** No broadcast frames: ARP and DHCP need them. */
    BlockBroadcast = 0x40,
    /** No frames to groups: multicast DNS needs them. */
    BlockMulticast = 0x20,
    /** No IPv6 frames. */
    BlockIPv6 = 0x10,
    /** MacRaw, MacFilter, BlockMulticast and BlockIPv6. */
    Usual = 0xb4,
}

/** Values of Sn_CR; the chip clears the register when it takes the command. */
export const enum Command {
    Open = 0x01,
    Close = 0x10,
    Send = 0x20,
    Receive = 0x40,
}

/** Values of Sn_SR. */
export const enum Status {
    Closed = 0x00,
    MacRaw = 0x42,
}

/** Bits and values of PHYCFGR. */
export const enum Phy {
    Link = 0x01,
    /** Mask of RST, 0 while the PHY is held in reset, and OPMD, 0 while the chip's pins choose its mode. */
    Kind = 0xc0,
    /** Value under Kind after a reset of the chip. */
    Own = 0x80,
    Reset = 0x38,
    Run = 0xb8,
}

/** Value of VERSIONR. */
export const CHIP_VERSION = 4

/** Sn_RXBUF_SIZE and Sn_TXBUF_SIZE in KB: socket 0 has all memory of the chip. */
export const enum Memory {
    KiloBytes = 16,
    Bytes = 0x4000,
    /** Both registers as one 16-bit number. */
    BothSizes = 0x1010,
}
