// Builds one HTML file of a connection, for a bug report: ladder, graphs, and the same as tables. The file loads nothing else.

import type { Evidence } from "../diagnosis/evidence"
import { counted } from "../diagnosis/words"
import { optionWords } from "../view/describe"
import { flagNames } from "../view/flags"
import { escaped } from "../view/markup"
import { type Connection, endName, other } from "./connection"
import { graphs } from "./graphs"
import type { Row, SegmentRow } from "./recording"
import { ending } from "./story"
import { element, SVG_STYLE } from "./svg"
import { ladderDrawing, rowClass } from "./svg-ladder"
import { heading } from "./text"
import type { Wording } from "./wording"

/** The connections in the table of a page. */
const MOST_CONNECTIONS = 500

const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --soft: #5c5c5c; --rule: #d0d0d0; --mark: #a15c00; --alarm: #c62828; --focus: #0b62a8 }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #ececec; --soft: #a8a8a8; --rule: #3a3d42; --mark: #f0b35a; --alarm: #ff7b72; --focus: #6cb6ff } }
body { margin: 0 auto; padding: 1rem; max-width: 64rem; background: var(--paper); color: var(--ink); font: 16px/1.45 system-ui, sans-serif }
h1 { font-size: 1.4rem; margin: 0 0 .4rem } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem } p { margin: .2rem 0 }
.outcome { font-weight: 600; font-size: 1.05rem } .soft { color: var(--soft) }
.skip { position: absolute; left: -99rem } .skip:focus { left: 1rem; background: var(--paper); padding: .4rem }
.scroll { overflow: auto; max-height: 80vh; border: 1px solid var(--rule) } svg { display: block; min-width: 46rem; width: 100%; height: auto }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: .15rem .5rem; text-align: left; vertical-align: top; white-space: nowrap } td.words { white-space: normal; min-width: 12rem }
td.number, th.number { text-align: right } thead th { position: sticky; top: 0; background: var(--paper); border-bottom: 1px solid var(--rule) }
tr.trouble td { color: var(--mark) } tr.bad td { color: var(--alarm) } tr[aria-current] { font-weight: 600 }
:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px }
${SVG_STYLE}`

/**
 * The script moves through the table with keys, and shows the arrow of the row that has the focus. Without scripts the page is
 * complete.
 */
const SCRIPT = `
const body = document.querySelector("#segments tbody")
const rows = [...body.rows]
const keys = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 15, PageUp: -15, Home: -1e9, End: 1e9 }
if (rows[0]) rows[0].tabIndex = 0
body.addEventListener("keydown", event => {
    const step = keys[event.key]
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const next = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(event.target) + step))]
    event.target.tabIndex = -1
    next.tabIndex = 0
    next.focus()
})
const choose = row => {
    document.querySelector(".row.chosen")?.classList.remove("chosen")
    document.getElementById(row.dataset.arrow)?.classList.add("chosen")
}
body.addEventListener("focusin", event => { const row = event.target.closest("tr"); if (row) choose(row) })
body.addEventListener("click", event => { const row = event.target.closest("tr"); if (row) row.focus() })
`

/** The content of the page besides the connection. */
export interface PageContent {
    readonly title: string
    readonly connections: readonly Connection[]
    readonly wording: Wording
    /** The time of the last packet of the capture, ns. */
    readonly end: number
    /** The other frames of the capture, as far as they explain a failure. */
    readonly evidence?: Evidence
}

/** Returns the page. */
export function page({ title, connections, wording, end, evidence }: PageContent): string {
    const { connection, names } = wording
    const name = `${names[connection.client]} to ${names[other(connection.client)]}`
    const pictures = graphs(wording).map((drawing, i) => element(drawing, `graph${i}`))
    return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escaped(`TCP ${name}`)}</title>
<style>${STYLE}</style>
<a class="skip" href="#segments">To the table of segments</a>
<main>
<h1>${escaped(`TCP connection ${connection.number}: ${name}`)}</h1>
<p class="outcome">${escaped(ending(connection, end, evidence))}</p>
${heading(wording)
    .slice(1)
    .map(line => `<p>${escaped(line)}</p>`)
    .join("\n")}
<p class="soft">${escaped(title)}</p>
<h2 id="ladder">Ladder</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="ladder">
${element(ladderDrawing(wording), "ladder-picture")}
</div>
${pictures.length > 0 ? "<h2>Graphs</h2>" : ""}
${pictures.join("\n")}
<h2 id="table">Segments</h2>
<p class="soft">The same as the ladder, in words. Up, Down, Page Up, Page Down, Home and End move through the rows.</p>
<div class="scroll" role="region" aria-labelledby="table" tabindex="0">
${segmentTable(wording)}
</div>
<h2>Connections of the capture</h2>
${connectionTable(connections, connection, end, evidence)}
</main>
<script>${SCRIPT}</script>
</html>
`
}

function segmentTable(wording: Wording): string {
    const { recording } = wording
    const row = (one: Row) =>
        one.kind === "segment"
            ? segmentRow(wording, one)
            : `<tr tabindex="-1"><td class="number"></td><td class="number">${time(one.time)}</td><td colspan="8" class="words">${escaped(one.text)}</td></tr>`
    const gap =
        recording.omitted > 0
            ? [
                  `<tr tabindex="-1"><td colspan="10">${counted(recording.omitted, "segment")} are not listed</td></tr>`,
              ]
            : []
    const rows = [...recording.first.map(row), ...gap, ...recording.last.map(row)]
    const titles: [string, boolean][] = [
        ["packet", true],
        ["time s", true],
        ["from", false],
        ["flags", false],
        ["seq", true],
        ["ack", true],
        ["len", true],
        ["window", true],
        ["states", false],
        ["remarks", false],
    ]
    return `<table id="segments"><thead><tr>${titles
        .map(([text, isNumber]) => `<th scope="col"${isNumber ? ' class="number"' : ""}>${text}</th>`)
        .join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table>`
}

function segmentRow(wording: Wording, row: SegmentRow): string {
    const view = wording.view(row)
    const states = row.changes.map(({ end, from, to }) => `${wording.role(end)} ${from} → ${to}`).join(", ")
    const remarks = [
        ...wording.remarks(row),
        ...(wording.isCorrupted(row) ? ["bad checksum"] : []),
        ...view.options.filter(({ kind }) => kind !== "timestamps" || view.flags.syn).flatMap(optionWords),
        ...(row.explanation === undefined ? [] : [row.explanation]),
    ].join(", ")
    const numbers = [view.seq, view.flags.ack ? view.ack : "", view.length, view.window]
    return (
        `<tr tabindex="-1" class="${rowClass(wording, row)}" data-arrow="s${row.packet}">` +
        `<td class="number">${row.packet}</td><td class="number">${time(row.time)}</td>` +
        `<td>${wording.role(row.from)}</td><td>${flagNames(view.flags)}</td>` +
        numbers.map(number => `<td class="number">${number}</td>`).join("") +
        `<td class="words">${escaped(states)}</td><td class="words">${escaped(remarks)}</td></tr>`
    )
}

function connectionTable(
    connections: readonly Connection[],
    drawn: Connection,
    end: number,
    evidence?: Evidence
): string {
    const rows = connections.slice(0, MOST_CONNECTIONS).map(connection => {
        const { number, client, ends, firstTime, lastTime } = connection
        const server = other(client)
        const cells = [
            number,
            escaped(endName(connection, client)),
            escaped(endName(connection, server)),
            ends[0].segments + ends[1].segments,
            ends[client].bytes,
            ends[server].bytes,
            ((lastTime - firstTime) / 1e9).toFixed(3),
            ends[0].retransmissions + ends[1].retransmissions,
        ]
        const text = cells
            .map((cell, i) => (i === 1 || i === 2 ? `<td>${cell}</td>` : `<td class="number">${cell}</td>`))
            .join("")
        const current = connection === drawn ? ' aria-current="true"' : ""
        return `<tr${current}>${text}<td class="words">${escaped(ending(connection, end, evidence))}</td></tr>`
    })
    const more = connections.length - rows.length
    return `<div class="scroll" tabindex="0" role="region" aria-label="Connections"><table><thead><tr><th class="number">#</th><th>client</th><th>server</th><th class="number">segments</th><th class="number">bytes &gt;</th><th class="number">bytes &lt;</th><th class="number">seconds</th><th class="number">repeated</th><th>how it ended</th></tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>${more > 0 ? `<p>and ${counted(more, "more connection")}</p>` : ""}`
}

/** Returns nanoseconds as seconds with microseconds. */
function time(nanoseconds: number): string {
    return (nanoseconds / 1e9).toFixed(6)
}
