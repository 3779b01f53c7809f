// Finds the slots of functions that closures reach.

import { Flag } from "./image"
import { Op } from "./opcodes"
import { type ProgramFunction, walkFunction } from "./program"

/** Returns for each function the slots that closures read or write, too. */
export function sharedSlots(functions: readonly ProgramFunction[]): Set<number>[] {
    const parents = functions.map(() => new Set<number>())
    functions.forEach((fn, n) => {
        walkFunction(fn, ({ op, number }) => {
            if (op === Op.MakeClosure) parents[number].add(n)
        })
    })
    const shared = functions.map(() => new Set<number>())
    functions.forEach((fn, n) => {
        // a constructor that returns undefined returns the value of its first slot
        if ((fn.flags & Flag.Constructor) !== 0) shared[n].add(0)
        walkFunction(fn, ({ op, number, arguments: args }) => {
            if (op !== Op.LoadClosure && op !== Op.StoreClosure) return
            const levels = args[0].op === Op.Literal ? args[0].number : undefined
            for (const ancestor of ancestors(parents, n, levels)) shared[ancestor].add(number)
        })
    })
    return shared
}

/** Returns the functions `levels` levels further out; all outer functions when the number is not known. */
function ancestors(parents: Set<number>[], from: number, levels: number | undefined): Set<number> {
    const all = new Set<number>()
    let ring = new Set([from])
    for (let n = 0; levels === undefined ? ring.size > 0 : n < levels; n++) {
        const next = new Set(
            [...ring].flatMap(fn => [...parents[fn]]).filter(fn => levels !== undefined || !all.has(fn))
        )
        for (const fn of next) all.add(fn)
        ring = next
        if (ring.size === 0) break
    }
    return levels === undefined ? all : ring
}
