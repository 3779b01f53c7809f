// A page of the device as lines of text.

/** What a reader sees of a page: its heading, its text, and its table in columns. */
export function pageText(response: string): string[] {
    const html = response
        .slice(response.indexOf("\r\n\r\n") + 4)
        .replace(/<title>.*?<\/title>|<style>.*?<\/style>/gs, "")
    const [before = "", table = ""] = html.split("<table>")
    const text = before
        .replace(/<(h1|p)>|<\/h1>/g, "\n")
        .replace(/<[^>]*>/g, "")
        .split("\n")
        .map(line => line.trim())
        .filter(line => line !== "")
    return [...text, ...columns(rows(table))]
}

function rows(table: string): string[][] {
    return table
        .split("<tr>")
        .slice(1)
        .map(row =>
            row
                .split(/<t[hd]>/)
                .slice(1)
                .map(cell => cell.replace(/<[^>]*>/g, "").trim())
        )
}

function columns(cells: string[][]): string[] {
    const width = (column: number) => Math.max(...cells.map(row => row[column]?.length ?? 0))
    return cells.map(row =>
        row
            .map((cell, i) => cell.padEnd(width(i)))
            .join("  ")
            .trimEnd()
    )
}
