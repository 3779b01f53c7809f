// The parts that all pictures share: colours for light and dark, and the width.

import { escaped } from "../view/markup"

/** The width of every picture. */
export const WIDTH = 960
/** The approximate width of a letter of the text in pictures. */
export const LETTER = 6.6

/** The style of the pictures. A picture file contains it; in a page, the page does. */
export const SVG_STYLE = `
.picture { --ground: #fff; --text: #1a1a1a; --quiet: #5c5c5c; --line: #d0d0d0; --data: #0b62a8; --syn: #1a7f37; --fin: #8a3ffc; --bad: #c62828; --trouble: #a15c00; --ack: #1a7f37; --window: #b8860b; --sack: #8a3ffc }
@media (prefers-color-scheme: dark) { .picture { --ground: #16181b; --text: #ececec; --quiet: #a8a8a8; --line: #3a3d42; --data: #6cb6ff; --syn: #57c46f; --fin: #c5a3ff; --bad: #ff7b72; --trouble: #f0b35a; --ack: #57c46f; --window: #d9b84a; --sack: #c5a3ff } }
.picture text { fill: var(--text); font: 12px ui-monospace, Menlo, Consolas, monospace; white-space: pre }
.picture .ground { fill: var(--ground) } .picture .quiet { fill: var(--quiet) } .picture .title { font-weight: 600 }
.picture .state { font-weight: 600 } .picture .life, .picture .axis { stroke: var(--line); fill: none }
.picture .arrow { stroke: var(--text); fill: none; stroke-width: 1.4 } .picture .head { fill: var(--text); stroke: none }
.picture .data .arrow { stroke: var(--data) } .picture .data .head, .picture .data text { fill: var(--data) }
.picture .syn .arrow { stroke: var(--syn) } .picture .syn .head, .picture .syn text { fill: var(--syn) }
.picture .fin .arrow { stroke: var(--fin) } .picture .fin .head, .picture .fin text { fill: var(--fin) }
.picture .trouble .arrow { stroke: var(--trouble); stroke-dasharray: 6 3 } .picture .trouble .head, .picture .trouble text { fill: var(--trouble) }
.picture .bad .arrow { stroke: var(--bad) } .picture .bad .head, .picture .bad text { fill: var(--bad) }
.picture .row .state, .picture .row .quiet { fill: var(--text) } .picture .row .quiet { fill: var(--quiet) }
.picture .row.chosen .arrow { stroke-width: 3.5 }
.picture .bar { stroke: var(--data); fill: none } .picture .bar.again { stroke: var(--bad) } .picture .bar.late { stroke: var(--trouble) }
.picture .again-text { fill: var(--bad) } .picture .late-text { fill: var(--trouble) }
.picture .ack { stroke: var(--ack); fill: none } .picture .window { stroke: var(--window); fill: none } .picture .sack { stroke: var(--sack); fill: none; stroke-width: 2 }
`

/** Returns a text element. */
export function label(x: number, y: number, text: string, attributes = ""): string {
    return `<text x="${short(x)}" y="${short(y)}"${attributes === "" ? "" : ` ${attributes}`}>${escaped(text)}</text>`
}

/** Returns a coordinate with at most one decimal. */
export function short(value: number): string {
    return String(Math.round(value * 10) / 10)
}

/** A picture without its frame. */
export interface Drawing {
    readonly title: string
    readonly description: string
    readonly height: number
    /** SVG elements. */
    readonly body: string
}

/** Returns a drawing as an element of a page, with a name for screen readers. */
export function element({ title, description, height, body }: Drawing, id: string): string {
    return `<svg class="picture" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${escaped(title)}</title><desc id="${id}-text">${escaped(description)}</desc>
${body}
</svg>`
}

/** Returns drawings below each other as an SVG file. */
export function svgFile(title: string, description: string, drawings: readonly Drawing[]): string {
    let top = 0
    const parts = drawings.map(({ height, body }) => {
        const part = `<g transform="translate(0 ${top})">\n${body}\n</g>`
        top += height + 16
        return part
    })
    return `<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" aria-labelledby="title text">
<title id="title">${escaped(title)}</title><desc id="text">${escaped(description)}</desc>
<style>${SVG_STYLE}</style>
<rect class="ground" width="${WIDTH}" height="${top}"/>
${parts.join("\n")}
</svg>
`
}
