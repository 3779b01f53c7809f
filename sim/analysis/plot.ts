// Axes and lines of a graph over time.

import { label, short, WIDTH } from "./svg"

const LEFT = 84
const RIGHT = WIDTH - 20
const TOP = 30
const BOTTOM = 48

/** A point of a line; times in ns. */
export interface Point {
    readonly time: number
    readonly value: number
}

export interface Range {
    readonly from: number
    readonly to: number
}

/** The place of times and values in a picture of `height`. */
export class Plot {
    readonly bottom: number

    constructor(
        readonly times: Range,
        readonly values: Range,
        readonly height: number
    ) {
        this.bottom = height - BOTTOM
    }

    x(time: number): number {
        return LEFT + ((time - this.times.from) / (this.times.to - this.times.from)) * (RIGHT - LEFT)
    }

    /** Returns the place of a value; a value outside the range is at the edge. */
    y(value: number): number {
        const part = (value - this.values.from) / (this.values.to - this.values.from)
        return this.bottom - Math.max(0, Math.min(1, part)) * (this.bottom - TOP)
    }

    /** Draws the title, both axes, and their numbers. */
    axes(title: string, unit: string): string {
        const parts = [label(LEFT, 16, title, 'class="title"')]
        const lines: string[] = []
        for (const value of ticks(this.values, 6)) {
            const y = short(this.y(value))
            lines.push(`M${LEFT} ${y}H${RIGHT}`)
            parts.push(label(LEFT - 6, this.y(value) + 4, amount(value), 'class="quiet" text-anchor="end"'))
        }
        for (const time of ticks({ from: this.times.from / 1e9, to: this.times.to / 1e9 }, 8)) {
            const x = short(this.x(time * 1e9))
            lines.push(`M${x} ${this.bottom}v5`)
            parts.push(
                label(
                    this.x(time * 1e9),
                    this.bottom + 18,
                    String(time),
                    'class="quiet" text-anchor="middle"'
                )
            )
        }
        parts.push(label(RIGHT, this.bottom + 34, "seconds", 'class="quiet" text-anchor="end"'))
        parts.push(label(8, 16, unit, 'class="quiet"'))
        return `<path class="axis" d="${lines.join("")}M${LEFT} ${TOP}V${this.bottom}H${RIGHT}"/>${parts.join("")}`
    }

    /** Draws a line that keeps each value until the next. */
    stairs(points: readonly Point[], className: string): string {
        if (points.length === 0) return ""
        const steps = points.map(({ time, value }, i) =>
            i === 0
                ? `M${short(this.x(time))} ${short(this.y(value))}`
                : `H${short(this.x(time))}V${short(this.y(value))}`
        )
        return `<path class="${className}" d="${steps.join("")}"/>`
    }

    /** Draws the legend of the lines, each in its class. */
    legend(entries: readonly (readonly [className: string, text: string])[]): string {
        let x = LEFT
        return entries
            .map(([className, text]) => {
                const at = x
                x += 34 + text.length * 7.3
                return `<path class="${className}" d="M${short(at)} ${this.bottom + 30}h16"/>${label(at + 20, this.bottom + 34, text, 'class="quiet"')}`
            })
            .join("")
    }
}

/** Returns a range that is not empty. */
export function range(values: Iterable<number>): Range {
    let from = Number.POSITIVE_INFINITY
    let to = Number.NEGATIVE_INFINITY
    for (const value of values) {
        from = Math.min(from, value)
        to = Math.max(to, value)
    }
    if (!Number.isFinite(from)) return { from: 0, to: 1 }
    return to > from ? { from, to } : { from, to: from + 1 }
}

/** Returns round numbers in a range, about `count`. */
export function ticks({ from, to }: Range, count: number): number[] {
    const rough = (to - from) / count
    const power = 10 ** Math.floor(Math.log10(rough))
    const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough) ?? 10 * power
    const decimals = Math.max(0, -Math.floor(Math.log10(step)))
    const found: number[] = []
    for (let i = Math.ceil(from / step); i * step <= to && found.length < 4 * count; i++)
        found.push(Number((i * step).toFixed(Math.min(12, decimals))))
    return found
}

/** Returns a number with k or M for thousands and millions. */
function amount(value: number): string {
    if (value >= 1e7) return `${Math.round(value / 1e5) / 10} M`
    return value >= 1e4 ? `${Math.round(value / 100) / 10} k` : String(value)
}
