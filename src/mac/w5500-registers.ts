// The W5500 as the driver sees it over SPI (WIZnet W5500 data sheet 1.0.9, chapters 2 to 4).
// A frame on SPI: 16-bit address, high byte first; control byte (block, write bit, variable length); data.

/**
 * Beginnings of frames as a little-endian number: address high 0x0000ff, address low 0x00ff00, control 0xff0000.
 * A first data byte goes to bits 24 to 31.
 */
export const enum Head {
    /** Common block from MR on: write. */
    SetMode = 0x04_00_00,
    /** SHAR: write. */
    SetAddress = 0x04_09_00,
    SetPhy = 0x04_2e_00,
    /** From MR to VERSIONR: read. The offsets are those of Look. */
    ReadCommon = 0x00_00_00,
    /** Socket 0's Sn_MR: write. */
    SetSocketMode = 0x0c_00_00,
    SetCommand = 0x0c_01_00,
    /** Sn_RXBUF_SIZE and Sn_TXBUF_SIZE: write. */
    SetSizes = 0x0c_1e_00,
    SetTransmitWrite = 0x0c_24_00,
    SetReceiveRead = 0x0c_28_00,
    /** From Sn_MR to Sn_RX_WR: read. The offsets are those of Snapshot. */
    ReadSocket = 0x08_00_00,
    /** Socket 0's transmit memory: write. The address is a pointer. */
    WriteTransmit = 0x14_00_00,
    /** Socket 0's receive memory: read. */
    ReadReceive = 0x18_00_00,
    /** From one socket's block to the same of the next, and from one register to the next. */
    NextSocket = 0x20_00_00,
    NextRegister = 0x00_01_00,
}

/** What Head.ReadSocket brings, by offset in the transfer. */
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

/** Of the four registers at Snapshot.Mode as one number. */
export const enum Own {
    /** All but Sn_IR, which nobody asks. */
    Bits = ~0xff0000,
    /** All but Sn_CR, which is 0 when the last command is taken. */
    NotCommand = ~0xff00,
    /** Sn_SR. */
    MacRaw = 0x42000000,
}

/** What Head.ReadCommon brings, by offset in the transfer. */
export const enum Look {
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

/** Bits of the W5500's Sn_MR; the blocks are for `W5500Options.block`. */
export const enum SocketMode {
    /** Raw Ethernet frames, which the driver uses. */
    MacRaw = 0x04,
    /** Only frames to this station, broadcast and IP multicast. */
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

/** Values of Sn_CR, which the chip clears when it takes the command. */
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

/** Bits of PHYCFGR, and values. */
export const enum Phy {
    Link = 0x01,
    /** RST, 0 while the PHY is held in reset, and OPMD, 0 while the chip's pins choose its mode. */
    Kind = 0xc0,
    /** What Kind is after a reset. */
    Own = 0x80,
    Reset = 0x38,
    Run = 0xb8,
}

/** What VERSIONR says. */
export const CHIP_VERSION = 4

/** Sn_RXBUF_SIZE and Sn_TXBUF_SIZE, in KB: all the memory there is. */
export const enum Memory {
    KiloBytes = 16,
    Bytes = 0x4000,
    /** Both registers as one 16-bit number. */
    BothSizes = 0x1010,
}
