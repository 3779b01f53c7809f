// From blocks to a function's bytes: the shortest form of every number and jump.

import { FIRST_CONSTANT, GREATEST_CONSTANT, LEAST_CONSTANT, Op, shapeOf } from "./opcodes"
import type { Place } from "./places"
import { type Block, type End, endValue, type Node, node, type ProgramFunction } from "./program"

const FIRST_MULTIBYTE = 0xf8
const NEGATIVE = 4

export interface Encoded {
    code: Uint8Array
    /** Each operation's offset in the code and its place in the sources, by growing offset. */
    places: { offset: number; place: Place | undefined }[]
}

/** An operation as it will lie in the code. */
interface Item {
    op: Op
    number: number
    to?: Block
    place: Place | undefined
}

/** Writes a function's code. */
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

/** Bytes of a function's code, without writing it. */
export function codeSize({ blocks }: ProgramFunction): number {
    // the bytes in front of each jump, behind the one before it
    const fixed: number[] = []
    const targets: Block[] = []
    const starts = new Map<Block, { jumps: number; bytes: number }>()
    let bytes = 0
    blocks.forEach((block, n) => {
        starts.set(block, { jumps: fixed.length, bytes })
        for (const statement of block.statements) bytes += expressionSize(statement)
        for (const to of endSizes(block.end, blocks[n + 1])) {
            if (typeof to === "number") bytes += to
            else {
                fixed.push(bytes)
                targets.push(to)
                bytes = 0
            }
        }
    })
    const widths = new Array<number>(fixed.length).fill(2)
    const offsets = new Array<number>(fixed.length)
    for (let grown = true; grown; ) {
        grown = false
        let at = 0
        for (let n = 0; n < fixed.length; n++) {
            at += fixed[n]
            offsets[n] = at
            at += widths[n]
        }
        for (let n = 0; n < fixed.length; n++) {
            const start = starts.get(targets[n])!
            const last = start.jumps - 1
            const target = start.bytes + (last < 0 ? 0 : offsets[last] + widths[last])
            const width = 1 + widthOf(target - offsets[n])
            if (width <= widths[n]) continue
            widths[n] = width
            grown = true
        }
    }
    return fixed.reduce((sum, size, n) => sum + size + widths[n], bytes)
}

/** What flattenEnd writes: bytes, and where each jump in between leads. */
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

/** The condition that is true when `condition` is false. */
function negated(condition: Node): Node {
    const { op, place, arguments: args } = condition
    if (op === Op.Not) return args[0]
    if (op === Op.Equal) return node(Op.NotEqual, place, args)
    if (op === Op.NotEqual) return node(Op.Equal, place, args)
    return node(Op.Not, place, [condition])
}

/** Where each item lies. Starts with the shortest jumps and lets them grow until all distances fit. */
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

/** Bytes that a number takes. */
export function widthOf(value: number): number {
    if (value >= 0 && value < FIRST_MULTIBYTE) return 1
    const size = Math.abs(value)
    return size > 0xff_ffff ? 5 : size > 0xffff ? 4 : size > 0xff ? 3 : 2
}

/** Writes a number in exactly `width` bytes, which may be more than it needs. */
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

/** Bytes that an expression or a statement takes. */
export function expressionSize({ op, number, arguments: args }: Node): number {
    let size = operationSize(op, number)
    for (const argument of args) size += expressionSize(argument)
    return size
}

function operationSize(op: Op, number: number): number {
    if (isShort(op, number)) return 1
    return 1 + (shapeOf(op)!.number ? widthOf(number) : 0)
}

/** Whether it is a constant that is an operation of its own. */
function isShort(op: Op, number: number): boolean {
    return op === Op.Literal && number >= LEAST_CONSTANT && number <= GREATEST_CONSTANT
}
