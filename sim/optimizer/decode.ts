// Decodes a function's bytes into blocks of trees. It rejects code that the VM would reject at run time.

import { ImageError } from "./errors"
import type { FunctionRecord } from "./image"
import { FIRST_CONSTANT, isJump, LEAST_CONSTANT, Op, STACK_DEPTH, shapeOf } from "./opcodes"
import type { PlaceMap } from "./places"
import { type Block, type End, type Node, node, type ProgramFunction } from "./program"

/** The lowest first byte that says how many bytes of a number follow. */
const FIRST_MULTIBYTE = 0xf8
const NEGATIVE = 4

/** A statement with its place in the code. */
interface Statement {
    at: number
    next: number
    tree: Node
}

/** Decodes a function. `what` names the function in the ImageError that damaged code throws. */
export function decodeFunction(record: FunctionRecord, what: string, places?: PlaceMap): ProgramFunction {
    const statements = readStatements(record, what, places)
    const byStart = new Map(statements.map((statement, n) => [statement.at, n]))
    const starts = new Set([0])
    statements.forEach(({ at, next, tree }) => {
        if (isJump(tree.op)) {
            const target = byStart.get(at + jumpOffset(tree))
            if (target === undefined)
                throw new ImageError(`${what}: the jump at ${at} does not lead to a statement`)
            starts.add(target)
        }
        if (endsBlock(tree.op)) starts.add(byStart.get(next) ?? statements.length)
    })
    const order = [...starts].filter(start => start < statements.length).sort((a, b) => a - b)
    const blocks = new Map<number, Block>(
        order.map(start => [start, { statements: [], end: undefined as unknown as End }])
    )
    const { name, slots, parameters, flags, tries } = record
    order.forEach((start, n) => {
        const end = order[n + 1] ?? statements.length
        const block = blocks.get(start)!
        const last = statements[end - 1]
        const following = blocks.get(end)
        const target = (tree: Node, at: number) => blocks.get(byStart.get(at + jumpOffset(tree))!)!
        const body = statements.slice(start, end)
        if (endsBlock(last.tree.op)) body.pop()
        block.statements = body.map(({ tree }) => tree)
        block.end = readEnd(last, what, following, target)
    })
    return { name, slots, parameters, flags, tries, blocks: order.map(start => blocks.get(start)!) }
}

function endsBlock(op: Op): boolean {
    return isJump(op) || op === Op.Return || op === Op.Throw || op === Op.Rethrow
}

/**
 * Returns the distance of a jump from its statement's first operation. The tree holds the distance until the function has blocks.
 */
function jumpOffset(tree: Node): number {
    return tree.number
}

function readEnd(
    { at, tree }: Statement,
    what: string,
    following: Block | undefined,
    target: (tree: Node, at: number) => Block
): End {
    const { op, place } = tree
    const next = () => {
        if (following === undefined) throw new ImageError(`${what}: control runs past the end of its code`)
        return following
    }
    switch (op) {
        case Op.Jump:
            return { kind: "jump", to: target(tree, at), place }
        case Op.JumpIfFalse:
            return {
                kind: "branch",
                condition: tree.arguments[0],
                next: next(),
                otherwise: target(tree, at),
                place,
            }
        case Op.JumpIfNullish:
            return { kind: "nullish", next: next(), nullish: target(tree, at), place }
        case Op.Try:
            return { kind: "try", next: next(), handler: target(tree, at), place }
        case Op.EndTry:
            return { kind: "endTry", to: target(tree, at), place }
        case Op.ThrowJump:
            return { kind: "throwJump", to: target(tree, at), levels: tree.arguments[0], place }
        case Op.Return:
            return { kind: "return", value: tree.arguments[0], place }
        case Op.Throw:
            return { kind: "throw", value: tree.arguments[0], place }
        case Op.Rethrow:
            return { kind: "rethrow", value: tree.arguments[0], next: next(), place }
        default:
            return { kind: "jump", to: next(), place: undefined }
    }
}

/** Decodes all statements. The number of a jump becomes the distance from the statement's first operation. */
function readStatements({ code, start }: FunctionRecord, what: string, places?: PlaceMap): Statement[] {
    const statements: Statement[] = []
    const stack: Node[] = []
    let at = 0
    let begin = 0
    const byte = () => {
        if (at >= code.length) throw new ImageError(`${what}: its code ends in the middle of an operation`)
        return code[at++]
    }
    while (at < code.length) {
        const pc = at
        const code0 = byte()
        if (
            code0 === 0 &&
            stack.length === 0 &&
            code.length - pc < 4 &&
            code.subarray(pc).every(rest => rest === 0)
        )
            break
        const place = places?.at(start + pc)
        if (code0 >= FIRST_CONSTANT) {
            stack.push(node(Op.Literal, place, [], code0 - FIRST_CONSTANT + LEAST_CONSTANT))
        } else {
            const shape = shapeOf(code0)
            if (shape === undefined)
                throw new ImageError(`${what}: no operation has the code ${code0} (at ${pc})`)
            if (stack.length < shape.arguments) throw new ImageError(`${what}: the stack is empty at ${pc}`)
            const number = shape.number ? readNumber(byte) : 0
            const args = stack.splice(stack.length - shape.arguments)
            const tree = node(code0, place, args, number)
            if (shape.statement) {
                if (stack.length > 0)
                    throw new ImageError(`${what}: the statement at ${pc} leaves values on the stack`)
                if (isJump(code0)) tree.number += pc - begin
                statements.push({ at: begin, next: at, tree })
                begin = at
            } else stack.push(tree)
        }
        if (stack.length > STACK_DEPTH) throw new ImageError(`${what}: too many values on the stack at ${pc}`)
    }
    if (stack.length > 0) throw new ImageError(`${what}: its code ends in the middle of a statement`)
    if (statements.length === 0) throw new ImageError(`${what}: it has no code`)
    return statements
}

function readNumber(byte: () => number): number {
    const first = byte()
    if (first < FIRST_MULTIBYTE) return first
    let value = 0
    for (let n = (first & 3) + 1; n > 0; n--) value = (value << 8) | byte()
    return (first & NEGATIVE) === 0 ? value : -value | 0
}
