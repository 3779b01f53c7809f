// What an operation may do besides giving a value.

import { Op } from "./opcodes"
import type { Node } from "./program"

/** Whether leaving an expression out changes nothing: no operation in it throws, calls or allocates. */
export function isPure(tree: Node): boolean {
    return isPureOperation(tree.op) && tree.arguments.every(isPure)
}

function isPureOperation(op: Op): boolean {
    switch (op) {
        case Op.LoadLocal:
        case Op.LoadGlobal:
        case Op.ReturnValue:
        case Op.Literal:
        case Op.LiteralFloat:
        case Op.Infinity:
        case Op.NaN:
        case Op.True:
        case Op.False:
        case Op.Null:
        case Op.Undefined:
        case Op.StaticFunction:
        case Op.StaticBuffer:
        case Op.StaticAsciiString:
        case Op.StaticUtf8String:
        case Op.StaticBuiltinString:
        case Op.LoadClosure:
        case Op.Not:
        case Op.ToBool:
        case Op.IsNullish:
        case Op.IsUndefined:
        case Op.IsNaN:
        case Op.Equal:
        case Op.NotEqual:
        case Op.Less:
        case Op.LessOrEqual:
        case Op.And:
        case Op.Or:
        case Op.Xor:
        case Op.ShiftLeft:
        case Op.ShiftRight:
        case Op.ShiftRightUnsigned:
        case Op.BitNot:
        case Op.ToInt:
        case Op.Negate:
        case Op.Plus:
        case Op.Abs:
        case Op.Subtract:
        case Op.Multiply:
        case Op.Divide:
        case Op.TypeOf:
        case Op.TypeOfString:
            return true
        default:
            return false
    }
}
