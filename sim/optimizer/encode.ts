// Encodes blocks into a function's bytes, with the shortest form of every number and jump.

import { FIRST_CONSTANT, GREATEST_CONSTANT, LEAST_CONSTANT, Op, shapeOf } from "./opcodes"
import type { Place } from "./places"
import { type Block, type End, endValue, type Node, node, type ProgramFunction } from "./program"

const FIRST_MULTIBYTE = 0xf8
const NEGATIVE = 4

export interface Encoded {
    code: Uint8Array
    /** The offset in the code and the place in the sources of each operation, by ascending offset. */
    places: { offset: number; place: Place | undefined }[]
}

/** An operation in the order of the code. */
interface Item {
    op: Op
    number: number
    to?: Block
    place: Place | undefined
}

/** Encodes a function. */
export function encodeFunction({ blocks }: ProgramFunction): Encoded {
    const items: Item[] = []
    const firsts = new Map<Block, number>()
    blocks.forEach((block, n) => {
        firsts.set(block, items.length)
        for (const statement of block.statements) flatten(statement, items)
        flattenEnd(block, blocks[n + 1], items)
    })
    const targets = items.map(({ to }) => (to === undefined ? -1 : firsts.get(to)!))
    const { offsets, widths } = layOut(items, targets)
    const code: number[] = []
    const places: Encoded["places"] = []
    items.forEach(({ op, number, place }, n) => {
        places.push({ offset: code.length, place })
        if (isShort(op, number)) {
            code.push(number - LEAST_CONSTANT + FIRST_CONSTANT)
            return
        }
        code.push(op)
        if (targets[n] >= 0) putNumber(code, offsets[targets[n]] - offsets[n], widths[n] - 1)
        else if (shapeOf(op)!.number) putNumber(code, number, widthOf(number))
    })
    return { code: Uint8Array.from(code), places }
}

/** A jump in a function's code. */
export interface Jump {
    /** The block that ends with the jump. */
    from: Block
    to: Block
    offset: number
    width: number
}

/** The size of the statements of each block, bytes, for a pass that only moves blocks. */
export type Bodies = Map<Block, number>

export function measureBodies({ blocks }: ProgramFunction): Bodies {
    return new Map(blocks.map(block => [block, bodySize(block)]))
}

function bodySize({ statements }: Block): number {
    let size = 0
    for (const statement of statements) size += expressionSize(statement)
    return size
}

/** Returns the size of a function's code in bytes, without encoding it. */
export function codeSize(fn: ProgramFunction, bodies?: Bodies): number {
    return measure(fn, bodies).size
}

/** Returns the size of the end of a block, bytes, if `following` is the next block and all jumps are near. */
export function endSize({ end }: Block, following: Block | undefined): number {
    return endSizes(end, following).reduce<number>(
        (sum, part) => sum + (typeof part === "number" ? part : 2),
        0
    )
}

/** Returns the size of a function's code, and its jumps. */
export function measure({ blocks }: ProgramFunction, bodies?: Bodies): { size: number; jumps: Jump[] } {
    // the bytes between each jump and the jump before it
    const fixed: number[] = []
    const jumps: Jump[] = []
    const starts = new Map<Block, { jumps: number; bytes: number }>()
    let bytes = 0
    blocks.forEach((block, n) => {
        starts.set(block, { jumps: fixed.length, bytes })
        bytes += bodies?.get(block) ?? bodySize(block)
        for (const to of endSizes(block.end, blocks[n + 1])) {
            if (typeof to === "number") bytes += to
            else {
                fixed.push(bytes)
                jumps.push({ from: block, to, offset: 0, width: 2 })
                bytes = 0
            }
        }
    })
    for (let grown = true; grown; ) {
        grown = false
        let at = 0
        for (let n = 0; n < fixed.length; n++) {
            at += fixed[n]
            jumps[n].offset = at
            at += jumps[n].width
        }
        for (const jump of jumps) {
            const start = starts.get(jump.to)!
            const last: Jump | undefined = jumps[start.jumps - 1]
            const target = start.bytes + (last === undefined ? 0 : last.offset + last.width)
            const width = 1 + widthOf(target - jump.offset)
            if (width <= jump.width) continue
            jump.width = width
            grown = true
        }
    }
    return { size: fixed.reduce((sum, size, n) => sum + size + jumps[n].width, bytes), jumps }
}

/** Returns what flattenEnd writes: numbers of bytes, and the target of each jump between them. */
function endSizes(end: End, following: Block | undefined): (number | Block)[] {
    const value = endValue(end)
    const size = value === undefined ? 0 : expressionSize(value)
    switch (end.kind) {
        case "jump":
            return end.to === following ? [] : [end.to]
        case "branch":
            if (end.otherwise === following && end.next !== following)
                return [expressionSize(negated(end.condition)), end.next]
            return end.next === following ? [size, end.otherwise] : [size, end.otherwise, end.next]
        case "nullish":
            return end.next === following ? [end.nullish] : [end.nullish, end.next]
        case "try":
            return end.next === following ? [end.handler] : [end.handler, end.next]
        case "endTry":
            return [end.to]
        case "throwJump":
            return [size, end.to]
        case "return":
        case "throw":
            return [size + 1]
        case "rethrow":
            return end.next === following ? [size + 1] : [size + 1, end.next]
    }
}

function flatten(tree: Node, items: Item[]): void {
    for (const argument of tree.arguments) flatten(argument, items)
    items.push({ op: tree.op, number: tree.number, place: tree.place })
}

function flattenEnd({ end }: Block, following: Block | undefined, items: Item[]): void {
    const { place } = end
    const value = endValue(end)
    const jump = (op: Op, to: Block) => items.push({ op, number: 0, to, place })
    const goTo = (to: Block) => {
        if (to !== following) jump(Op.Jump, to)
    }
    switch (end.kind) {
        case "jump":
            goTo(end.to)
            break
        case "branch":
            if (end.otherwise === following && end.next !== following) {
                flatten(negated(end.condition), items)
                jump(Op.JumpIfFalse, end.next)
            } else {
                flatten(end.condition, items)
                jump(Op.JumpIfFalse, end.otherwise)
                goTo(end.next)
            }
            break
        case "nullish":
            jump(Op.JumpIfNullish, end.nullish)
            goTo(end.next)
            break
        case "try":
            jump(Op.Try, end.handler)
            goTo(end.next)
            break
        case "endTry":
            jump(Op.EndTry, end.to)
            break
        case "throwJump":
            flatten(value!, items)
            jump(Op.ThrowJump, end.to)
            break
        case "return":
        case "throw":
        case "rethrow":
            flatten(value!, items)
            items.push({
                op: end.kind === "return" ? Op.Return : end.kind === "throw" ? Op.Throw : Op.Rethrow,
                number: 0,
                place,
            })
            if (end.kind === "rethrow") goTo(end.next)
            break
    }
}

/** Returns the condition that is true when `condition` is false. */
function negated(condition: Node): Node {
    const { op, place, arguments: args } = condition
    if (op === Op.Not) return args[0]
    if (op === Op.Equal) return node(Op.NotEqual, place, args)
    if (op === Op.NotEqual) return node(Op.Equal, place, args)
    return node(Op.Not, place, [condition])
}

/** Returns the offset and width of each item. It begins with the shortest jumps, which grow until all distances fit. */
function layOut(items: Item[], targets: number[]): { offsets: number[]; widths: number[] } {
    const widths = items.map(({ op, number }, n) => {
        if (targets[n] >= 0) return 2
        return operationSize(op, number)
    })
    const offsets = new Array<number>(items.length)
    for (let grown = true; grown; ) {
        grown = false
        let at = 0
        for (let n = 0; n < items.length; n++) {
            offsets[n] = at
            at += widths[n]
        }
        for (let n = 0; n < items.length; n++) {
            if (targets[n] < 0) continue
            const width = 1 + widthOf(offsets[targets[n]] - offsets[n])
            if (width > widths[n]) {
                widths[n] = width
                grown = true
            }
        }
    }
    return { offsets, widths }
}

/** Returns the size of a number in the code, bytes. */
export function widthOf(value: number): number {
    if (value >= 0 && value < FIRST_MULTIBYTE) return 1
    const size = Math.abs(value)
    return size > 0xff_ffff ? 5 : size > 0xffff ? 4 : size > 0xff ? 3 : 2
}

/** Writes a number in exactly `width` bytes, which may be more than necessary. */
function putNumber(code: number[], value: number, width: number): void {
    if (width === 1) {
        code.push(value)
        return
    }
    const count = width - 1
    code.push(FIRST_MULTIBYTE | (count - 1) | (value < 0 ? NEGATIVE : 0))
    const size = Math.abs(value)
    for (let n = count - 1; n >= 0; n--) code.push((size >>> (8 * n)) & 0xff)
}

/** Returns the size of an expression or a statement, bytes. */
export function expressionSize({ op, number, arguments: args }: Node): number {
    let size = operationSize(op, number)
    for (const argument of args) size += expressionSize(argument)
    return size
}

function operationSize(op: Op, number: number): number {
    if (isShort(op, number)) return 1
    return 1 + (shapeOf(op)!.number ? widthOf(number) : 0)
}

/** Returns whether an operation is a small constant, which is one byte. */
function isShort(op: Op, number: number): boolean {
    return op === Op.Literal && number >= LEAST_CONSTANT && number <= GREATEST_CONSTANT
}
