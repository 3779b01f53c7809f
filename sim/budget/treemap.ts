// Draws the code of a program in one HTML file that loads nothing else: an area for each file with its functions, and below it a
// table with the same content.

import { CODE_LIMIT } from "../optimizer/image"
import { escaped } from "../view/markup"
import type { Part } from "./parts"
import { type Rectangle, squares } from "./squares"
import { bytes } from "./table"

const WIDTH = 1280
const HEIGHT = 820
/** The height of the line with the name of a folder or a file. */
const LABEL = 15
const PADDING = 2
/** The approximate width of a letter. */
const LETTER = 6.2
/** The step between the hues of two folders, degrees. The golden angle keeps the hues of neighbours far apart. */
const HUE_STEP = 137.5

const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --text: #1a1a1a; --quiet: #5c5c5c; --line: #d0d0d0; --s: 55%; --l: 84%; --l2: 90% }
@media (prefers-color-scheme: dark) { :root { --ground: #16181b; --text: #ececec; --quiet: #a8a8a8; --line: #3a3d42; --s: 30%; --l: 27%; --l2: 21% } }
body { margin: 0 auto; padding: 1rem; max-width: 84rem; background: var(--ground); color: var(--text); font: 16px/1.4 system-ui, sans-serif }
h1 { font-size: 1.4rem; margin: 0 0 .3rem } h2 { font-size: 1.1rem }
p { margin: 0 0 .8rem; color: var(--quiet) }
.picture { overflow-x: auto } svg { min-width: 56rem; width: 100%; height: auto; display: block; font: 11px system-ui, sans-serif }
svg text { fill: var(--text); pointer-events: none } svg .folder { font-weight: 600 } svg .bytes { fill: var(--quiet) }
rect { stroke: var(--ground); stroke-width: 1 }
.ground { fill: hsl(var(--h) var(--s) var(--l2)) } .file, .function { fill: hsl(var(--h) var(--s) var(--l)) }
a:hover .file, a:focus-visible .file { stroke: var(--text); stroke-width: 2 } a:focus { outline: none }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .1rem .6rem; text-align: right; font-weight: 400 } th:first-child { text-align: left }
thead th { border-bottom: 1px solid var(--line); font-weight: 600; position: sticky; top: 0; background: var(--ground) }
tr.package th, tr.folder th { font-weight: 600 } tr.folder th { padding-left: 1.4rem } tr.file th { padding-left: 2.6rem }
tr.function th, tr.function td { color: var(--quiet) } tr.function th { padding-left: 3.8rem }
tr:target { background: hsl(50 80% 50% / .25) }
`

const KINDS = ["package", "folder", "file", "function"] as const

/** Returns an HTML page for a program's code. */
export function treemap(program: string, root: Part): string {
    const title = `${program}: ${bytes(root.bytes)} bytes of code`
    const left = CODE_LIMIT - root.bytes
    const limit =
        left > 0
            ? `${bytes(left)} bytes are left of the ${bytes(CODE_LIMIT)} that the VM can count.`
            : `That is ${bytes(-left)} bytes above the VM's limit: the code has to end below ${bytes(CODE_LIMIT)}.`
    return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<h1>${escaped(title)}</h1>
<p>${limit} Each area is a file, and its parts are the file's functions. A click on a file leads to its line in the table.</p>
<div class="picture" tabindex="0" role="region" aria-label="Picture of the code, as wide as the page or scrolled">
${picture(root)}
</div>
<h2>The same as a table</h2>
<table>
<thead><tr><th scope="col">part</th><th scope="col">bytes</th><th scope="col">of all</th></tr></thead>
<tbody>
${rows(root).join("\n")}
</tbody>
</table>
</html>
`
}

function picture(root: Part): string {
    const folders = root.parts
        .flatMap(pack => pack.parts.map(folder => ({ pack, folder })))
        .sort((a, b) => b.folder.bytes - a.folder.bytes)
    const places = squares(
        folders.map(({ folder }) => folder.bytes),
        { x: 0, y: 0, width: WIDTH, height: HEIGHT }
    )
    const drawn = folders.map(({ pack, folder }, i) => {
        const hue = Math.round((i * HUE_STEP) % 360)
        const place = places[i]
        const name = root.parts.indexOf(pack) === 0 ? folder.name : `${pack.name} ${folder.name}`
        return `<g style="--h:${hue}">${area("ground", place, `${name}: ${bytes(folder.bytes)} bytes`)}${label(
            "folder",
            name,
            folder.bytes,
            place
        )}${files(folder, `${pack.name}/${folder.name}`, inside(place))}</g>`
    })
    const name = "Areas in proportion to the code of each file; the table below has the same numbers"
    return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label="${name}">${drawn.join("\n")}</svg>`
}

function files(folder: Part, path: string, place: Rectangle): string {
    const places = squares(
        folder.parts.map(file => file.bytes),
        place
    )
    return folder.parts
        .map((file, i) => {
            const text = `${path}/${file.name}: ${bytes(file.bytes)} bytes`
            const room = inside(places[i])
            const own = squares(
                file.parts.map(part => part.bytes),
                room
            )
            const parts = file.parts.map((part, j) =>
                area("function", own[j], `${part.name}, ${file.name}: ${bytes(part.bytes)} bytes`)
            )
            const names = file.parts.map((part, j) => label("", part.name, part.bytes, own[j]))
            return `<a href="#${idOf(`${path}/${file.name}`)}" aria-label="${escaped(text)}">${area("file", places[i], text)}${parts.join(
                ""
            )}${label("", file.name, file.bytes, places[i])}${room.height > LABEL ? names.join("") : ""}</a>`
        })
        .join("\n")
}

/** Returns the part of a rectangle below its label. */
function inside({ x, y, width, height }: Rectangle): Rectangle {
    const label = height > 2.5 * LABEL ? LABEL : 0
    return {
        x: x + PADDING,
        y: y + PADDING + label,
        width: Math.max(0, width - 2 * PADDING),
        height: Math.max(0, height - 2 * PADDING - label),
    }
}

function area(kind: string, { x, y, width, height }: Rectangle, title: string): string {
    const sides = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`
    return `<rect class="${kind}" ${sides}><title>${escaped(title)}</title></rect>`
}

/** Returns the label of a rectangle, cut to its width; empty if the rectangle has room for only a few letters. */
function label(kind: string, name: string, size: number, { x, y, width, height }: Rectangle): string {
    const letters = Math.floor((width - 6) / LETTER)
    if (height < LABEL || letters < 4) return ""
    const whole = `${name} ${bytes(size)}`
    const text =
        whole.length <= letters
            ? `${escaped(name)} <tspan class="bytes">${bytes(size)}</tspan>`
            : escaped(name.length <= letters ? name : `${name.slice(0, letters - 1)}…`)
    return `<text class="${kind}" x="${round(x + 4)}" y="${round(y + 12)}">${text}</text>`
}

function rows(root: Part): string[] {
    const found: string[] = []
    const walk = (part: Part, depth: number, path: string): void => {
        const share = `${((100 * part.bytes) / root.bytes).toFixed(1)} %`
        const id = KINDS[depth] === "file" ? ` id="${idOf(path)}"` : ""
        found.push(
            `<tr class="${KINDS[depth]}"${id}><th scope="row">${escaped(part.name)}</th><td>${bytes(part.bytes)}</td><td>${share}</td></tr>`
        )
        for (const child of part.parts) walk(child, depth + 1, `${path}/${child.name}`)
    }
    for (const part of root.parts) walk(part, 0, part.name)
    return found
}

function idOf(path: string): string {
    return path.replaceAll(/[^\w.-]/g, "-")
}

function round(value: number): number {
    return Math.round(value * 10) / 10
}
