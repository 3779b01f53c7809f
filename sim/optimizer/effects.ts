// The effects of operations, apart from their values: what they read, what they change, and whether they may throw.

import { Op } from "./opcodes"
import type { Node } from "./program"

/** The effects of an expression, and what its value depends on. */
export interface Effects {
    /** The slots that the expression reads. */
    slots: Set<number>
    /**
     * True when the expression reads something that stores and calls may change: globals, fields, buffers, slots that closures
     * reach.
     */
    memory: boolean
    /** True when the expression reads the value of the last call. */
    returnValue: boolean
    /** True when the expression may throw. */
    throws: boolean
    /** True when the expression creates an object, so that it must not be evaluated twice. */
    makes: boolean
}

/** Returns the effects of an expression. `shared` are the slots that closures reach. */
export function effectsOf(tree: Node, shared: ReadonlySet<number>): Effects {
    const effects: Effects = {
        slots: new Set(),
        memory: false,
        returnValue: false,
        throws: false,
        makes: false,
    }
    gather(tree, shared, effects)
    return effects
}

function gather(tree: Node, shared: ReadonlySet<number>, effects: Effects): void {
    for (const argument of tree.arguments) gather(argument, shared, effects)
    const { op, number } = tree
    if (op === Op.LoadLocal) {
        if (shared.has(number)) effects.memory = true
        else effects.slots.add(number)
    } else if (op === Op.ReturnValue) effects.returnValue = true
    if (readsMemory(op)) effects.memory = true
    if (mayThrow(tree)) effects.throws = true
    if (op === Op.MakeClosure || op === Op.Bind) effects.makes = true
}

/** Returns whether an expression has no effect, so that it can be left out if its value is not used. */
export function isPure(tree: Node): boolean {
    return !mayThrow(tree) && tree.arguments.every(isPure)
}

function readsMemory(op: Op): boolean {
    switch (op) {
        case Op.LoadGlobal:
        case Op.LoadClosure:
        case Op.LoadBuffer:
        case Op.Index:
        case Op.BuiltinField:
        case Op.AsciiField:
        case Op.Utf8Field:
        case Op.MathField:
        case Op.DsField:
        case Op.ObjectField:
        case Op.InstanceOf:
            return true
        default:
            return false
    }
}

/**
 * Returns whether an operation itself may throw. An addition of two strings may produce one that is too long. With a number on
 * one side the string would have to fill the heap, so such an addition counts as one that does not throw.
 */
export function mayThrow({ op, arguments: args }: Node): boolean {
    switch (op) {
        case Op.LoadBuffer:
        case Op.Index:
        case Op.BuiltinField:
        case Op.AsciiField:
        case Op.Utf8Field:
        case Op.InstanceOf:
        case Op.New:
        case Op.Bind:
        case Op.LoadClosure:
        case Op.StaticSpecPrototype:
            return true
        case Op.Add:
            return !args.some(isNumber)
        default:
            return false
    }
}

/** Returns whether the value of an expression is a number, by its operation. */
function isNumber({ op }: Node): boolean {
    switch (op) {
        case Op.Literal:
        case Op.LiteralFloat:
        case Op.NaN:
        case Op.Infinity:
        case Op.Subtract:
        case Op.Multiply:
        case Op.Divide:
        case Op.And:
        case Op.Or:
        case Op.Xor:
        case Op.ShiftLeft:
        case Op.ShiftRight:
        case Op.ShiftRightUnsigned:
        case Op.BitNot:
        case Op.Negate:
        case Op.Plus:
        case Op.ToInt:
        case Op.Abs:
            return true
        default:
            return false
    }
}

/** Returns whether a statement changes the value of the last call. */
export function setsReturnValue(op: Op): boolean {
    if (op >= Op.Call0 && op <= Op.Call8) return true
    switch (op) {
        case Op.CallArray:
        case Op.IndexDelete:
        case Op.AllocMap:
        case Op.AllocArray:
        case Op.AllocBuffer:
        case Op.StoreReturnValue:
        case Op.Catch:
        case Op.Finally:
            return true
        default:
            return false
    }
}

/** Returns whether an expression may be evaluated after a statement instead of before it. `guarded`: a handler may read the slots. */
export function canPass(
    effects: Effects,
    statement: Node,
    shared: ReadonlySet<number>,
    guarded: boolean
): boolean {
    const { op, number } = statement
    if (effects.returnValue && setsReturnValue(op)) return false
    switch (op) {
        case Op.StoreLocal:
            if (shared.has(number)) return !effects.memory && !effects.throws
            return !effects.slots.has(number) && !(effects.throws && guarded)
        case Op.StoreReturnValue:
        case Op.AllocMap:
            return true
        case Op.Debugger:
        case Op.Catch:
        case Op.Finally:
            return false
        default:
            return !effects.memory && !effects.throws
    }
}
