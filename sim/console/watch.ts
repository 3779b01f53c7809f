// A table that is shown again every second: redrawn in place on a terminal, one after the other in a pipe.

/** The time between two tables, ms. */
const EVERY = 1000

interface WatchOptions {
    /** Returns the lines of the table; undefined ends the watch. */
    table(): Promise<readonly string[] | undefined>
    write(text: string): void
    /** The size of the terminal; undefined for a pipe. */
    screen: { columns: number; rows: number } | undefined
    /** Resolves when the user ends the watch. */
    ended: Promise<void>
}

/** Shows the table until the user ends it. */
export async function watch({ table, write, screen, ended }: WatchOptions): Promise<void> {
    let over = false
    const end = ended.then(() => {
        over = true
    })
    let drawn = 0
    while (!over) {
        const lines = await table()
        if (lines === undefined) return
        if (screen === undefined) write(`${lines.join("\n")}\n\n`)
        else {
            const shown = clipped(lines, screen)
            const up = drawn === 0 ? "" : `\x1b[${drawn}A`
            // from the first line of the table to the end of the screen
            write(`\r${up}\x1b[0J${shown.map(line => `${line}\n`).join("")}`)
            drawn = shown.length
        }
        let timer: NodeJS.Timeout | undefined
        const next = new Promise(resolve => {
            timer = setTimeout(resolve, EVERY)
        })
        await Promise.race([next, end])
        clearTimeout(timer)
    }
}

/** Returns the lines that fit the screen, each cut at its width: a line that wraps would move those below it. */
function clipped(
    lines: readonly string[],
    { columns, rows }: { columns: number; rows: number }
): readonly string[] {
    const most = Math.max(2, rows - 2)
    const cut = (line: string) => (line.length < columns ? line : line.slice(0, columns - 1))
    if (lines.length <= most) return lines.map(cut)
    return [...lines.slice(0, most - 1).map(cut), `(${lines.length - most + 1} more lines)`]
}
