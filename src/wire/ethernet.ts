// Ethernet II (RFC 894).

import type { Buffer } from "@devicescript/core"

/** Offsets in a frame, from its first byte. */
export const enum Eth {
    Destination = 0,
    Source = 6,
    Type = 12,
    /** Length of the header; the payload starts here. */
    Size = 14,
    /** Shortest frame on the wire without its FCS: what is shorter is padded. */
    MinFrame = 60,
}

/** Values of the type field as `getAt` "u16" reads them (the wire's bytes the other way round). */
export const enum EtherType {
    IPv4 = 0x0008,
    Arp = 0x0608,
}

/** True for broadcast and multicast addresses: the group bit of the first byte. */
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
