import fc from "fast-check"
import { expect, test } from "vitest"
import { squares } from "../../sim/budget/squares"

const area = { x: 10, y: 20, width: 640, height: 480 }

test("a treemap of one part has all of the area, of none nothing", () => {
    expect(squares([7], area)).toEqual([area])
    expect(squares([], area)).toEqual([])
})

test("a treemap of several parts has areas by size, within the frame and without overlap", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 60 })
    fc.assert(
        fc.property(sizes, given => {
            const falling = [...given].sort((a, b) => b - a)
            const total = falling.reduce((sum, size) => sum + size, 0)
            const found = squares(falling, area)
            expect(found).toHaveLength(falling.length)
            const slack = 1e-6
            found.forEach((one, i) => {
                const expected = (falling[i]! / total) * area.width * area.height
                expect(Math.abs(one.width * one.height - expected)).toBeLessThan(1e-3)
                expect(one.x).toBeGreaterThanOrEqual(area.x - slack)
                expect(one.y).toBeGreaterThanOrEqual(area.y - slack)
                expect(one.x + one.width).toBeLessThanOrEqual(area.x + area.width + slack)
                expect(one.y + one.height).toBeLessThanOrEqual(area.y + area.height + slack)
                for (const other of found.slice(i + 1)) {
                    const across =
                        Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x)
                    const down =
                        Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y)
                    expect(Math.min(across, down)).toBeLessThan(slack)
                }
            })
        })
    )
})
