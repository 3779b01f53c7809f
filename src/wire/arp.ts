// The Address Resolution Protocol for IPv4 over Ethernet (RFC 826).

import type { Buffer } from "@devicescript/core"
import { Eth, EtherType, writeEthernet } from "./ethernet"

/** Offsets in an ARP packet, from its first byte. */
export const enum Arp {
    HardwareType = 0,
    ProtocolType = 2,
    HardwareLength = 4,
    ProtocolLength = 5,
    Operation = 6,
    SenderMac = 8,
    SenderIp = 14,
    TargetMac = 18,
    TargetIp = 24,
    Size = 28,
}

export const enum ArpOperation {
    Request = 1,
    Reply = 2,
}

const enum Header {
    /** Hardware type 1 and protocol type 0x0800, as `getAt` "i32" reads them. */
    EthernetIPv4 = 0x00080100,
    /** Address lengths 6 and 4, as `getAt` "u16" reads them. */
    Lengths = 0x0406,
}

/** Returns the operation of the packet of `length` bytes at `at`; 0 if the packet is cut short, or not for IPv4 over Ethernet. */
export function arpOperation(b: Buffer, at: number, length: number): number {
    if (length < Arp.Size || at < 0 || at + Arp.Size > b.length) return 0
    if (b.getAt(at + Arp.HardwareType, "i32") !== Header.EthernetIPv4) return 0
    if (b.getAt(at + Arp.HardwareLength, "u16") !== Header.Lengths) return 0
    return (b.getAt(at + Arp.Operation, "u8") << 8) | b.getAt(at + Arp.Operation + 1, "u8")
}

/** Writes a packet at `at`. IPv4 addresses are their four wire bytes as `getAt` "i32" reads them. */
export function writeArp(
    b: Buffer,
    at: number,
    operation: ArpOperation,
    senderMac: Buffer,
    senderIp: number,
    targetMac: Buffer,
    targetMacAt: number,
    targetIp: number
): void {
    b.setAt(at + Arp.HardwareType, "i32", Header.EthernetIPv4)
    b.setAt(at + Arp.HardwareLength, "u16", Header.Lengths)
    b.setAt(at + Arp.Operation, "u16", operation << 8)
    b.blitAt(at + Arp.SenderMac, senderMac, 0, 6)
    b.setAt(at + Arp.SenderIp, "i32", senderIp)
    b.blitAt(at + Arp.TargetMac, targetMac, targetMacAt, 6)
    b.setAt(at + Arp.TargetIp, "i32", targetIp)
}

/** Writes a broadcast request as a whole frame at the start of `b` and returns its length. */
export function arpRequest(b: Buffer, mac: Buffer, senderIp: number, targetIp: number): number {
    const at: number = Eth.Size
    b.fillAt(Eth.Destination, 6, 0xff)
    writeEthernet(b, b, Eth.Destination, mac, EtherType.Arp)
    b.fillAt(at + Arp.TargetMac, 6, 0)
    writeArp(b, at, ArpOperation.Request, mac, senderIp, b, at + Arp.TargetMac, targetIp)
    return at + Arp.Size
}
