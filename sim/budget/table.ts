// Tables of text, for people.

/** Text goes to the left, numbers to the right. */
export type Cell = string | number

/** Lines of equal columns. A column is to the right where all of its cells but the first row's look like numbers. */
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

/** A number of bytes as it is read best. */
export function bytes(count: number): string {
    return count.toLocaleString("en")
}
