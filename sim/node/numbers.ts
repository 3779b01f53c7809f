// Node runtime: numbers of any format in a buffer, as the VM reads and stores them: slowly.

/** Returns a number of any format, undefined beyond the end. Throws for an offset or a format that is not valid. */
export function load(b: Uint8Array<ArrayBuffer>, offset: number, format: string): number {
    const o = checked(offset)
    const size = sizeOf(format)
    if (o + size > b.length) return undefined as unknown as number
    if (format[0] === "f") {
        const view = new DataView(b.buffer)
        return size === 4 ? view.getFloat32(o, true) : view.getFloat64(o, true)
    }
    let bits = 0
    for (let i = 0; i < size; i++) bits |= b[o + i]! << (8 * i)
    if (format[0] === "u") return bits >>> 0
    return (bits << (32 - 8 * size)) >> (32 - 8 * size)
}

/** Stores a number of any format, rounded and clamped. Throws for an offset or a format that is not valid. */
export function store(b: Uint8Array<ArrayBuffer>, offset: number, format: string, value: number): void {
    const o = checked(offset)
    const size = sizeOf(format)
    if (o + size > b.length) throw new RangeError("buffer store out of range")
    if (format[0] === "f") {
        const view = new DataView(b.buffer)
        if (size === 4) view.setFloat32(o, Number(value), true)
        else view.setFloat64(o, Number(value), true)
        return
    }
    const v = saturated(Number(value), size * 8, format[0] === "i")
    for (let i = 0; i < size; i++) b[o + i] = v >> (8 * i)
}

function sizeOf(format: string): number {
    switch (format) {
        case "u8":
        case "i8":
            return 1
        case "u16":
        case "i16":
            return 2
        case "u32":
        case "i32":
        case "f32":
            return 4
        case "f64":
            return 8
        default:
            throw new RangeError(`buffer numfmt invalid: ${format}`)
    }
}

/**
 * Returns an offset as a whole number. Throws for a negative offset, with which the VM would read memory outside of the buffer.
 */
function checked(offset: number): number {
    const o = Math.trunc(offset)
    if (!(o >= 0)) throw new RangeError(`buffer offset ${offset} is outside of the buffer`)
    return o
}

function saturated(value: number, bits: number, signed: boolean): number {
    const low = signed ? -(2 ** (bits - 1)) : 0
    const high = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
    if (Number.isNaN(value)) return low
    return Math.min(high, Math.max(low, Math.floor(value + 0.5)))
}
