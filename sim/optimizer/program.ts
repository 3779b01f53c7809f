// A program as the passes see it: functions of blocks, blocks of statements, statements of trees of expressions.
// The stack is empty between statements, so it does not show.

import { Op } from "./opcodes"
import type { Place } from "./places"

/** An operation with what it takes from the stack. Small constants are literals as well. */
export interface Node {
    op: Op
    /** The number behind the operation, 0 when it has none. */
    number: number
    /** In the order in which they are evaluated. */
    arguments: Node[]
    place: Place | undefined
}

/** How a block ends. */
export type End =
    | { kind: "jump"; to: Block; place: Place | undefined }
    /** Goes to `otherwise` when the condition is false. */
    | { kind: "branch"; condition: Node; next: Block; otherwise: Block; place: Place | undefined }
    /** Goes to `nullish` when the value of the last call is null or undefined, which makes it undefined. */
    | { kind: "nullish"; next: Block; nullish: Block; place: Place | undefined }
    /** Enters a block of code whose exceptions `handler` takes. */
    | { kind: "try"; next: Block; handler: Block; place: Place | undefined }
    | { kind: "endTry"; to: Block; place: Place | undefined }
    /** Leaves `levels` blocks of code with handlers, running what is `finally` in them, and goes on at `to`. */
    | { kind: "throwJump"; to: Block; levels: Node; place: Place | undefined }
    | { kind: "return" | "throw"; value: Node; place: Place | undefined }
    /** Throws the value unless it is undefined. */
    | { kind: "rethrow"; value: Node; next: Block; place: Place | undefined }

export interface Block {
    statements: Node[]
    end: End
}

export interface ProgramFunction {
    name: number
    slots: number
    parameters: number
    flags: number
    tries: number
    /** In the order in which they lie in the code; the first is where the function begins. */
    blocks: Block[]
}

export function node(op: Op, place: Place | undefined, args: Node[] = [], number = 0): Node {
    return { op, number, arguments: args, place }
}

/** The blocks that may run after a block, exceptions aside. */
export function successors(end: End): Block[] {
    switch (end.kind) {
        case "jump":
        case "endTry":
        case "throwJump":
            return [end.to]
        case "branch":
            return [end.next, end.otherwise]
        case "nullish":
            return [end.next, end.nullish]
        case "try":
            return [end.next, end.handler]
        case "rethrow":
            return [end.next]
        default:
            return []
    }
}

/**
 * The blocks that may run after each block, exceptions aside. A jump out of try blocks goes through what is `finally` in them,
 * and from the end of that to where it leads.
 */
export function waysOn({ blocks }: ProgramFunction): (block: Block) => Block[] {
    const left = blocks.flatMap(({ end }) => (end.kind === "throwJump" ? [end.to] : []))
    if (left.length === 0) return block => successors(block.end)
    return ({ end }) => (end.kind === "rethrow" ? [end.next, ...left] : successors(end))
}

/** Puts what `by` gives in the place of each block that the end of a block names. */
export function retarget(end: End, by: (block: Block) => Block): void {
    switch (end.kind) {
        case "jump":
        case "endTry":
        case "throwJump":
            end.to = by(end.to)
            break
        case "branch":
            end.next = by(end.next)
            end.otherwise = by(end.otherwise)
            break
        case "nullish":
            end.next = by(end.next)
            end.nullish = by(end.nullish)
            break
        case "try":
            end.next = by(end.next)
            end.handler = by(end.handler)
            break
        case "rethrow":
            end.next = by(end.next)
            break
    }
}

/** The expression in the end of a block, if there is one. */
export function endValue(end: End): Node | undefined {
    switch (end.kind) {
        case "branch":
            return end.condition
        case "throwJump":
            return end.levels
        case "return":
        case "throw":
        case "rethrow":
            return end.value
        default:
            return undefined
    }
}

/** Puts another expression into the end of a block that has one. */
export function setEndValue(end: End, value: Node): void {
    switch (end.kind) {
        case "branch":
            end.condition = value
            break
        case "throwJump":
            end.levels = value
            break
        case "return":
        case "throw":
        case "rethrow":
            end.value = value
            break
    }
}

/** Calls `visit` for each node of a tree, in the order in which they are evaluated. */
export function walk(tree: Node, visit: (node: Node) => void): void {
    for (const argument of tree.arguments) walk(argument, visit)
    visit(tree)
}

/** Calls `visit` for each node of a function. */
export function walkFunction({ blocks }: ProgramFunction, visit: (node: Node) => void): void {
    for (const { statements, end } of blocks) {
        for (const statement of statements) walk(statement, visit)
        const value = endValue(end)
        if (value !== undefined) walk(value, visit)
    }
}

/** Puts what `by` gives in the place of each expression, the inner ones first. */
export function rewrite(tree: Node, by: (node: Node) => Node): Node {
    tree.arguments.forEach((argument, n) => {
        tree.arguments[n] = rewrite(argument, by)
    })
    return by(tree)
}

/** Rewrites each expression of a function; statements keep what they do. */
export function rewriteFunction({ blocks }: ProgramFunction, by: (node: Node) => Node): void {
    for (const { statements, end } of blocks) {
        for (const statement of statements) {
            statement.arguments.forEach((argument, n) => {
                statement.arguments[n] = rewrite(argument, by)
            })
        }
        const value = endValue(end)
        if (value !== undefined) setEndValue(end, rewrite(value, by))
    }
}

/** Whether two expressions or statements are the same operations. */
export function equal(a: Node, b: Node): boolean {
    return (
        a.op === b.op &&
        a.number === b.number &&
        a.arguments.length === b.arguments.length &&
        a.arguments.every((argument, n) => equal(argument, b.arguments[n]))
    )
}

export function isLiteral(value: Node): boolean {
    return value.op === Op.Literal
}

export function copy(tree: Node): Node {
    return { ...tree, arguments: tree.arguments.map(copy) }
}
