// A value that is stored in a slot and read once is put where it is read, when nothing in between makes a difference.

import { canPass, type Effects, effectsOf, mayThrow } from "./effects"
import { forgetLiveness, isLive, livenessOf, slotBit } from "./flow"
import { Op, STACK_DEPTH } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, setEndValue } from "./program"

export function forwardValues(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    let any = false
    for (let changed = true; changed; ) {
        changed = false
        if (any) forgetLiveness(fn)
        const liveness = livenessOf(fn, shared)
        for (const block of fn.blocks) {
            const live = liveness.statements(block)
            const after = liveness.after(block)
            for (let n = block.statements.length - 1; n >= 0; n--) {
                const { op, number } = block.statements[n]
                if (op !== Op.StoreLocal || shared.has(number) || isLive(liveness.inHandlers, number))
                    continue
                const reader = findReader(block, n, shared, fn.tries > 0)
                if (reader === undefined) continue
                const { at, tree } = reader
                const stored = at < block.statements.length && storesTo(tree, number)
                const needed = at < block.statements.length ? live[at] : after
                if (!stored && isLive(needed, number)) continue
                const moved = block.statements[n].arguments[0]
                if (!substitute(block, n, at)) continue
                live.splice(n, 1)
                // what the value reads is needed up to its new place
                for (const slot of effectsOf(moved, shared).slots)
                    for (let between = n; between < at - 1; between++) live[between] |= slotBit(slot)
                changed = true
                any = true
            }
        }
    }
    return any
}

function storesTo({ op, number }: Node, slot: number): boolean {
    return op === Op.StoreLocal && number === slot
}

/** The statement, or the end, whose expressions read the slot that statement `n` stores to; the value may move there. */
function findReader(
    block: Block,
    n: number,
    shared: ReadonlySet<number>,
    guarded: boolean
): { at: number; tree: Node } | undefined {
    const { number: slot, arguments: args } = block.statements[n]
    const effects = effectsOf(args[0], shared)
    for (let at = n + 1; at <= block.statements.length; at++) {
        const statement: Node | undefined = block.statements[at]
        const trees = statement?.arguments ?? [endValue(block.end)].filter(tree => tree !== undefined)
        const use = findUse(trees, slot, effects)
        if (use === "none") {
            if (statement === undefined || storesTo(statement, slot)) return undefined
            if (!canPass(effects, statement, shared, guarded)) return undefined
        } else return use === "free" ? { at, tree: statement ?? trees[0] } : undefined
    }
    return undefined
}

/** Whether trees read a slot: not at all, in one place that the value may move to, or otherwise. */
function findUse(trees: Node[], slot: number, effects: Effects): "none" | "free" | "blocked" {
    let uses = 0
    let blocked = false
    const visit = (tree: Node) => {
        for (const argument of tree.arguments) visit(argument)
        if (tree.op === Op.LoadLocal && tree.number === slot) uses++
        else if (uses === 0 && effects.throws && mayThrow(tree)) blocked = true
    }
    for (const tree of trees) visit(tree)
    if (uses === 0) return "none"
    return uses === 1 && !blocked ? "free" : "blocked"
}

/** Moves the value that statement `n` stores to where the slot is read. Not when it takes too much of the stack there. */
function substitute(block: Block, n: number, at: number): boolean {
    const { number: slot, arguments: args } = block.statements[n]
    const replace = (tree: Node): Node => {
        if (tree.op === Op.LoadLocal && tree.number === slot) return args[0]
        return tree.arguments.length === 0 ? tree : { ...tree, arguments: tree.arguments.map(replace) }
    }
    const statement: Node | undefined = block.statements[at]
    const made = replace(statement ?? endValue(block.end)!)
    if (stackOf(made) > STACK_DEPTH) return false
    if (statement === undefined) setEndValue(block.end, made)
    else block.statements[at] = made
    block.statements.splice(n, 1)
    return true
}

/** The most values that are on the stack while a tree is evaluated. */
export function stackOf({ arguments: args }: Node): number {
    return args.reduce((most, argument, n) => Math.max(most, n + stackOf(argument)), 1)
}
