// The ENC28J60 as the driver sees it over SPI (Microchip's data sheet DS39662E, and its errata DS80349C by their numbers there).
// An SPI instruction: 3 bits of what to do and 5 bits of address; data. Chip select goes down and up around each.

/** Whole instructions of two bytes as little-endian numbers: the first byte in bits 0 to 7, the data byte in bits 8 to 15. */
export const enum Instruction {
    /** Table 4-1: opcodes with an address of 0. */
    Read = 0x00,
    Write = 0x40,
    /** 4.2.2, 4.2.4: read and write buffer memory; of the latter, the control byte 0 follows (figure 7-1: as MACON3 says). */
    ReadMemory = 0x3a,
    WriteMemory = 0x007a,
    /** 4.2.7. The second byte is not looked at. */
    Reset = 0xffff,
    /** Register 3-1: BSEL is cleared, or one of its bits set, in ECON1. */
    Bank0 = 0x03bf,
    Bank1 = 0x019f,
    SetBank = 0x009f,
    /** Register 3-1: TXRST, RXRST set, all else clear, the bank too; then all clear. */
    Halt = 0xc05f,
    Release = 0x005f,
    ReceiveOn = 0x049f,
    /** TXRTS, and with it bank 1, where the next look at EPKTCNT is. */
    SendRequest = 0x099f,
    SendCancel = 0x08bf,
    ResetTransmit = 0x809f,
    ReleaseTransmit = 0x80bf,
    /** Register 3-2: PWRSV clear; one packet less in EPKTCNT. */
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
    /** Bank 0 (table 3-1): the low byte's register, with the opcode for writing. */
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
    /** SendDone and SendError: erratum 13 asks to look at both. */
    SendEnd = 0x0a,
    ReceiveError = 0x01,
}

/** Bits of ESTAT (register 12-1): CLKRDY, and bit 3, which is always 0 in a chip that answers. */
export const enum Ready {
    Bits = 0x09,
    Yes = 0x01,
}

/** ECON1 while the driver has nothing to do in it: RXEN, without TXRTS and BSEL. */
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
 * The 8 KB of memory. Received packets are in its lower part, which starts at 0 (erratum 5) and ends at an odd address
 * (7.2.4, erratum 14); four full ones have room. What is sent follows.
 */
export const enum Memory {
    /** Size of the receive FIFO. */
    Receive = 0x1800,
    SendStart = 0x1800,
    /** The longest buffer that can be written from SendStart on, behind the control byte, and not wrap to address 0. */
    LongestBuffer = 0x7ff,
}

/** A received packet begins with the address of the next and its status vector (figure 7-3, table 7-3); offsets in the transfer. */
export const enum Received {
    Next = 1,
    Count = 3,
    /** Bits 16 to 23 of the status vector, of which the last says that CRC and symbols were right. */
    Status = 5,
    Ok = 0x80,
    /** Bytes in memory before the frame. */
    Header = 6,
    /** The frame's check sequence, which the count includes. */
    Fcs = 4,
    /** IEEE 802.3, with FCS; the longest has a VLAN tag. */
    Shortest = 64,
    Longest = 1522,
    /** Size of the transfer: instruction and header. */
    Size = 7,
}

/** Where the transmit status vector (table 7-1) says in such a transfer that a collision was late: bit 29. */
export const enum Sent {
    Late = 4,
    LateBit = 0x20,
}

/** A register by a number: address in bits 0 to 4, bank in bits 5 and 6, bit 7 for MAC and MII registers, whose reads bring a dummy byte. */
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

/** Where SETTINGS has what the driver fills in; the value follows the register's number. */
export const enum Setting {
    FreeLow = 15,
    FreeHigh = 17,
    Filter = 43,
    /** MAADR1's value; those of the other bytes follow, two apart. */
    Address = 65,
    /** EREVID's, which is compared only. */
    Revision = 79,
}

/** ERXFCON (register 8-1): UCEN, CRCEN, BCEN; and the pattern match for IPv4's groups. */
export const enum Filter {
    Usual = 0xa1,
    Groups = 0x10,
}

/** EREVID (DS80349C, table 1). */
export const enum Revision {
    /** Up to here the SPI clock must be 8 MHz or more (erratum 1): B1 and B4. */
    Slow = 4,
    SlowHz = 8000000,
    Highest = 31,
}
