// Arithmetic as the VM does it, for constants: only results that are integers of 32 bits again are given.

import { Op } from "./opcodes"
import { type Node, node } from "./program"

/** The value of an operation on constants as a node, or undefined when it cannot be told here. */
export function foldConstants({ op, place, arguments: args }: Node): Node | undefined {
    const literal = (value: number) =>
        Number.isInteger(value) && value === (value | 0) ? node(Op.Literal, place, [], value | 0) : undefined
    const truth = (value: boolean) => node(value ? Op.True : Op.False, place)
    if (args.length === 1) {
        const known = constantTruth(args[0])
        if (op === Op.Not && known !== undefined) return truth(!known)
        if (op === Op.ToBool && known !== undefined) return truth(known)
    }
    if (!args.every(({ op }) => op === Op.Literal) || args.length === 0) return undefined
    const [a, b] = args.map(({ number }) => number)
    if (args.length === 1) {
        switch (op) {
            case Op.Negate:
                return literal(-a)
            case Op.BitNot:
                return literal(~a)
            case Op.Plus:
            case Op.ToInt:
                return literal(a)
            case Op.Abs:
                return literal(Math.abs(a))
            case Op.IsNullish:
            case Op.IsUndefined:
            case Op.IsNaN:
                return truth(false)
            default:
                return undefined
        }
    }
    if (args.length !== 2) return undefined
    switch (op) {
        case Op.Add:
            return literal(a + b)
        case Op.Subtract:
            return literal(a - b)
        case Op.Multiply:
            return literal(a * b)
        case Op.Divide:
            return b === 0 ? undefined : literal(a / b)
        case Op.And:
            return literal(a & b)
        case Op.Or:
            return literal(a | b)
        case Op.Xor:
            return literal(a ^ b)
        case Op.ShiftLeft:
            return literal(a << (b & 31))
        case Op.ShiftRight:
            return literal(a >> (b & 31))
        case Op.ShiftRightUnsigned:
            return literal(a >>> (b & 31))
        case Op.Equal:
        case Op.LooselyEqual:
            return truth(a === b)
        case Op.NotEqual:
        case Op.LooselyUnequal:
            return truth(a !== b)
        case Op.Less:
            return truth(a < b)
        case Op.LessOrEqual:
            return truth(a <= b)
        default:
            return undefined
    }
}

/** Whether a constant counts as true in a condition; undefined for all but the plainest constants. */
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
