// Divides a rectangle into areas of given sizes that are as square as possible (Bruls, Huizing, van Wijk: Squarified Treemaps,
// 2000).

export interface Rectangle {
    x: number
    y: number
    width: number
    height: number
}

/** Returns a rectangle for each size; together they fill `area`. The sizes have to be above 0 and in descending order. */
export function squares(sizes: readonly number[], area: Rectangle): Rectangle[] {
    const found: Rectangle[] = []
    const total = sizes.reduce((sum, size) => sum + size, 0)
    const scale = total === 0 ? 0 : (area.width * area.height) / total
    let { x, y, width, height } = area
    for (let from = 0; from < sizes.length; ) {
        const side = Math.min(width, height)
        let to = from + 1
        while (
            to < sizes.length &&
            worst(sizes, from, to + 1, side, scale) <= worst(sizes, from, to, side, scale)
        )
            to++
        let sum = 0
        for (let i = from; i < to; i++) sum += sizes[i] * scale
        // a row along the shorter side
        const depth = side === 0 ? 0 : sum / side
        let along = 0
        for (let i = from; i < to; i++) {
            const length = depth === 0 ? 0 : (sizes[i] * scale) / depth
            if (width >= height) found.push({ x, y: y + along, width: depth, height: length })
            else found.push({ x: x + along, y, width: length, height: depth })
            along += length
        }
        if (width >= height) {
            x += depth
            width -= depth
        } else {
            y += depth
            height -= depth
        }
        from = to
    }
    return found
}

/** Returns the worst ratio of the longer to the shorter side in a row. */
function worst(sizes: readonly number[], from: number, to: number, side: number, scale: number): number {
    let sum = 0
    for (let i = from; i < to; i++) sum += sizes[i] * scale
    const most = sizes[from] * scale
    const least = sizes[to - 1] * scale
    return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least))
}
