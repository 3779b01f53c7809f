// Reads pcapng files (draft-ietf-opsawg-pcapng): sections in either byte order, several interfaces, every time resolution.

import { type CapturedPacket, type CaptureFormat, DamagedCapture, MAX_RECORD } from "./packet"

const enum Block {
    Section = 0x0a0d0d0a,
    Interface = 1,
    /** Obsolete: as an enhanced packet, with a short interface number and a count of drops. */
    Packet = 2,
    Simple = 3,
    Enhanced = 6,
}

const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** Codes of an interface's options. */
const TIME_RESOLUTION = 9
const TIME_OFFSET = 14
/** The bytes around a block's body: type, length, length. */
const AROUND = 12
const MAX_INTERFACES = 65_536

interface Interface {
    readonly linkType: number
    /** The longest part of a packet that is captured; 0 is no limit. */
    readonly snapLength: number
    /** Ticks of the timestamps in a second. */
    readonly ticks: bigint
    /** Seconds to add to a timestamp. */
    readonly offset: number
}

/** Returns whether a file begins as a pcapng file does; it has at least 4 bytes. */
export function isPcapng(bytes: Uint8Array): boolean {
    // the number of a section is the same in either byte order
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === Block.Section
}

export class PcapngFormat implements CaptureFormat {
    readonly name = "pcapng"
    private little = true
    private interfaces: Interface[] = []

    constructor(private readonly onPacket: (packet: CapturedPacket) => void) {}

    read(bytes: Uint8Array, at: number): number {
        const there = bytes.length - at
        if (there < AROUND) return 0
        const view = new DataView(bytes.buffer, bytes.byteOffset + at, there)
        if (view.getUint32(0) === Block.Section) this.section(view)
        const type = view.getUint32(0, this.little)
        const size = view.getUint32(4, this.little)
        if (size < AROUND || size % 4 !== 0) throw new DamagedCapture(`a block of ${size} bytes`)
        const isRead =
            type === Block.Section ||
            type === Block.Interface ||
            type === Block.Packet ||
            type === Block.Simple ||
            type === Block.Enhanced
        // names, statistics, secrets and what is yet to be invented
        if (!isRead) return size
        if (size > MAX_RECORD) throw new DamagedCapture(`a block of ${size} bytes`)
        if (there < size) return 0
        if (view.getUint32(size - 4, this.little) !== size)
            throw new DamagedCapture("a block whose two lengths differ")
        const body = bytes.subarray(at + 8, at + size - 4)
        if (type === Block.Section) this.interfaces = []
        else if (type === Block.Interface) this.addInterface(body)
        else this.packet(type, body)
        return size
    }

    private section(view: DataView): void {
        const magic = view.getUint32(8)
        if (magic === BYTE_ORDER_MAGIC) this.little = false
        else if (view.getUint32(8, true) === BYTE_ORDER_MAGIC) this.little = true
        else throw new DamagedCapture("a section without its byte order")
        if (view.byteLength >= 14 && view.getUint16(12, this.little) !== 1)
            throw new DamagedCapture(`version ${view.getUint16(12, this.little)} of the format`)
    }

    private addInterface(body: Uint8Array): void {
        if (body.length < 8) throw new DamagedCapture("an interface that is cut short")
        if (this.interfaces.length >= MAX_INTERFACES) throw new DamagedCapture("too many interfaces")
        const view = viewOf(body)
        let ticks = 1_000_000n
        let offset = 0
        for (const { code, value } of options(body, 8, this.little)) {
            if (code === TIME_RESOLUTION && value.length >= 1) ticks = ticksPerSecond(value[0]!)
            if (code === TIME_OFFSET && value.length >= 8)
                offset = Number(viewOf(value).getBigInt64(0, this.little))
        }
        const linkType = view.getUint16(0, this.little)
        this.interfaces.push({ linkType, snapLength: view.getUint32(4, this.little), ticks, offset })
    }

    private packet(type: number, body: Uint8Array): void {
        const view = viewOf(body)
        const header = type === Block.Simple ? 4 : 20
        if (body.length < header) throw new DamagedCapture("a packet that is cut short")
        const number =
            type === Block.Enhanced
                ? view.getUint32(0, this.little)
                : type === Block.Packet
                  ? view.getUint16(0, this.little)
                  : 0
        const from = this.interfaces[number]
        if (from === undefined)
            throw new DamagedCapture(`a packet of interface ${number}, which is not described`)
        const length = view.getUint32(header - 4, this.little)
        if (type === Block.Simple) {
            // a simple packet has no time, and its captured length follows from the interface's limit
            const limit = Math.min(body.length - 4, from.snapLength || body.length)
            const bytes = body.subarray(4, 4 + Math.min(length, limit))
            this.onPacket({ linkType: from.linkType, bytes, length, seconds: 0, nanoseconds: 0 })
            return
        }
        const captured = view.getUint32(12, this.little)
        if (captured > body.length - header)
            throw new DamagedCapture(`a packet of ${captured} bytes in a shorter block`)
        this.onPacket({
            linkType: from.linkType,
            bytes: body.subarray(header, header + captured),
            length: Math.max(captured, length),
            ...this.time(view.getUint32(4, this.little), view.getUint32(8, this.little), from),
        })
    }

    private time(high: number, low: number, { ticks, offset }: Interface) {
        if (ticks === 1_000_000n && high < 1 << 21) {
            const micros = high * 0x1_0000_0000 + low
            const seconds = Math.floor(micros / 1e6)
            return { seconds: seconds + offset, nanoseconds: (micros - seconds * 1e6) * 1000 }
        }
        const count = (BigInt(high) << 32n) | BigInt(low)
        const nanoseconds = Number(((count % ticks) * 1_000_000_000n) / ticks)
        return { seconds: Number(count / ticks) + offset, nanoseconds }
    }
}

/** Returns the ticks in a second: a negative power of 10, or of 2 with the highest bit set. */
function ticksPerSecond(resolution: number): bigint {
    const exponent = BigInt(resolution & 0x7f)
    return (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent
}

function* options(body: Uint8Array, start: number, little: boolean) {
    const view = viewOf(body)
    for (let at = start; at + 4 <= body.length; ) {
        const code = view.getUint16(at, little)
        const length = view.getUint16(at + 2, little)
        // an option that passes the end of its block is damage, but the block can be used without it
        if (code === 0 || at + 4 + length > body.length) return
        yield { code, value: body.subarray(at + 4, at + 4 + length) }
        at += 4 + ((length + 3) & ~3)
    }
}

function viewOf(bytes: Uint8Array): DataView {
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
