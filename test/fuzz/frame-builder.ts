// Frames from their fields, straight into the receive frame: a million a minute have to be made. Nothing of the stack
// is used, and any field may be as wrong as one likes; what is not touched is right.

import { pattern, saltOf } from "./pattern"

export const Control = { Fin: 1, Syn: 2, Rst: 4, Psh: 8, Ack: 16, Urg: 32, Ece: 64, Cwr: 128 } as const

/** Sum of 16-bit words, most significant byte first, folded (RFC 1071). */
export function sum16(f: Uint8Array, at: number, length: number, sum = 0): number {
    const end = at + length
    let i = at
    for (; i + 1 < end; i += 2) sum += (f[i] << 8) | f[i + 1]
    if (i < end) sum += f[i] << 8
    while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
    return sum
}

/**
 * The same over the pseudo header of a packet from `source` to `destination` (as the wire has them, read low byte
 * first).
 */
export function pseudo16(source: number, destination: number, protocol: number, length: number): number {
    const swapped = (n: number) => ((n & 0xff) << 8) | ((n >> 8) & 0xff)
    return (
        swapped(source) +
        swapped(source >> 16) +
        swapped(destination) +
        swapped(destination >> 16) +
        protocol +
        length
    )
}

export function put16(f: Uint8Array, at: number, value: number): void {
    f[at] = value >> 8
    f[at + 1] = value
}

export function put32(f: Uint8Array, at: number, value: number): void {
    f[at] = value >> 24
    f[at + 1] = value >> 16
    f[at + 2] = value >> 8
    f[at + 3] = value
}

export function get16(f: Uint8Array, at: number): number {
    return (f[at] << 8) | f[at + 1]
}

export function get32(f: Uint8Array, at: number): number {
    return (f[at] << 24) | (f[at + 1] << 16) | (f[at + 2] << 8) | f[at + 3]
}

/** Four bytes of an address in the order in which `getAt` "i32" reads them. */
export function putIp(f: Uint8Array, at: number, ip: number): void {
    f[at] = ip
    f[at + 1] = ip >> 8
    f[at + 2] = ip >> 16
    f[at + 3] = ip >> 24
}

export const ETHERNET = 14
const IP = 20

/** A frame in the making. `reset` before each. */
export class FrameBuilder {
    destinationMac: Uint8Array = new Uint8Array(6)
    sourceMac: Uint8Array = new Uint8Array(6)
    etherType = 0
    // IPv4
    source = 0
    destination = 0
    /** Words of options behind the header's 20 bytes, all "no operation". */
    ipOptions = 0
    ipLengthDelta = 0
    ipChecksumDelta = 0
    fragment = 0
    protocol = 0
    // TCP
    sourcePort = 0
    destinationPort = 0
    seq = 0
    ack = 0
    control = 0
    window = 0
    urgent = 0
    /** Words more or less than the header has. */
    offsetDelta = 0
    checksumDelta = 0
    readonly options = new Uint8Array(40)
    optionsLength = 0
    /** Bytes of text: those of the pattern for `seq` and after (one later in a SYN). */
    text = 0
    /** Bytes behind the packet. */
    padding = 0

    reset(to: Uint8Array, from: Uint8Array, source: number, destination: number): void {
        this.destinationMac = to
        this.sourceMac = from
        this.source = source
        this.destination = destination
        this.etherType = 0x0800
        this.protocol = 6
        this.ipOptions = 0
        this.ipLengthDelta = 0
        this.ipChecksumDelta = 0
        this.fragment = 0
        this.control = 0
        this.urgent = 0
        this.offsetDelta = 0
        this.checksumDelta = 0
        this.optionsLength = 0
        this.text = 0
        this.padding = 0
    }

    /** Adds a timestamps option as RFC 7323 appendix A lays it out. */
    timestamps(value: number, echo: number): void {
        const at = this.optionsLength
        this.options[at] = 1
        this.options[at + 1] = 1
        this.options[at + 2] = 8
        this.options[at + 3] = 10
        put32(this.options, at + 4, value)
        put32(this.options, at + 8, echo)
        this.optionsLength = at + 12
    }

    /** Adds these bytes to the options, as far as they fit. */
    option(...bytes: number[]): void {
        for (const byte of bytes) {
            if (this.optionsLength < this.options.length) this.options[this.optionsLength++] = byte
        }
    }

    private ethernet(f: Uint8Array): void {
        f.set(this.destinationMac, 0)
        f.set(this.sourceMac, 6)
        put16(f, 12, this.etherType)
    }

    /** Puts the headers before a payload of `length` bytes that stands behind them; gives the frame's length. */
    private packet(f: Uint8Array, length: number): number {
        this.ethernet(f)
        const header = IP + 4 * this.ipOptions
        f[14] = 0x40 | (header >> 2)
        f[15] = 0
        put16(f, 16, (header + length + this.ipLengthDelta) & 0xffff)
        put16(f, 18, 1)
        put16(f, 20, this.fragment)
        f[22] = 64
        f[23] = this.protocol
        put16(f, 24, 0)
        putIp(f, 26, this.source)
        putIp(f, 30, this.destination)
        f.fill(1, ETHERNET + IP, ETHERNET + header)
        put16(f, 24, (~sum16(f, ETHERNET, header) + this.ipChecksumDelta) & 0xffff)
        f.fill(0, ETHERNET + header + length, ETHERNET + header + length + this.padding)
        return ETHERNET + header + length + this.padding
    }

    /** Where what IP carries begins. */
    get payloadAt(): number {
        return ETHERNET + IP + 4 * this.ipOptions
    }

    /** Writes a segment; gives the frame's length, which may be more than fits `f`. */
    segment(f: Uint8Array): number {
        const at = this.payloadAt
        while (this.optionsLength % 4 !== 0) this.options[this.optionsLength++] = 0
        const header = 20 + this.optionsLength
        const length = header + this.text
        put16(f, at, this.sourcePort)
        put16(f, at + 2, this.destinationPort)
        put32(f, at + 4, this.seq)
        put32(f, at + 8, this.ack)
        // four bits: what wraps is a header of another length
        f[at + 12] = ((header >> 2) + this.offsetDelta) << 4
        f[at + 13] = this.control
        put16(f, at + 14, this.window)
        put16(f, at + 16, 0)
        put16(f, at + 18, this.urgent)
        for (let i = 0; i < this.optionsLength; i++) f[at + 20 + i] = this.options[i]
        this.fillText(f, at, (f[at + 12] >> 4) << 2, length)
        const sum = sum16(f, at, length, pseudo16(this.source, this.destination, 6, length))
        put16(f, at + 16, (~sum + this.checksumDelta) & 0xffff)
        return this.packet(f, length)
    }

    /** Whatever counts as text by the data offset is the pattern of the connection that it would be taken for. */
    private fillText(f: Uint8Array, at: number, header: number, length: number): void {
        const room = Math.min(length, f.length - at) - header
        if (header < 20 || room <= 0) return
        const first = this.seq + (this.control & Control.Syn ? 1 : 0)
        const swapped = (port: number) => ((port & 0xff) << 8) | ((port >> 8) & 0xff)
        const ports = swapped(this.sourcePort) | (swapped(this.destinationPort) << 16)
        f.set(pattern(saltOf("peer", this.source, ports), first, room), at + header)
    }

    /** Writes an ICMP message around `length` bytes that stand 8 behind `payloadAt`. */
    icmp(f: Uint8Array, type: number, code: number, rest: number, length: number): number {
        const at = this.payloadAt
        this.protocol = 1
        f[at] = type
        f[at + 1] = code
        put16(f, at + 2, 0)
        put32(f, at + 4, rest)
        put16(f, at + 2, (~sum16(f, at, 8 + length) + this.checksumDelta) & 0xffff)
        return this.packet(f, 8 + length)
    }

    /** Writes a datagram to `destinationPort` with `length` bytes of whatever stands there. */
    datagram(f: Uint8Array, length: number): number {
        const at = this.payloadAt
        this.protocol = 17
        put16(f, at, this.sourcePort)
        put16(f, at + 2, this.destinationPort)
        put16(f, at + 4, (8 + length + this.offsetDelta) & 0xffff)
        put16(f, at + 6, 0)
        const sum = sum16(f, at, 8 + length, pseudo16(this.source, this.destination, 17, 8 + length))
        put16(f, at + 6, (~sum + this.checksumDelta) & 0xffff)
        return this.packet(f, 8 + length)
    }

    /** Writes a packet of some other protocol with `length` bytes of whatever stands there. */
    other(f: Uint8Array, protocol: number, length: number): number {
        this.protocol = protocol
        return this.packet(f, length)
    }

    /** Writes an ARP packet from `senderMac` at `source` about `destination`. */
    arp(f: Uint8Array, operation: number, senderMac: Uint8Array, targetMac: Uint8Array): number {
        this.etherType = 0x0806
        this.ethernet(f)
        f[14] = 0
        f[15] = 1
        f[16] = 8
        f[17] = 0
        f[18] = 6
        f[19] = 4
        put16(f, 20, operation)
        f.set(senderMac, 22)
        putIp(f, 28, this.source)
        f.set(targetMac, 32)
        putIp(f, 38, this.destination)
        f.fill(0, 42, 42 + this.padding)
        return 42 + this.padding
    }
}

/** Whether the segment in the frame would pass for whole: IP header, lengths and both checksums. */
export function isSound(f: Uint8Array, length: number): boolean {
    if (length < 54 || length > f.length || get16(f, 12) !== 0x0800) return false
    const header = (f[14] & 15) << 2
    const total = get16(f, 16)
    if (f[14] >> 4 !== 4 || header < IP || total < header + 20 || total > length - ETHERNET) return false
    if (sum16(f, ETHERNET, header) !== 0xffff || f[23] !== 6) return false
    const at = ETHERNET + header
    const size = total - header
    const source = f[26] | (f[27] << 8) | (f[28] << 16) | (f[29] << 24)
    const destination = f[30] | (f[31] << 8) | (f[32] << 16) | (f[33] << 24)
    return sum16(f, at, size, pseudo16(source, destination, 6, size)) === 0xffff
}
