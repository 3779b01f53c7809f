// Reads classic capture files (draft-ietf-opsawg-pcap): microseconds or nanoseconds, in either byte order.

import { type CapturedPacket, type CaptureFormat, DamagedCapture, MAX_RECORD } from "./packet"

/** The bytes of the file's header. */
export const PCAP_HEADER = 24

interface Variant {
    readonly name: string
    /** The nanoseconds in a unit of the timestamp's fraction. */
    readonly unit: number
    /** The bytes before each packet's data. */
    readonly recordHeader: number
}

/** The variants of the format by their magic numbers. */
const variants = new Map<number, Variant>([
    [0xa1b2c3d4, { name: "pcap", unit: 1000, recordHeader: 16 }],
    [0xa1b23c4d, { name: "pcap with nanoseconds", unit: 1, recordHeader: 16 }],
    // a patched libpcap, once in Red Hat's Linux: 8 more bytes a record
    [0xa1b2cd34, { name: "pcap, modified", unit: 1000, recordHeader: 24 }],
])

/** Returns true when a file begins as a classic capture does. */
export function isPcap(bytes: Uint8Array): boolean {
    if (bytes.length < 4) return false
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    return variants.has(view.getUint32(0)) || variants.has(view.getUint32(0, true))
}

/** Returns the reader of a file that begins with these bytes (at least PCAP_HEADER); undefined if it is not a classic capture. */
export function pcapFormat(
    bytes: Uint8Array,
    onPacket: (packet: CapturedPacket) => void
): CaptureFormat | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (const little of [true, false]) {
        const variant = variants.get(view.getUint32(0, little))
        // the upper bits say whether frames end with their check sequence, which nothing here reads
        if (variant !== undefined)
            return new PcapFormat(variant, little, view.getUint32(20, little) & 0xffff, onPacket)
    }
    return undefined
}

class PcapFormat implements CaptureFormat {
    readonly name: string
    private isHeader = true

    constructor(
        private readonly variant: Variant,
        private readonly little: boolean,
        private readonly linkType: number,
        private readonly onPacket: (packet: CapturedPacket) => void
    ) {
        this.name = variant.name
    }

    read(bytes: Uint8Array, at: number): number {
        if (this.isHeader) {
            this.isHeader = false
            return PCAP_HEADER
        }
        const { unit, recordHeader } = this.variant
        if (bytes.length - at < recordHeader) return 0
        const view = new DataView(bytes.buffer, bytes.byteOffset + at, recordHeader)
        const captured = view.getUint32(8, this.little)
        if (captured > MAX_RECORD) throw new DamagedCapture(`a packet of ${captured} bytes`)
        const size = recordHeader + captured
        if (bytes.length - at < size) return 0
        // a fraction of a second or more is damage, but harms nothing
        const nanoseconds = view.getUint32(4, this.little) * unit
        this.onPacket({
            linkType: this.linkType,
            bytes: bytes.subarray(at + recordHeader, at + size),
            length: Math.max(captured, view.getUint32(12, this.little)),
            seconds: view.getUint32(0, this.little) + Math.floor(nanoseconds / 1e9),
            nanoseconds: nanoseconds % 1e9,
        })
        return size
    }
}
