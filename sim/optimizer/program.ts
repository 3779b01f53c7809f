// A program in the form that the passes change: functions of blocks, blocks of statements, statements of trees of expressions.
// The stack is empty between statements, so this form has no stack.

import type { Op } from "./opcodes"
import type { Place } from "./places"

/** An operation with the values that it takes from the stack. Small constants are literals, too. */
export interface Node {
    op: Op
    /** The number after the operation, 0 if it has none. */
    number: number
    /** The arguments in the order of evaluation. */
    arguments: Node[]
    place: Place | undefined
}

/** The end of a block: where control goes from there. */
export type End =
    | { kind: "jump"; to: Block; place: Place | undefined }
    /** Goes to `otherwise` when the condition is false. */
    | { kind: "branch"; condition: Node; next: Block; otherwise: Block; place: Place | undefined }
    /** Goes to `nullish` when the value of the last call is null or undefined, and makes that value undefined. */
    | { kind: "nullish"; next: Block; nullish: Block; place: Place | undefined }
    /** Enters a try block whose exceptions go to `handler`. */
    | { kind: "try"; next: Block; handler: Block; place: Place | undefined }
    | { kind: "endTry"; to: Block; place: Place | undefined }
    /** Leaves `levels` try blocks, runs their `finally` code, and continues at `to`. */
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
    /** The blocks in the order of the code; the function begins with the first. */
    blocks: Block[]
}

export function node(op: Op, place: Place | undefined, args: Node[] = [], number = 0): Node {
    return { op, number, arguments: args, place }
}

/** Returns the blocks that may run after a block if it does not throw. */
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
 * Returns a function that finds the blocks which may run after a block if it does not throw. A jump out of try blocks runs
 * their `finally` code and goes from its end to the target.
 */
export function waysOn({ blocks }: ProgramFunction): (block: Block) => Block[] {
    const left = blocks.flatMap(({ end }) => (end.kind === "throwJump" ? [end.to] : []))
    if (left.length === 0) return block => successors(block.end)
    return ({ end }) => (end.kind === "rethrow" ? [end.next, ...left] : successors(end))
}

/** Replaces each block that the end of a block names with the result of `by`. */
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

/** Returns the expression in the end of a block, if any. */
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

/** Replaces the expression in the end of a block. */
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

/** Calls `visit` for each node of a tree, in the order of evaluation. */
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

/** Replaces each expression in a tree with the result of `by`, inner expressions first. */
function rewrite(tree: Node, by: (node: Node) => Node): Node {
    tree.arguments.forEach((argument, n) => {
        tree.arguments[n] = rewrite(argument, by)
    })
    return by(tree)
}

/** Rewrites each expression of a function, but not the statements themselves. */
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

/** Returns whether two expressions or statements consist of the same operations. */
export function equal(a: Node, b: Node): boolean {
    return (
        a.op === b.op &&
        a.number === b.number &&
        a.arguments.length === b.arguments.length &&
        a.arguments.every((argument, n) => equal(argument, b.arguments[n]))
    )
}

export function copy(tree: Node): Node {
    return { ...tree, arguments: tree.arguments.map(copy) }
}
