// The state diagram of RFC 9293 section 3.3.2, figure 5, as SVG. CLOSED is drawn twice, at the beginning and at the end, as there.

import { escaped } from "../view/markup"

/** The states, each with the middle of its box. */
const NODES: readonly (readonly [state: string, x: number, y: number])[] = [
    ["CLOSED", 220, 24],
    ["LISTEN", 112, 104],
    ["SYN-RECEIVED", 76, 186],
    ["SYN-SENT", 352, 186],
    ["ESTABLISHED", 220, 268],
    ["FIN-WAIT-1", 76, 350],
    ["CLOSE-WAIT", 356, 350],
    ["FIN-WAIT-2", 76, 442],
    ["CLOSING", 222, 442],
    ["LAST-ACK", 356, 442],
    ["TIME-WAIT", 150, 534],
    ["CLOSED", 336, 534],
]

/** A transition of the figure: the way of its arrow, and what causes it and is sent, with the place and anchor of that text. */
interface Edge {
    readonly from: string
    readonly to: string
    readonly way: string
    readonly text?: readonly [text: string, x: number, y: number, anchor: "start" | "middle" | "end"]
}

const EDGES: readonly Edge[] = [
    { from: "CLOSED", to: "LISTEN", way: "M186 40L122 87", text: ["passive open", 136, 62, "end"] },
    { from: "CLOSED", to: "SYN-SENT", way: "M252 40L342 169", text: ["open / SYN", 294, 92, "start"] },
    { from: "LISTEN", to: "CLOSED", way: "M146 88L210 42", text: ["close", 190, 76, "start"] },
    {
        from: "LISTEN",
        to: "SYN-RECEIVED",
        way: "M106 120L84 169",
        text: ["SYN / SYN-ACK", 104, 148, "start"],
    },
    { from: "LISTEN", to: "SYN-SENT", way: "M168 110L306 169", text: ["send / SYN", 226, 128, "start"] },
    {
        from: "SYN-SENT",
        to: "SYN-RECEIVED",
        way: "M296 186H135",
        text: ["SYN / SYN-ACK", 214, 181, "middle"],
    },
    {
        from: "SYN-SENT",
        to: "CLOSED",
        way: "M384 170C400 90 350 30 279 25",
        text: ["close", 378, 70, "start"],
    },
    {
        from: "SYN-SENT",
        to: "ESTABLISHED",
        way: "M338 202L258 251",
        text: ["SYN-ACK / ACK", 306, 234, "start"],
    },
    { from: "SYN-RECEIVED", to: "ESTABLISHED", way: "M98 202L180 251", text: ["ACK", 150, 226, "start"] },
    { from: "SYN-RECEIVED", to: "LISTEN", way: "M52 170L84 121", text: ["RST", 58, 146, "end"] },
    { from: "SYN-RECEIVED", to: "FIN-WAIT-1", way: "M60 202V333", text: ["close / FIN", 66, 276, "start"] },
    {
        from: "ESTABLISHED",
        to: "FIN-WAIT-1",
        way: "M184 284L102 333",
        text: ["close / FIN", 150, 318, "start"],
    },
    {
        from: "ESTABLISHED",
        to: "CLOSE-WAIT",
        way: "M256 284L334 333",
        text: ["FIN / ACK", 304, 306, "start"],
    },
    { from: "FIN-WAIT-1", to: "FIN-WAIT-2", way: "M70 366V425", text: ["ACK", 64, 400, "end"] },
    { from: "FIN-WAIT-1", to: "CLOSING", way: "M132 358L208 425", text: ["FIN / ACK", 184, 394, "start"] },
    { from: "FIN-WAIT-1", to: "TIME-WAIT", way: "M112 366L148 424V517" },
    { from: "FIN-WAIT-2", to: "TIME-WAIT", way: "M84 458L126 517", text: ["FIN / ACK", 92, 494, "end"] },
    { from: "CLOSING", to: "TIME-WAIT", way: "M212 458L174 517", text: ["ACK", 202, 494, "start"] },
    { from: "TIME-WAIT", to: "CLOSED", way: "M206 534H277", text: ["2 MSL", 242, 528, "middle"] },
    { from: "CLOSE-WAIT", to: "LAST-ACK", way: "M356 366V425", text: ["close / FIN", 362, 400, "start"] },
    { from: "LAST-ACK", to: "CLOSED", way: "M352 458L342 517", text: ["ACK", 358, 494, "start"] },
]

/** Returns the diagram; the page marks the path of a connection in it. */
export function diagram(): string {
    const half = { width: 56, height: 16 }
    const nodes = NODES.map(
        ([state, x, y]) =>
            `<g class="node" data-state="${state}" data-x="${x}" data-y="${y}"><rect x="${x - half.width}" y="${y - half.height}" ` +
            `width="${2 * half.width}" height="${2 * half.height}" rx="5"/><text x="${x}" y="${y + 4}" text-anchor="middle">${state}</text></g>`
    )
    const edges = EDGES.map(({ from, to, way, text }) => {
        const label =
            text === undefined
                ? ""
                : `<text x="${text[1]}" y="${text[2]}" text-anchor="${text[3]}">${escaped(text[0])}</text>`
        return `<g class="edge" data-from="${from}" data-to="${to}"><path d="${way}"/>${label}</g>`
    })
    const tip = (id: string) =>
        `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z"/></marker>`
    return `<svg id="states" viewBox="0 0 440 556" role="img" aria-labelledby="states-title states-text">
<title id="states-title">State diagram of RFC 9293, figure 5</title><desc id="states-text">The path of the connection is listed below the diagram.</desc>
<defs>${tip("tip")}${tip("tip-taken")}</defs>
<g>${edges.join("\n")}</g>
<g id="other-steps"></g>
${nodes.join("\n")}
</svg>`
}
