// Builds a key for a function, by which the optimizer skips functions that it has optimized before.

import { widthOf } from "./encode"
import { Op } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, successors } from "./program"

/**
 * Returns a key. Two functions with the same key differ only in the functions and strings that they name: the key holds how long
 * their numbers are and which of them are equal. The passes change both functions in the same way.
 */
export function keyOf(fn: ProgramFunction, shared: ReadonlySet<number>): string {
    const { slots, parameters, flags, tries, blocks } = fn
    const parts: (number | string)[] = [slots, parameters, flags, tries, ...[...shared].sort((a, b) => a - b)]
    const numbers = new Map<Block, number>(blocks.map((block, n) => [block, n]))
    const names = new Map<string, number>()
    for (const { statements, end } of blocks) {
        for (const statement of statements) addTree(statement, parts, names)
        parts.push(end.kind)
        const value = endValue(end)
        if (value !== undefined) addTree(value, parts, names)
        for (const next of successors(end)) parts.push(numbers.get(next)!)
    }
    return parts.join()
}

function addTree(
    { op, number, arguments: args }: Node,
    parts: (number | string)[],
    names: Map<string, number>
): void {
    for (const argument of args) addTree(argument, parts, names)
    parts.push(op)
    switch (op) {
        case Op.StaticFunction:
        case Op.MakeClosure:
        case Op.StaticAsciiString:
        case Op.AsciiField:
        case Op.StaticUtf8String:
        case Op.Utf8Field: {
            const isFunction = op === Op.StaticFunction || op === Op.MakeClosure
            const isUtf8 = op === Op.StaticUtf8String || op === Op.Utf8Field
            const name = `${isFunction ? "f" : isUtf8 ? "u" : "s"}${number}`
            let known = names.get(name)
            if (known === undefined) {
                known = names.size
                names.set(name, known)
            }
            parts.push(widthOf(number), known)
            break
        }
        default:
            parts.push(number)
    }
}
