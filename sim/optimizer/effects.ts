// What operations do besides giving a value: what they read, what they change, and whether they may throw.

import { Op } from "./opcodes"
import type { Node } from "./program"

/** What an expression depends on. */
export interface Effects {
    /** Slots that it reads. */
    slots: Set<number>
    /** It reads what stores and calls may change: globals, fields, buffers, slots that closures reach. */
    memory: boolean
    /** It reads the value of the last call. */
    returnValue: boolean
    throws: boolean
    /** It makes an object, so it cannot be done twice. */
    makes: boolean
}

/** `shared` tells the slots that closures reach. */
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

/** Whether leaving an expression out changes nothing. */
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
 * Whether an operation itself may throw. Adding makes a string of two, which may be too long: with a number on one side it
 * takes a string that fills the heap.
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

/** Whether an expression is a number, as its operation tells. */
export function isNumber({ op }: Node): boolean {
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

/** Whether a statement changes the value of the last call. */
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

/** Whether an expression that was in front of a statement may be evaluated behind it instead. `guarded`: a handler may look at the slots. */
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
