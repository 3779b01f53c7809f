// Makes capture files for tests, with nothing of the code that reads them.

/** A packet with its time in ns since 1970. */
export interface Recorded {
    time: bigint
    bytes: Uint8Array
    /** The length on the link, if more than was captured. */
    length?: number
    /** The number of the interface (pcapng). */
    iface?: number
}

/** Numbers in one byte order. */
class Writer {
    private readonly parts: number[] = []

    constructor(readonly little: boolean) {}

    number(size: number, value: number | bigint): this {
        const bytes: number[] = []
        let rest = BigInt.asUintN(size * 8, BigInt(value))
        for (let i = 0; i < size; i++) {
            bytes.push(Number(rest & 0xffn))
            rest >>= 8n
        }
        this.parts.push(...(this.little ? bytes : bytes.reverse()))
        return this
    }

    raw(bytes: Iterable<number>): this {
        this.parts.push(...bytes)
        return this
    }

    pad(): this {
        while (this.parts.length % 4 !== 0) this.parts.push(0)
        return this
    }

    get bytes(): Uint8Array {
        return Uint8Array.from(this.parts)
    }
}

/** A classic capture; `unit` is ns in a unit of the fraction: 1000 or 1. */
export function pcap(
    packets: readonly Recorded[],
    { little = true, unit = 1000n, linkType = 1, modified = false } = {}
): Uint8Array {
    const magic = modified ? 0xa1b2cd34 : unit === 1n ? 0xa1b23c4d : 0xa1b2c3d4
    const file = new Writer(little).number(4, magic).number(2, 2).number(2, 4).number(4, 0).number(4, 0)
    file.number(4, 262_144).number(4, linkType)
    for (const { time, bytes, length = bytes.length } of packets) {
        file.number(4, time / 1_000_000_000n).number(4, (time % 1_000_000_000n) / unit)
        file.number(4, bytes.length).number(4, length)
        if (modified) file.number(4, 0).number(2, 0).number(1, 0).number(1, 0)
        file.raw(bytes)
    }
    return file.bytes
}

/** An interface of a pcapng file. `resolution` is the option's byte, `offset` in seconds. */
export interface Described {
    linkType?: number
    resolution?: number
    offset?: bigint
    snapLength?: number
}

export function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
    const padded = (body.length + 3) & ~3
    const file = new Writer(little)
        .number(4, type)
        .number(4, padded + 12)
        .raw(body)
        .pad()
    return file.number(4, padded + 12).bytes
}

export function section(little: boolean): Uint8Array {
    const body = new Writer(little).number(4, 0x1a2b3c4d).number(2, 1).number(2, 0).number(8, -1n)
    return block(little, 0x0a0d0d0a, body.bytes)
}

export function description(
    little: boolean,
    { linkType = 1, resolution, offset, snapLength = 0 }: Described
): Uint8Array {
    const body = new Writer(little).number(2, linkType).number(2, 0).number(4, snapLength)
    if (resolution !== undefined) body.number(2, 9).number(2, 1).number(1, resolution).pad()
    if (offset !== undefined) body.number(2, 14).number(2, 8).number(8, offset)
    return block(little, 1, body.number(2, 0).number(2, 0).bytes)
}

/** Ticks in a second of an interface's resolution. */
export function ticksOf(resolution = 6): bigint {
    const exponent = BigInt(resolution & 0x7f)
    return resolution & 0x80 ? 2n ** exponent : 10n ** exponent
}

/** A pcapng file with these interfaces and packets. */
export function pcapng(
    packets: readonly Recorded[],
    interfaces: readonly Described[] = [{}],
    little = true
): Uint8Array {
    const parts = [section(little), ...interfaces.map(one => description(little, one))]
    for (const { time, bytes, length = bytes.length, iface = 0 } of packets) {
        const { resolution, offset = 0n } = interfaces[iface]!
        const ticks = ((time - offset * 1_000_000_000n) * ticksOf(resolution)) / 1_000_000_000n
        const body = new Writer(little)
            .number(4, iface)
            .number(4, ticks >> 32n)
            .number(4, ticks & 0xffff_ffffn)
        parts.push(block(little, 6, body.number(4, bytes.length).number(4, length).raw(bytes).bytes))
    }
    return joined(parts)
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
    return Uint8Array.from(parts.flatMap(part => [...part]))
}
