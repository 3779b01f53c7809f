// Evaluates once an expression that the code evaluates several times with the same result, and keeps it as the value of the last
// call.

import { type Effects, effectsOf, mayThrow, setsReturnValue } from "./effects"
import { expressionSize } from "./encode"
import { forgetLiveness, livenessOf, RETURN_VALUE } from "./flow"
import { Op } from "./opcodes"
import {
    type Block,
    endValue,
    equal,
    type Node,
    node,
    type ProgramFunction,
    setEndValue,
    successors,
} from "./program"

/** The size of the shortest expression that is kept, bytes: two shorter expressions take no more code than one that is kept. */
const LEAST_SIZE = 4
/** The number of "prototype" in the VM's table of built-in strings. */
const PROTOTYPE = 52

/** An expression that can be kept, at the place where it is evaluated first. */
interface Candidate {
    block: Block
    /** Index of the statement, or of the end of the block. */
    at: number
    expression: Node
    /** The bytes that keeping it saves. */
    saved: number
}

export function shareExpressions(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    for (let changed = false; ; changed = true) {
        const best = findBest(fn, shared)
        if (best === undefined) return changed
        forgetLiveness(fn)
        keep(fn, best, shared)
    }
}

function findBest(fn: ProgramFunction, shared: ReadonlySet<number>): Candidate | undefined {
    const repeated = findRepeated(fn)
    if (repeated.size === 0) return undefined
    const ways = countWays(fn)
    const liveness = livenessOf(fn, shared)
    let best: Candidate | undefined
    for (const block of fn.blocks) {
        const live = liveness.statements(block)
        for (let at = 0; at <= block.statements.length; at++) {
            const before = at === 0 ? liveness.at(block) : live[at - 1]
            if ((before & RETURN_VALUE) !== 0n) continue
            for (const tree of treesAt(block, at)) {
                visitLarge(tree, expression => {
                    if (!repeated.has(keyOfTree(expression))) return
                    const size = expressionSize(expression)
                    const effects = dependencies(expression, shared)
                    let count = 0
                    followUses(block, at, expression, effects, shared, ways, found => {
                        count += found.length
                    })
                    const saved = count * size - size - 1 - count
                    if (saved <= (best?.saved ?? 0)) return
                    if (effects.makes || !comesFirst(block, at, expression, effects)) return
                    best = { block, at, expression, saved }
                })
            }
        }
    }
    return best
}

/** Returns the keys of the expressions that occur in the function more than once. */
function findRepeated({ blocks }: ProgramFunction): Set<string> {
    const seen = new Set<string>()
    const repeated = new Set<string>()
    for (const block of blocks) {
        for (let at = 0; at <= block.statements.length; at++) {
            for (const tree of treesAt(block, at)) {
                visitLarge(tree, expression => {
                    const key = keyOfTree(expression)
                    if (seen.has(key)) repeated.add(key)
                    seen.add(key)
                })
            }
        }
    }
    return repeated
}

function keyOfTree({ op, number, arguments: args }: Node): string {
    return args.length === 0 ? `${op}:${number}` : `${op}:${number}(${args.map(keyOfTree).join()})`
}

/** Returns the expressions of a statement, or of the end if `at` is after the last statement. */
function treesAt({ statements, end }: Block, at: number): Node[] {
    if (at < statements.length) return statements[at].arguments
    const value = endValue(end)
    return value === undefined ? [] : [value]
}

function visitLarge(tree: Node, visit: (tree: Node) => void): void {
    if (expressionSize(tree) < LEAST_SIZE) return
    for (const argument of tree.arguments) visitLarge(argument, visit)
    visit(tree)
}

function dependencies(expression: Node, shared: ReadonlySet<number>): Effects {
    const effects = effectsOf(expression, shared)
    // the prototype of a class never changes
    const [argument] = expression.arguments
    if (
        expression.op === Op.BuiltinField &&
        expression.number === PROTOTYPE &&
        argument.op === Op.StaticFunction
    )
        effects.memory = false
    return effects
}

function countWays(fn: ProgramFunction): Map<Block, number> {
    const ways = new Map<Block, number>([[fn.blocks[0], 1]])
    for (const { end } of fn.blocks) for (const to of successors(end)) ways.set(to, (ways.get(to) ?? 0) + 1)
    return ways
}

/** Finds the places from a statement on that evaluate an expression to the same value; calls `found` for each statement or end with some. */
function followUses(
    block: Block,
    from: number,
    expression: Node,
    effects: Effects,
    shared: ReadonlySet<number>,
    ways: Map<Block, number>,
    found: (uses: Node[], block: Block, at: number) => void
): void {
    for (let at = from; at <= block.statements.length; at++) {
        const uses: Node[] = []
        for (const tree of treesAt(block, at)) findEqual(tree, expression, uses)
        if (uses.length > 0) found(uses, block, at)
        const statement: Node | undefined = block.statements[at]
        if (statement !== undefined && changes(statement, effects, shared)) return
    }
    const { end } = block
    if (end.kind !== "branch" && end.kind !== "jump") return
    for (const next of new Set(successors(end)))
        if (next !== block && ways.get(next) === 1)
            followUses(next, 0, expression, effects, shared, ways, found)
}

function findEqual(tree: Node, expression: Node, uses: Node[]): void {
    if (equal(tree, expression)) uses.push(tree)
    else for (const argument of tree.arguments) findEqual(argument, expression, uses)
}

/** Returns whether a statement may change the value of an expression, or the value of the last call. */
function changes({ op, number }: Node, effects: Effects, shared: ReadonlySet<number>): boolean {
    if (setsReturnValue(op)) return true
    if (op === Op.StoreLocal) return shared.has(number) ? effects.memory : effects.slots.has(number)
    return effects.memory
}

/** Returns whether an expression may be evaluated before its statement: nothing before it in the statement throws. */
function comesFirst(block: Block, at: number, expression: Node, effects: Effects): boolean {
    if (!effects.throws) return true
    let result: boolean | undefined
    const visit = (tree: Node) => {
        if (result !== undefined) return
        if (equal(tree, expression)) {
            result = true
            return
        }
        for (const argument of tree.arguments) visit(argument)
        if (result === undefined && mayThrow(tree)) result = false
    }
    for (const tree of treesAt(block, at)) visit(tree)
    return result === true
}

function keep(fn: ProgramFunction, { block, at, expression }: Candidate, shared: ReadonlySet<number>): void {
    const places: { uses: Node[]; block: Block; at: number }[] = []
    const effects = dependencies(expression, shared)
    followUses(block, at, expression, effects, shared, countWays(fn), (uses, where, n) => {
        places.push({ uses, block: where, at: n })
    })
    for (const { uses, block: where, at: n } of places) {
        const replaced = new Set(uses)
        const replace = (tree: Node): Node => {
            if (replaced.has(tree)) return node(Op.ReturnValue, tree.place)
            return tree.arguments.length === 0 ? tree : { ...tree, arguments: tree.arguments.map(replace) }
        }
        const statement: Node | undefined = where.statements[n]
        if (statement === undefined) setEndValue(where.end, replace(endValue(where.end)!))
        else where.statements[n] = replace(statement)
    }
    block.statements.splice(at, 0, node(Op.StoreReturnValue, expression.place, [expression]))
}
