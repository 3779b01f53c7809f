// The VM's operations. Each is one byte, which a number may follow. An expression leaves a value on the stack, a statement takes
// all values from the stack.

export enum Op {
    BuiltinObject = 1,
    Call0 = 2,
    Call1 = 3,
    Call2 = 4,
    Call3 = 5,
    Call4 = 6,
    Call5 = 7,
    Call6 = 8,
    Call7 = 9,
    Call8 = 10,
    IndexDelete = 11,
    Return = 12,
    Jump = 13,
    JumpIfFalse = 14,
    Bind = 15,
    ObjectField = 16,
    StoreLocal = 17,
    StoreGlobal = 18,
    StoreBuffer = 19,
    Infinity = 20,
    LoadLocal = 21,
    LoadGlobal = 22,
    Plus = 23,
    Index = 24,
    IndexSet = 25,
    BuiltinField = 26,
    AsciiField = 27,
    Utf8Field = 28,
    MathField = 29,
    DsField = 30,
    AllocMap = 31,
    AllocArray = 32,
    AllocBuffer = 33,
    StaticSpecPrototype = 34,
    StaticBuffer = 35,
    StaticBuiltinString = 36,
    StaticAsciiString = 37,
    StaticUtf8String = 38,
    StaticFunction = 39,
    Literal = 40,
    LiteralFloat = 41,
    LoadBuffer = 43,
    ReturnValue = 44,
    TypeOf = 45,
    Undefined = 46,
    IsUndefined = 47,
    True = 48,
    False = 49,
    ToBool = 50,
    NaN = 51,
    Abs = 52,
    BitNot = 53,
    IsNaN = 54,
    Negate = 55,
    Not = 56,
    ToInt = 57,
    Add = 58,
    Subtract = 59,
    Multiply = 60,
    Divide = 61,
    And = 62,
    Or = 63,
    Xor = 64,
    ShiftLeft = 65,
    ShiftRight = 66,
    ShiftRightUnsigned = 67,
    Equal = 68,
    LessOrEqual = 69,
    Less = 70,
    NotEqual = 71,
    IsNullish = 72,
    StoreClosure = 73,
    LoadClosure = 74,
    MakeClosure = 75,
    TypeOfString = 76,
    JumpIfNullish = 78,
    CallArray = 79,
    Try = 80,
    EndTry = 81,
    Catch = 82,
    Finally = 83,
    Throw = 84,
    Rethrow = 85,
    ThrowJump = 86,
    Debugger = 87,
    New = 88,
    InstanceOf = 89,
    Null = 90,
    LooselyEqual = 91,
    LooselyUnequal = 92,
    StoreReturnValue = 93,
    StaticSpec = 94,
}

/** Opcodes from this one on are small constants. */
export const FIRST_CONSTANT = 0x80
/** The constant of the first of them. */
export const LEAST_CONSTANT = -16
export const GREATEST_CONSTANT = 0xff - FIRST_CONSTANT + LEAST_CONSTANT
/** The largest number of values on the stack. */
export const STACK_DEPTH = 16

/** The form of an operation in the code. */
interface Shape {
    /** The number of values that the operation takes from the stack. */
    arguments: number
    statement: boolean
    /** True when a number follows the operation. */
    number: boolean
}

/** The form of each operation: s for a statement, n for a number after it, and the number of values that it takes. */
const SHAPES: Record<Op, string> = {
    [Op.BuiltinObject]: "n0",
    [Op.Call0]: "s1",
    [Op.Call1]: "s2",
    [Op.Call2]: "s3",
    [Op.Call3]: "s4",
    [Op.Call4]: "s5",
    [Op.Call5]: "s6",
    [Op.Call6]: "s7",
    [Op.Call7]: "s8",
    [Op.Call8]: "s9",
    [Op.IndexDelete]: "s2",
    [Op.Return]: "s1",
    [Op.Jump]: "sn0",
    [Op.JumpIfFalse]: "sn1",
    [Op.Bind]: "2",
    [Op.ObjectField]: "n0",
    [Op.StoreLocal]: "sn1",
    [Op.StoreGlobal]: "sn1",
    [Op.StoreBuffer]: "s4",
    [Op.Infinity]: "0",
    [Op.LoadLocal]: "n0",
    [Op.LoadGlobal]: "n0",
    [Op.Plus]: "1",
    [Op.Index]: "2",
    [Op.IndexSet]: "s3",
    [Op.BuiltinField]: "n1",
    [Op.AsciiField]: "n1",
    [Op.Utf8Field]: "n1",
    [Op.MathField]: "n0",
    [Op.DsField]: "n0",
    [Op.AllocMap]: "s0",
    [Op.AllocArray]: "s1",
    [Op.AllocBuffer]: "s1",
    [Op.StaticSpecPrototype]: "n0",
    [Op.StaticBuffer]: "n0",
    [Op.StaticBuiltinString]: "n0",
    [Op.StaticAsciiString]: "n0",
    [Op.StaticUtf8String]: "n0",
    [Op.StaticFunction]: "n0",
    [Op.Literal]: "n0",
    [Op.LiteralFloat]: "n0",
    [Op.LoadBuffer]: "3",
    [Op.ReturnValue]: "0",
    [Op.TypeOf]: "1",
    [Op.Undefined]: "0",
    [Op.IsUndefined]: "1",
    [Op.True]: "0",
    [Op.False]: "0",
    [Op.ToBool]: "1",
    [Op.NaN]: "0",
    [Op.Abs]: "1",
    [Op.BitNot]: "1",
    [Op.IsNaN]: "1",
    [Op.Negate]: "1",
    [Op.Not]: "1",
    [Op.ToInt]: "1",
    [Op.Add]: "2",
    [Op.Subtract]: "2",
    [Op.Multiply]: "2",
    [Op.Divide]: "2",
    [Op.And]: "2",
    [Op.Or]: "2",
    [Op.Xor]: "2",
    [Op.ShiftLeft]: "2",
    [Op.ShiftRight]: "2",
    [Op.ShiftRightUnsigned]: "2",
    [Op.Equal]: "2",
    [Op.LessOrEqual]: "2",
    [Op.Less]: "2",
    [Op.NotEqual]: "2",
    [Op.IsNullish]: "1",
    [Op.StoreClosure]: "sn2",
    [Op.LoadClosure]: "n1",
    [Op.MakeClosure]: "n0",
    [Op.TypeOfString]: "1",
    [Op.JumpIfNullish]: "sn0",
    [Op.CallArray]: "s2",
    [Op.Try]: "sn0",
    [Op.EndTry]: "sn0",
    [Op.Catch]: "s0",
    [Op.Finally]: "s0",
    [Op.Throw]: "s1",
    [Op.Rethrow]: "s1",
    [Op.ThrowJump]: "sn1",
    [Op.Debugger]: "s0",
    [Op.New]: "1",
    [Op.InstanceOf]: "2",
    [Op.Null]: "0",
    [Op.LooselyEqual]: "2",
    [Op.LooselyUnequal]: "2",
    [Op.StoreReturnValue]: "s1",
    [Op.StaticSpec]: "n0",
}

const shapes: (Shape | undefined)[] = []
for (const [op, text] of Object.entries(SHAPES)) {
    shapes[Number(op)] = {
        arguments: Number(text.at(-1)),
        statement: text.includes("s"),
        number: text.includes("n"),
    }
}

/** Returns the form of an operation below FIRST_CONSTANT; undefined when the VM has no operation of this code. */
export function shapeOf(op: number): Shape | undefined {
    return shapes[op]
}

/** Returns whether the number after an operation is a distance in the code. */
export function isJump(op: number): boolean {
    switch (op) {
        case Op.Jump:
        case Op.JumpIfFalse:
        case Op.JumpIfNullish:
        case Op.Try:
        case Op.EndTry:
        case Op.ThrowJump:
            return true
        default:
            return false
    }
}
