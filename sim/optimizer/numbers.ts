// Computes operations on constants as the VM does, if the result is an integer of 32 bits.

import { Op } from "./opcodes"
import { type Node, node } from "./program"

/** Returns the value of an operation on constants as a node; undefined when it is not computed here. */
export function foldConstants({ op, place, arguments: args }: Node): Node | undefined {
    const value = compute(op, args)
    if (value === undefined) return undefined
    if (typeof value === "boolean") return node(value ? Op.True : Op.False, place)
    return Number.isInteger(value) && value === (value | 0)
        ? node(Op.Literal, place, [], value | 0)
        : undefined
}

function compute(op: Op, args: readonly Node[]): number | boolean | undefined {
    if (args.length === 0) return undefined
    if (args.length === 1) {
        const known = constantTruth(args[0])
        if (op === Op.Not && known !== undefined) return !known
        if (op === Op.ToBool && known !== undefined) return known
    }
    if (args.length > 2 || args[0].op !== Op.Literal || args.at(-1)!.op !== Op.Literal) return undefined
    const a = args[0].number
    const b = args.at(-1)!.number
    if (args.length === 1) {
        switch (op) {
            case Op.Negate:
                return -a
            case Op.BitNot:
                return ~a
            case Op.Plus:
            case Op.ToInt:
                return a
            case Op.Abs:
                return Math.abs(a)
            case Op.IsNullish:
            case Op.IsUndefined:
            case Op.IsNaN:
                return false
            default:
                return undefined
        }
    }
    switch (op) {
        case Op.Add:
            return a + b
        case Op.Subtract:
            return a - b
        case Op.Multiply:
            return a * b
        case Op.Divide:
            return b === 0 ? undefined : a / b
        case Op.And:
            return a & b
        case Op.Or:
            return a | b
        case Op.Xor:
            return a ^ b
        case Op.ShiftLeft:
            return a << (b & 31)
        case Op.ShiftRight:
            return a >> (b & 31)
        case Op.ShiftRightUnsigned:
            return a >>> (b & 31)
        case Op.Equal:
        case Op.LooselyEqual:
            return a === b
        case Op.NotEqual:
        case Op.LooselyUnequal:
            return a !== b
        case Op.Less:
            return a < b
        case Op.LessOrEqual:
            return a <= b
        default:
            return undefined
    }
}

/** Returns whether a constant is true in a condition; undefined for floats and all that is not a constant. */
export function constantTruth({ op, number }: Node): boolean | undefined {
    switch (op) {
        case Op.Literal:
            return number !== 0
        case Op.True:
            return true
        case Op.False:
        case Op.Undefined:
        case Op.Null:
            return false
        default:
            return undefined
    }
}
