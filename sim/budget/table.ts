// Formats tables of text for people.

/** The content of a cell. */
export type Cell = string | number

/** Returns lines of equal columns. A column is right-aligned if all of its cells after the first row look like numbers. */
export function table(rows: readonly (readonly Cell[])[]): string[] {
    const columns = Math.max(0, ...rows.map(row => row.length))
    const texts = rows.map(row => Array.from({ length: columns }, (_, i) => String(row[i] ?? "")))
    const widths = Array.from({ length: columns }, (_, i) => Math.max(...texts.map(row => row[i].length)))
    const right = widths.map((_, i) => texts.slice(1).every(row => /^[-+\d,.% ]*$/.test(row[i])))
    return texts.map(row =>
        row
            .map((text, i) => (right[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
            .join("  ")
            .trimEnd()
    )
}

/** Returns a number of bytes with a comma between thousands. */
export function bytes(count: number): string {
    return count.toLocaleString("en")
}
