// The ENC28J60's receive filters (data sheet, chapter 8).

import { crc32 } from "../link/crc32"
import { Erxfcon, Reg } from "./enc28j60-map"

const WINDOW = 64

/** Returns the station's address in wire order (table 3-2, MAADR1 to MAADR6). */
function stationAddress(registers: Uint8Array): number[] {
    return [Reg.MAADR1, Reg.MAADR2, Reg.MAADR3, Reg.MAADR4, Reg.MAADR5, Reg.MAADR6].map(r => registers[r]!)
}

/** Returns true when the filters let a packet with its FCS pass. */
export function accepts(registers: Uint8Array, packet: Uint8Array, crcIsValid: boolean): boolean {
    const filters = registers[Reg.ERXFCON]!
    const tests: [Erxfcon, () => boolean][] = [
        [Erxfcon.UCEN, () => begins(packet, stationAddress(registers))],
        [Erxfcon.PMEN, () => matchesPattern(registers, packet)],
        [Erxfcon.MPEN, () => isMagicPacket(registers, packet)],
        [Erxfcon.HTEN, () => isInHashTable(registers, packet)],
        [Erxfcon.MCEN, () => (packet[0]! & 1) !== 0],
        [Erxfcon.BCEN, () => begins(packet, Array(6).fill(0xff))],
    ]
    const enabled = tests.filter(([bit]) => (filters & bit) !== 0)
    const all = (filters & Erxfcon.ANDOR) !== 0
    const pass = all ? enabled.every(([, test]) => test()) : enabled.some(([, test]) => test())
    // figures 8-1 and 8-2: the CRC is checked last; without any filter every packet passes
    return (pass || enabled.length === 0) && (crcIsValid || (filters & Erxfcon.CRCEN) === 0)
}

/** Returns whether the checksum of the selected bytes, without the others, equals EPMCS (section 8.2). */
export function matchesPattern(registers: Uint8Array, packet: Uint8Array): boolean {
    const offset = registers[Reg.EPMO]! | (registers[Reg.EPMO + 1]! << 8)
    if (offset + WINDOW > packet.length) return false
    const selected = Array.from({ length: WINDOW }, (_, i) => i).filter(
        i => ((registers[Reg.EPMM0 + (i >> 3)]! >> (i & 7)) & 1) !== 0
    )
    const sum = checksum(Uint8Array.from(selected, i => packet[offset + i]!))
    return sum === (registers[Reg.EPMCS]! | (registers[Reg.EPMCS + 1]! << 8))
}

/** Returns the Internet checksum as the DMA computes it (section 13.2): an odd last byte is followed by a zero. */
export function checksum(bytes: Uint8Array): number {
    let sum = 0
    for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte << 8 : byte
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
    return ~sum & 0xffff
}

/** Returns whether a packet is for this station and contains six bytes 0xff and sixteen times the address (section 8.3). */
function isMagicPacket(registers: Uint8Array, packet: Uint8Array): boolean {
    const address = stationAddress(registers)
    if (!begins(packet, address)) return false
    const pattern = [...Array<number>(6).fill(0xff), ...Array.from({ length: 16 }, () => address).flat()]
    for (let at = 14; at + pattern.length <= packet.length; at++)
        if (begins(packet.subarray(at), pattern)) return true
    return false
}

/** Returns the bit of the hash table that bits 28 to 23 of the destination address's CRC select (section 8.4). */
function isInHashTable(registers: Uint8Array, packet: Uint8Array): boolean {
    const reflected = ~crc32(packet.subarray(0, 6)) >>> 0
    let crc = 0
    for (let bit = 0; bit < 32; bit++) crc = (crc << 1) | ((reflected >>> bit) & 1)
    const index = (crc >>> 23) & 0x3f
    return ((registers[Reg.EHT0 + (index >> 3)]! >> (index & 7)) & 1) !== 0
}

function begins(packet: Uint8Array, bytes: ArrayLike<number>): boolean {
    return Array.prototype.every.call(bytes, (byte, i) => packet[i] === byte)
}
