// Drops the functions that the program cannot reach.

import { Op } from "./opcodes"
import { type ProgramFunction, walkFunction } from "./program"

/**
 * Returns the numbers of the functions that the program can reach. In the code the functions get the numbers of their order
 * here; the unreachable ones are emptied.
 */
export function dropFunctions(functions: readonly ProgramFunction[]): number[] {
    const reached = new Set([0])
    for (const n of reached) {
        walkFunction(functions[n], ({ op, number }) => {
            if (refersToFunction(op)) reached.add(number)
        })
    }
    functions.forEach((fn, n) => {
        if (!reached.has(n)) fn.blocks = []
    })
    const kept = [...reached].sort((a, b) => a - b)
    const numbers = new Map(kept.map((old, n) => [old, n]))
    for (const n of kept) {
        walkFunction(functions[n], tree => {
            if (refersToFunction(tree.op)) tree.number = numbers.get(tree.number)!
        })
    }
    return kept
}

export function refersToFunction(op: Op): boolean {
    return op === Op.StaticFunction || op === Op.MakeClosure
}
