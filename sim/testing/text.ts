// Times as text, and text as it is on the wire.

const UNITS: { readonly [unit: string]: number } = {
    ms: 1,
    s: 1000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
}

/** Returns a time in milliseconds: the number itself, or a text as "1.5 s", "10 min", "1 h". Throws an Error for any other text. */
export function milliseconds(time: number | string): number {
    if (typeof time === "number" && time >= 0) return time
    const [, amount, unit = ""] = /^(\d+(?:\.\d+)?) ?([a-z]+)$/.exec(String(time)) ?? []
    const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
    if (factor === undefined) {
        throw new Error(
            `"${time}" is not a time: write a number of milliseconds, or 500 ms, 1.5 s, 10 min, 1 h, 7 d`
        )
    }
    return Number(amount) * factor
}

/** Returns text as its UTF-8 bytes, each a character (Latin-1), which is how a HostConnection takes and returns data. */
export function toWire(text: string): string {
    return Buffer.from(text, "utf8").toString("latin1")
}

/** Returns the text of UTF-8 bytes that are characters (Latin-1). */
export function fromWire(data: string): string {
    return Buffer.from(data, "latin1").toString("utf8")
}
