// Ethernet II frames (RFC 894).

import type { Buffer } from "@devicescript/core"

/** Offsets in a frame, from its first byte. */
export const enum Eth {
    Destination = 0,
    Source = 6,
    Type = 12,
    /** Length of the header; the payload starts here. */
    Size = 14,
    /** Length of the shortest frame on the wire without its FCS; the sender pads a shorter one. */
    MinFrame = 60,
}

/** Values of the type field as `getAt` "u16" reads them, that is, with the bytes of the wire swapped. */
export const enum EtherType {
    IPv4 = 0x0008,
    /** IEEE 802.1Q: a tag of Vlan.Size bytes precedes the type. */
    Tagged = 0x0081,
    Arp = 0x0608,
}

/** An IEEE 802.1Q tag, at Eth.Type. */
export const enum Vlan {
    Size = 4,
    /** Offset and mask of the VLAN's number, as "u16" reads it. A tag with number 0 holds a priority only (clause 6.9). */
    At = 14,
    Number = 0xff0f,
}

/** Returns true for a broadcast or multicast address, which has the group bit set in its first byte. */
export function isGroupAddress(b: Buffer, at: number): boolean {
    return at >= 0 && (b.getAt(at, "u8") & 1) !== 0
}

/** Writes a header at the start of `b`. */
export function writeEthernet(
    b: Buffer,
    destination: Buffer,
    destinationAt: number,
    source: Buffer,
    type: EtherType
): void {
    b.blitAt(Eth.Destination, destination, destinationAt, 6)
    b.blitAt(Eth.Source, source, 0, 6)
    b.setAt(Eth.Type, "u16", type)
}
