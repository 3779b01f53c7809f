// Numbers functions and strings by how often the code names them: a number below 248 takes one byte in the code, a larger one
// three.

import { type ImageRecord, Section } from "./image"
import { Op } from "./opcodes"
import { type ProgramFunction, walkFunction } from "./program"
import { readStrings, writeStrings } from "./strings"
import { refersToFunction } from "./unused"

/** The upper bits of a function's name say in which table the string is. */
const KIND = 3 << 14
const ASCII = 2 << 14
const UTF8 = 3 << 14
/** Numbers below this take one byte. */
const SHORT = 248

/** Renumbers the functions and returns their new order. The function with which the program begins stays the first. */
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

/**
 * Renumbers the strings in the code, in the names of functions and in the image's tables. ASCII strings that would get long
 * numbers go to the UTF-8 table while that has short numbers left. Unused strings are dropped.
 */
export function orderStrings(record: ImageRecord, functions: readonly ProgramFunction[]): void {
    // the specifications of Jacdac services name strings by number, too
    if (record.rest[Section.Specs - Section.Floats].length > 0) return
    const { ascii, utf8, buffers } = readStrings(record)
    const uses = { [ASCII]: ascii.map(() => -1), [UTF8]: utf8.map(() => -1) }
    for (const fn of functions) {
        const kind = fn.name & KIND
        if (kind === ASCII || kind === UTF8) uses[kind][fn.name & ~KIND] = 0
    }
    for (const fn of functions) {
        walkFunction(fn, ({ op, number }) => {
            const kind = kindOfString(op)
            if (kind !== undefined) uses[kind][number] = Math.max(0, uses[kind][number]) + 1
        })
    }
    const inAscii = byUses(uses[ASCII]).filter(n => uses[ASCII][n] >= 0)
    const inUtf8 = byUses(uses[UTF8]).filter(n => uses[UTF8][n] >= 0)
    const room = Math.max(0, SHORT - inUtf8.length)
    const moved = inAscii
        .slice(SHORT)
        .filter(n => uses[ASCII][n] > 0)
        .slice(0, room)
    const stay = inAscii.filter(n => !moved.includes(n))
    const names = new Map<number, number>()
    stay.forEach((old, n) => {
        names.set(ASCII | old, ASCII | n)
    })
    for (const [n, old] of [...inUtf8.map(old => UTF8 | old), ...moved.map(old => ASCII | old)].entries())
        names.set(old, UTF8 | n)
    for (const fn of functions) {
        fn.name = names.get(fn.name) ?? fn.name
        walkFunction(fn, tree => {
            const kind = kindOfString(tree.op)
            if (kind === undefined) return
            const name = names.get(kind | tree.number)!
            tree.number = name & ~KIND
            const isField = tree.op === Op.AsciiField || tree.op === Op.Utf8Field
            if ((name & KIND) === ASCII) tree.op = isField ? Op.AsciiField : Op.StaticAsciiString
            else tree.op = isField ? Op.Utf8Field : Op.StaticUtf8String
        })
    }
    writeStrings(record, {
        ascii: stay.map(n => ascii[n]),
        utf8: [...inUtf8.map(n => utf8[n]), ...moved.map(n => ascii[n])],
        buffers,
    })
}

function kindOfString(op: Op): typeof ASCII | typeof UTF8 | undefined {
    switch (op) {
        case Op.AsciiField:
        case Op.StaticAsciiString:
            return ASCII
        case Op.Utf8Field:
        case Op.StaticUtf8String:
            return UTF8
        default:
            return undefined
    }
}

/** Returns the numbers by descending uses; numbers with equal uses stay in their order. */
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
