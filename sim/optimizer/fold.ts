// Computes operations on constants, and removes operations that do not change the outcome of a condition.

import { expressionSize } from "./encode"
import { foldConstants } from "./numbers"
import { Op } from "./opcodes"
import { type Block, type Node, node, type ProgramFunction, rewriteFunction } from "./program"

export function foldFunction(fn: ProgramFunction): boolean {
    let changed = false
    rewriteFunction(fn, tree => {
        const simple = simplify(tree)
        if (simple !== tree) changed = true
        return simple
    })
    for (const block of fn.blocks) if (simplifyBranch(block)) changed = true
    return changed
}

function simplify(tree: Node): Node {
    const folded = foldConstants(tree)
    // an operation such as a shift may be shorter than its result
    if (folded !== undefined && expressionSize(folded) <= expressionSize(tree)) return folded
    const [argument] = tree.arguments
    if (tree.op === Op.Not) {
        const { op, place, arguments: inner } = argument
        if (op === Op.Equal) return node(Op.NotEqual, place, inner)
        if (op === Op.NotEqual) return node(Op.Equal, place, inner)
        if (op === Op.ToBool) return simplify(node(Op.Not, place, inner))
        if (op === Op.Not) return simplify(node(Op.ToBool, place, inner))
    }
    if (tree.op === Op.ToBool && isTruth(argument)) return argument
    if (tree.op === Op.ToInt && isInteger(argument)) return argument
    return tree
}

/** Removes conversions and negations from a branch's condition: only its truth counts, and the two targets can be swapped. */
function simplifyBranch({ end }: Block): boolean {
    if (end.kind !== "branch") return false
    for (let changed = false; ; changed = true) {
        const { op, arguments: args } = end.condition
        if (op === Op.Not) {
            const { next, otherwise } = end
            end.next = otherwise
            end.otherwise = next
        } else if (op !== Op.ToBool) return changed
        end.condition = args[0]
    }
}

/** Returns whether the value of an expression is true or false, by its operation. */
function isTruth({ op }: Node): boolean {
    switch (op) {
        case Op.True:
        case Op.False:
        case Op.Not:
        case Op.ToBool:
        case Op.Equal:
        case Op.NotEqual:
        case Op.Less:
        case Op.LessOrEqual:
        case Op.LooselyEqual:
        case Op.LooselyUnequal:
        case Op.IsNullish:
        case Op.IsUndefined:
        case Op.IsNaN:
        case Op.InstanceOf:
            return true
        default:
            return false
    }
}

/** Returns whether the value of an expression is an integer of 32 bits, by its operation. */
function isInteger({ op }: Node): boolean {
    switch (op) {
        case Op.Literal:
        case Op.And:
        case Op.Or:
        case Op.Xor:
        case Op.ShiftLeft:
        case Op.ShiftRight:
        case Op.BitNot:
        case Op.ToInt:
            return true
        default:
            return false
    }
}
