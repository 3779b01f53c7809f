// The ENC28J60's instructions, registers and memory, as far as the driver uses them. Sections, tables, registers and figures are those of the
// data sheet DS39662E, errata those of DS80349C. An instruction is an SPI frame: 3 bits of opcode, 5 bits of address or a constant; data.

/** Whole instructions of two bytes as little-endian numbers: the first byte in bits 0 to 7, the data byte in bits 8 to 15. */
export const enum Instruction {
    /** Opcodes with an address of 0 (table 4-1). */
    Read = 0x00,
    Write = 0x40,
    /** 4.2.2, 4.2.4: read and write memory. The second byte of the latter is the packet's control byte: MACON3 applies (figure 7-1). */
    ReadMemory = 0x3a,
    WriteMemory = 0x007a,
    /** 4.2.7; the chip ignores the second byte. */
    Reset = 0xffff,
    /** Register 3-1: clear BSEL in ECON1, set its lower bit, set bits that the caller adds. */
    Bank0 = 0x03bf,
    Bank1 = 0x019f,
    SetBank = 0x009f,
    /** Register 3-1: set TXRST and RXRST and clear all else, the bank too; then clear these, too. */
    Halt = 0xc05f,
    Release = 0x005f,
    ReceiveOn = 0x049f,
    /** TXRTS, and with it bank 1, where the next look at EPKTCNT is. */
    SendRequest = 0x099f,
    SendCancel = 0x08bf,
    ResetTransmit = 0x809f,
    ReleaseTransmit = 0x80bf,
    /** Register 3-2: clear PWRSV; decrement EPKTCNT. */
    WakeUp = 0x20be,
    PacketDone = 0x409e,
    ReadEcon1 = 0x1f,
    /** Register 12-3. */
    ReadFlags = 0x1c,
    /** TXIF and TXERIF; all flags that a host can clear. */
    ClearSendFlags = 0x0abc,
    ClearFlags = 0x2bbc,
    /** Register 12-1: BUFER, LATECOL and TXABRT. */
    ClearStatus = 0x52bd,
    ReadStatus = 0x1d,
    /** Writes of bank 0's pointers (table 3-1): ERDPT, EWRPT, ETXND, ERXRDPT; then reads of ERXWRPT. */
    SetReadLow = 0x40,
    SetReadHigh = 0x41,
    SetWriteLow = 0x42,
    SetWriteHigh = 0x43,
    SetSendEndLow = 0x46,
    SetSendEndHigh = 0x47,
    SetFreeLow = 0x4c,
    SetFreeHigh = 0x4d,
    ReadReceivedLow = 0x0e,
    ReadReceivedHigh = 0x0f,
    /** Bank 1: EPKTCNT. */
    ReadPackets = 0x19,
    /** Bank 2, MII registers (3.3.1, 3.3.2): MICMD without and with MIIRD, MIREGADR, MIWRL, MIWRH, MIRDL, MIRDH. */
    MiiStop = 0x0052,
    MiiRead = 0x0152,
    SetMiiAddress = 0x54,
    SetMiiLow = 0x56,
    SetMiiHigh = 0x57,
    ReadMiiHigh = 0x19,
}

/** Bits of EIR (register 12-3). */
export const enum Flag {
    SendDone = 0x08,
    SendError = 0x02,
    /** SendDone and SendError: erratum 13 asks for both. */
    SendEnd = 0x0a,
    ReceiveError = 0x01,
}

/** Bits of ESTAT (register 12-1): CLKRDY, and bit 3, which is unimplemented: a chip that answers has it clear. */
export const enum Ready {
    Bits = 0x09,
    Yes = 0x01,
}

/** ECON1's bits without TXRTS and BSEL, and their value while the chip works: RXEN. */
export const enum Econ1 {
    Bits = 0xf4,
    Own = 0x04,
    /** After Instruction.Halt. */
    Halted = 0xc0,
}

/** PHSTAT2's upper byte (register 3-6): LSTAT and DPXSTAT. */
export const enum Phy {
    Link = 0x04,
    FullDuplex = 0x02,
    /** PHSTAT2's address. */
    Status2 = 0x11,
    /** MISTAT.BUSY (register 3-4). */
    Busy = 0x01,
}

/**
 * The 8 KB of memory. Received packets are in its lower part, which starts at 0 (erratum 5) and ends at an odd address (7.2.4,
 * erratum 14); four full packets fit. The transmit buffer follows.
 */
export const enum Memory {
    /** Size of the receive FIFO. */
    Receive = 0x1800,
    SendStart = 0x1800,
    /** The longest buffer that can be written from SendStart on, after the control byte, without wrapping to address 0. */
    LongestBuffer = 0x7ff,
}

/** Offsets in the transfer of a packet's header: the next packet's address and the status vector (figure 7-3, table 7-3). */
export const enum Received {
    Next = 1,
    Count = 3,
    /** Bits 16 to 23 of the status vector; the last is set when CRC and symbols were right. */
    Status = 5,
    Ok = 0x80,
    /** Bytes in memory before the frame. */
    Header = 6,
    /** Bytes of the FCS, which the count includes. */
    Fcs = 4,
    /** Lengths that IEEE 802.3 allows, with FCS; the longest has a VLAN tag. */
    Shortest = 64,
    Longest = 1522,
    /** Bytes of the transfer: instruction and header. */
    Size = 7,
}

/** Offset and mask of the late collision bit, 29, in a transfer of the transmit status vector (table 7-1). */
export const enum Sent {
    Late = 4,
    LateBit = 0x20,
}

/** A register's number: address in bits 0 to 4, bank in bits 5 and 6; bit 7 is set for MAC and MII registers, which send a dummy byte first. */
export const enum Register {
    Packets = 0x39,
    /** MISTAT. */
    MiiStatus = 0xea,
    /** MIRDL and MIRDH. */
    MiiDataLow = 0xd8,
    MiiDataHigh = 0xd9,
    /** EREVID. */
    Revision = 0x72,
    AddressBits = 0x1f,
    BankBits = 0x60,
    DummyBit = 0x80,
}

/** ERXFCON (register 8-1): UCEN, CRCEN, BCEN; and the pattern match for IPv4's groups. */
export const enum Filter {
    Usual = 0xa1,
    Groups = 0x10,
}

/** EREVID (DS80349C, table 1). */
export const enum Revision {
    /** B4: this revision and earlier ones need an SPI clock of 8 MHz or more (erratum 1). */
    Slow = 4,
    SlowHz = 8000000,
    Highest = 31,
}
