// Converts an HTML page of the device to lines of text.

/** Returns what a reader sees of the page in an HTTP response: its heading, its text, and its first table in columns. */
export function pageText(response: string): string[] {
    const head = response.slice(0, response.indexOf("\r\n\r\n"))
    const body = response.slice(head.length + 4)
    const html = (/^transfer-encoding: chunked$/im.test(head) ? joined(body) : body).replace(
        /<(title|style|script|noscript)>.*?<\/\1>/gs,
        ""
    )
    const [before = "", rest = ""] = html.split("<table>")
    const [table = ""] = rest.split("</table>")
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

/** Joins the chunks of a body (RFC 9112 section 7.1). */
function joined(chunks: string): string {
    let text = ""
    for (let at = 0; ; ) {
        const end = chunks.indexOf("\r\n", at)
        const size = Number.parseInt(chunks.slice(at, end), 16)
        if (end < 0 || !(size > 0)) return text
        text += chunks.slice(end + 2, end + 2 + size)
        at = end + 2 + size + 2
    }
}
