// Drops stores to slots that are no longer read.

import { isPure } from "./effects"
import { forgetLiveness, isLive, livenessOf, RETURN_VALUE } from "./flow"
import { Op } from "./opcodes"
import type { Node, ProgramFunction } from "./program"

export function dropDeadStores(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    let any = false
    for (let changed = true; changed; ) {
        changed = false
        if (any) forgetLiveness(fn)
        const liveness = livenessOf(fn, shared)
        for (const block of fn.blocks) {
            const live = liveness.statements(block)
            const kept = block.statements.filter((statement, n) => {
                const { op, number, arguments: args } = statement
                if (op === Op.StoreReturnValue) return (live[n] & RETURN_VALUE) !== 0n || !isPure(args[0])
                if (op !== Op.StoreLocal || shared.has(number)) return true
                if (isItself(statement)) return false
                return isLive(live[n], number) || !isPure(args[0])
            })
            if (kept.length === block.statements.length) continue
            block.statements = kept
            changed = true
            any = true
        }
    }
    return any
}

/** Returns whether a statement stores a slot to itself. */
function isItself({ number, arguments: [value] }: Node): boolean {
    return value.op === Op.LoadLocal && value.number === number
}
