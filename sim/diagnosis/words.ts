// Times and counts in sentences.

/** Returns nanoseconds as text for people: 1.2 ms, 3.4 s. */
export function duration(nanoseconds: number): string {
    const size = Math.abs(nanoseconds)
    if (size >= 999.5e6) return `${(nanoseconds / 1e9).toFixed(size >= 99.5e9 ? 0 : 2)} s`
    if (size === 0) return "0 ms"
    if (size >= 1e6) return `${(nanoseconds / 1e6).toFixed(1)} ms`
    return `${(nanoseconds / 1e3).toFixed(size >= 10e3 ? 0 : 1)} µs`
}

/** Returns a count with its noun, such as `1 segment`, `2 segments`; `plural` is for nouns that take more than an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
    return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`
}
