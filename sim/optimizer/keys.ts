// Tells functions apart that the passes make different things of.

import { widthOf } from "./encode"
import { Op } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, successors } from "./program"

/**
 * Functions with the same key are the same but for which functions and strings they name: of these only counts how long their
 * numbers are and which are equal.
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
        case Op.AsciiField: {
            const isFunction = op === Op.StaticFunction || op === Op.MakeClosure
            const name = `${isFunction ? "f" : "s"}${number}`
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
