// A number below 248 takes one byte, a greater one three: so functions and strings are numbered by how often the code
// refers to them.

import { type ImageRecord, Section } from "./image"
import { Op } from "./opcodes"
import { type ProgramFunction, walkFunction } from "./program"
import { refersToFunction } from "./unused"

/** Kind of string in a function's name: the upper bits. */
const ASCII = 2 << 14

/** The order in which functions are to lie: the one that the program begins with stays the first. They are renumbered to it. */
export function orderFunctions(functions: readonly ProgramFunction[]): number[] {
    const uses = functions.map(() => 0)
    for (const fn of functions) {
        walkFunction(fn, ({ op, number }) => {
            if (refersToFunction(op)) uses[number]++
        })
    }
    uses[0] = Number.POSITIVE_INFINITY
    const order = byUses(uses)
    const numbers = inverse(order)
    for (const fn of functions) {
        walkFunction(fn, tree => {
            if (refersToFunction(tree.op)) tree.number = numbers[tree.number]
        })
    }
    return order
}

/** Renumbers the strings of plain ASCII in the code, in the names of functions and in the image's own table. */
export function orderStrings(record: ImageRecord, functions: readonly ProgramFunction[]): void {
    const table = record.rest[Section.Ascii - Section.Floats]
    // services name strings by number as well
    if (record.rest[Section.Specs - Section.Floats].length > 0) return
    const uses = new Array<number>(table.length / 2).fill(0)
    for (const fn of functions) {
        walkFunction(fn, ({ op, number }) => {
            if (refersToString(op)) uses[number]++
        })
    }
    const order = byUses(uses)
    const numbers = inverse(order)
    for (const fn of functions) {
        if ((fn.name & ~0x3fff) === ASCII) fn.name = ASCII | numbers[fn.name & 0x3fff]
        walkFunction(fn, tree => {
            if (refersToString(tree.op)) tree.number = numbers[tree.number]
        })
    }
    const old = table.slice()
    order.forEach((from, to) => {
        table.set(old.subarray(2 * from, 2 * from + 2), 2 * to)
    })
}

function refersToString(op: Op): boolean {
    return op === Op.AsciiField || op === Op.StaticAsciiString
}

/** Numbers by falling uses; equal ones stay in their order. */
function byUses(uses: readonly number[]): number[] {
    return uses.map((_, n) => n).sort((a, b) => (uses[a] === uses[b] ? a - b : uses[a] < uses[b] ? 1 : -1))
}

function inverse(order: readonly number[]): number[] {
    const numbers = new Array<number>(order.length)
    order.forEach((old, n) => {
        numbers[old] = n
    })
    return numbers
}
