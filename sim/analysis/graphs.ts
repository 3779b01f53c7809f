// Draws what one end sent over time, in the manner of tcptrace: bars of sequence numbers, the line of ACKs below them and the
// right edge of the window above. A second graph shows the window's size and the data in flight.

import { other } from "./connection"
import { Mark } from "./marks"
import { Plot, type Point, range } from "./plot"
import { Bit } from "./segment"
import type { Bar, Series } from "./series"
import { type Drawing, label, short, WIDTH } from "./svg"
import type { Wording } from "./wording"

const HEIGHT = 380
/** The window's edge is drawn up to this many times the range of what was sent: above it the bars would be too small. */
const EDGE = 3

/** Draws the graphs of both directions; a direction without data has none if the other has data. */
export function graphs(wording: Wording): Drawing[] {
    const { ends, client } = wording.connection
    const directions = [client, other(client)] as const
    const busy = directions.filter(end => ends[end].bytes > 0)
    const drawn = (busy.length > 0 ? busy : directions).filter(
        end => wording.recording.series[end].bars.length > 0
    )
    return drawn.flatMap(end => [sequenceGraph(wording, end), windowGraph(wording, end)])
}

function sequenceGraph(wording: Wording, end: 0 | 1): Drawing {
    const series = wording.recording.series[end]
    const { bars, acknowledged, sacks } = series
    const sent = range(bars.flatMap(bar => [bar.start, bar.end]))
    const limit = sent.from + (sent.to - sent.from) * EDGE
    const edges = acknowledged.map(point => point.edge).filter(edge => edge <= limit)
    const values = range([sent.from, sent.to, ...edges])
    const plot = new Plot(timesOf(series), values, HEIGHT)
    const isCut = edges.length < acknowledged.length
    const title = `What the ${wording.role(end)} sent: sequence numbers over time${thinned(series)}`
    const duplicates = acknowledged
        .filter(({ isDuplicate }) => isDuplicate)
        .map(({ time, ack }) => `M${short(plot.x(time))} ${short(plot.y(ack) - 3)}v6`)
    const blocks = sacks.map(block => bar(plot, block.time, block.start, block.end))
    const body = [
        plot.axes(title, "bytes"),
        plot.stairs(
            acknowledged.map(({ time, edge }) => ({ time, value: edge })),
            "window"
        ),
        plot.stairs(
            acknowledged.map(({ time, ack }) => ({ time, value: ack })),
            "ack"
        ),
        path("ack", duplicates),
        path("sack", blocks),
        barPaths(plot, bars),
        ...letters(plot, bars),
        plot.legend([
            ["bar", "sent"],
            ["bar again", "R sent again"],
            ["bar late", "O out of order"],
            ["ack", "acknowledged"],
            ["window", isCut ? "edge of the window (partly above)" : "edge of the window"],
            ...(sacks.length > 0 ? ([["sack", "SACK"]] as const) : []),
        ]),
    ]
    const description = `${bars.length} bars from ${sent.from} to ${sent.to}, ${acknowledged.length} ACKs. The table of segments has the same numbers.`
    return { title, description, height: HEIGHT, body: body.join("\n") }
}

function windowGraph(wording: Wording, end: 0 | 1): Drawing {
    const series = wording.recording.series[end]
    const windows = series.acknowledged.map(({ time, ack, edge }) => ({ time, value: edge - ack }))
    const flight = inFlight(series)
    const values = range([0, ...windows.map(({ value }) => value), ...flight.map(({ value }) => value)])
    const plot = new Plot(timesOf(series), values, 260)
    const title = `Window of the ${wording.role(other(end))}, and data in flight to it${thinned(series)}`
    const body = [
        plot.axes(title, "bytes"),
        plot.stairs(windows, "window"),
        plot.stairs(flight, "bar"),
        plot.legend([
            ["window", "window"],
            ["bar", "sent and not acknowledged"],
        ]),
    ]
    const most = Math.max(0, ...flight.map(({ value }) => value))
    const description = `The window is between ${Math.min(...windows.map(({ value }) => value), values.to)} and ${values.to} bytes; at most ${most} bytes were in flight.`
    return { title, description, height: 260, body: body.join("\n") }
}

function timesOf({ bars, acknowledged }: Series) {
    return range([...bars.map(({ time }) => time), ...acknowledged.map(({ time }) => time)])
}

function thinned({ isThinned }: Series): string {
    return isThinned ? " (neighbours are drawn as one: there are too many)" : ""
}

/** Returns the data that was sent and not acknowledged, over time. */
function inFlight({ bars, acknowledged }: Series): Point[] {
    const points: Point[] = []
    let highest: number | undefined
    let ack: number | undefined
    let next = 0
    for (const { time, end, start } of bars) {
        for (; next < acknowledged.length && acknowledged[next]!.time < time; next++) {
            ack = Math.max(ack ?? 0, acknowledged[next]!.ack)
            if (highest !== undefined)
                points.push({ time: acknowledged[next]!.time, value: Math.max(0, highest - ack) })
        }
        highest = Math.max(highest ?? end, end)
        points.push({ time, value: Math.max(0, highest - (ack ?? start)) })
    }
    for (const point of acknowledged.slice(next)) {
        ack = Math.max(ack ?? 0, point.ack)
        if (highest !== undefined) points.push({ time: point.time, value: Math.max(0, highest - ack) })
    }
    return points
}

function bar(plot: Plot, time: number, start: number, end: number): string {
    const x = plot.x(time)
    return `M${short(x - 2)} ${short(plot.y(start))}h4m-2 0V${short(plot.y(end))}m-2 0h4`
}

function path(className: string, parts: readonly string[]): string {
    return parts.length === 0 ? "" : `<path class="${className}" d="${parts.join("")}"/>`
}

function kind({ marks }: Bar): "bar" | "bar again" | "bar late" {
    if (marks & Mark.Retransmission) return "bar again"
    return marks & Mark.OutOfOrder ? "bar late" : "bar"
}

function barPaths(plot: Plot, bars: readonly Bar[]): string {
    return (["bar", "bar again", "bar late"] as const)
        .map(name =>
            path(
                name,
                bars.filter(one => kind(one) === name).map(one => bar(plot, one.time, one.start, one.end))
            )
        )
        .join("")
}

/** Returns the letters beside special bars, like those of tcptrace. */
function letters(plot: Plot, bars: readonly Bar[]): string[] {
    return bars.flatMap(one => {
        const text =
            one.marks & Mark.Retransmission
                ? "R"
                : one.marks & Mark.OutOfOrder
                  ? "O"
                  : one.bits & Bit.Rst
                    ? "RST"
                    : one.bits & Bit.Syn
                      ? "SYN"
                      : one.bits & Bit.Fin
                        ? "FIN"
                        : ""
        if (text === "") return []
        const style = text === "R" || text === "RST" ? "again-text" : text === "O" ? "late-text" : "quiet"
        const x = plot.x(one.time)
        const isLast = x > WIDTH - 60
        const anchor = isLast ? ' text-anchor="end"' : ""
        return [label(isLast ? x - 4 : x + 4, plot.y(one.end) - 4, text, `class="${style}"${anchor}`)]
    })
}
