// Puts the fragments of IP packets together again.

import type { IpPacket } from "./ip-packet"

/** The packets that are put together at the same time; the oldest is given up for a new one. */
const MAX_PACKETS = 64
/** The longest packet by the fragments' offsets. */
const MAX_LENGTH = 65_535
/** The most fragments of one packet: those of the shortest useful length. */
const MAX_FRAGMENTS = 1024

interface Partial {
    /** The ranges that have come, in order, apart from each other. */
    ranges: { start: number; end: number }[]
    fragments: number
    /** The length, once the last fragment has come. */
    length: number | undefined
    /** The beginning of the payload as far as it was captured. */
    bytes: Uint8Array
    protocol: number
}

export class Reassembly {
    private readonly partials = new Map<string, Partial>()

    /** Takes a fragment. Returns the whole packet when this was the last that was missing. */
    take(packet: IpPacket): IpPacket | undefined {
        const { fragment, bytes, addresses, version } = packet
        if (fragment === undefined) return packet
        const ends = bytes.subarray(addresses, addresses + (version === 4 ? 8 : 32))
        const key = `${String.fromCharCode(...ends)} ${fragment.identification} ${packet.protocol}`
        const partial = this.partials.get(key) ?? this.begin(key, packet)
        const end = fragment.offset + packet.length
        if (end > MAX_LENGTH || ++partial.fragments > MAX_FRAGMENTS) {
            this.partials.delete(key)
            return undefined
        }
        if (!fragment.more) partial.length = end
        if (fragment.offset === 0) partial.protocol = packet.protocol
        this.store(partial, packet, fragment.offset)
        add(partial.ranges, fragment.offset, end)
        const [first] = partial.ranges
        if (partial.length === undefined || first!.start !== 0 || first!.end < partial.length)
            return undefined
        this.partials.delete(key)
        return whole(packet, partial, partial.length)
    }

    private begin(key: string, { protocol }: IpPacket): Partial {
        const partial: Partial = {
            ranges: [],
            fragments: 0,
            length: undefined,
            bytes: new Uint8Array(0),
            protocol,
        }
        this.partials.set(key, partial)
        if (this.partials.size > MAX_PACKETS) {
            for (const oldest of this.partials.keys()) {
                this.partials.delete(oldest)
                break
            }
        }
        return partial
    }

    private store(partial: Partial, { bytes, payload, length }: IpPacket, offset: number): void {
        const data = bytes.subarray(payload, payload + length)
        if (offset + data.length > partial.bytes.length) {
            const longer = new Uint8Array(offset + data.length)
            longer.set(partial.bytes)
            partial.bytes = longer
        }
        partial.bytes.set(data, offset)
    }
}

function add(ranges: Partial["ranges"], start: number, end: number): void {
    ranges.push({ start, end })
    ranges.sort((a, b) => a.start - b.start)
    const apart = ranges.splice(0)
    for (const range of apart) {
        const last = ranges.at(-1)
        if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end)
        else ranges.push(range)
    }
}

function whole(packet: IpPacket, partial: Partial, length: number): IpPacket {
    const header = packet.bytes.subarray(0, packet.payload)
    const bytes = new Uint8Array(header.length + partial.bytes.length)
    bytes.set(header)
    bytes.set(partial.bytes, header.length)
    return { ...packet, bytes, protocol: partial.protocol, length, fragment: undefined }
}
