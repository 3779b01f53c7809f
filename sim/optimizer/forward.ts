// Moves a value that is stored in a slot, or as the value of the last call, and read once to the place where it is read, if
// nothing in between affects it.

import { canPass, type Effects, effectsOf, mayThrow, setsReturnValue } from "./effects"
import { forgetLiveness, type Live, livenessOf, RETURN_VALUE, slotBit } from "./flow"
import { Op, STACK_DEPTH } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, setEndValue } from "./program"

/** The number that stands for the value of the last call among the slots. */
const LAST_CALL = -1

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
                const slot = storedBy(block.statements[n])
                if (slot === undefined || shared.has(slot) || (bitOf(slot) & liveness.inHandlers) !== 0n)
                    continue
                const reader = findReader(block, n, slot, shared, fn.tries > 0)
                if (reader === undefined) continue
                const { at, tree } = reader
                const stored = at < block.statements.length && storesTo(tree, slot)
                const needed = at < block.statements.length ? live[at] : after
                if (!stored && (needed & bitOf(slot)) !== 0n) continue
                const moved = effectsOf(block.statements[n].arguments[0], shared)
                if (!substitute(block, n, slot, at)) continue
                live.splice(n, 1)
                // the slots that the value reads are needed up to its new place
                let read: Live = moved.returnValue ? RETURN_VALUE : 0n
                for (const other of moved.slots) read |= slotBit(other)
                for (let between = n; between < at - 1; between++) live[between] |= read
                changed = true
                any = true
            }
        }
    }
    return any
}

function bitOf(slot: number): Live {
    return slot === LAST_CALL ? RETURN_VALUE : slotBit(slot)
}

/** Returns the slot that a statement stores to, if that is all it does. */
function storedBy({ op, number }: Node): number | undefined {
    if (op === Op.StoreReturnValue) return LAST_CALL
    return op === Op.StoreLocal ? number : undefined
}

function storesTo({ op, number }: Node, slot: number): boolean {
    return slot === LAST_CALL ? setsReturnValue(op) : op === Op.StoreLocal && number === slot
}

function reads({ op, number }: Node, slot: number): boolean {
    return slot === LAST_CALL ? op === Op.ReturnValue : op === Op.LoadLocal && number === slot
}

/** Returns the statement, or the end, that reads the slot to which statement `n` stores, if the value may move there. */
function findReader(
    block: Block,
    n: number,
    slot: number,
    shared: ReadonlySet<number>,
    guarded: boolean
): { at: number; tree: Node } | undefined {
    const { arguments: args } = block.statements[n]
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

/** Returns how trees read a slot: "none", "free" for one read to which the value may move, or "blocked" otherwise. */
function findUse(trees: Node[], slot: number, effects: Effects): "none" | "free" | "blocked" {
    let uses = 0
    let blocked = false
    const visit = (tree: Node) => {
        for (const argument of tree.arguments) visit(argument)
        if (reads(tree, slot)) uses++
        else if (uses === 0 && effects.throws && mayThrow(tree)) blocked = true
    }
    for (const tree of trees) visit(tree)
    if (uses === 0) return "none"
    return uses === 1 && !blocked ? "free" : "blocked"
}

/** Moves the value that statement `n` stores to the read of the slot; returns false when that would need too much of the stack. */
function substitute(block: Block, n: number, slot: number, at: number): boolean {
    const { arguments: args } = block.statements[n]
    const replace = (tree: Node): Node => {
        if (reads(tree, slot)) return args[0]
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

/** Returns the largest number of values that are on the stack while a tree is evaluated. */
function stackOf({ arguments: args }: Node): number {
    return args.reduce((most, argument, n) => Math.max(most, n + stackOf(argument)), 1)
}
