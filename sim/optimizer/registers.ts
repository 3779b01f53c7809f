// The value of the last call stays until the next one, and an operation of one byte reads or sets it: a slot that is
// needed only between two calls takes two. So such values are kept there.

import { setsReturnValue } from "./effects"
import { isLive, type Live, Liveness, RETURN_VALUE, slotBit } from "./flow"
import { Op } from "./opcodes"
import { type ProgramFunction, rewriteFunction } from "./program"

export function useReturnValue(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    for (let changed = false; ; changed = true) {
        const slot = bestSlot(fn, shared)
        if (slot === undefined) return changed
        for (const { statements } of fn.blocks) {
            for (const statement of statements) {
                if (statement.op !== Op.StoreLocal || statement.number !== slot) continue
                statement.op = Op.StoreReturnValue
                statement.number = 0
            }
        }
        rewriteFunction(fn, tree => {
            if (tree.op !== Op.LoadLocal || tree.number !== slot) return tree
            return { ...tree, op: Op.ReturnValue, number: 0 }
        })
        // storing it to itself does nothing
        for (const block of fn.blocks) {
            block.statements = block.statements.filter(
                ({ op, arguments: args }) => op !== Op.StoreReturnValue || args[0].op !== Op.ReturnValue
            )
        }
    }
}

/** The slot that is read and written most often, of those whose values could be the value of the last call. */
function bestSlot(fn: ProgramFunction, shared: ReadonlySet<number>): number | undefined {
    const liveness = new Liveness(fn, shared)
    let barred: Live = liveness.inHandlers
    for (let slot = 0; slot < fn.parameters; slot++) barred |= slotBit(slot)
    for (const slot of shared) barred |= slotBit(slot)
    barred |= liveness.at(fn.blocks[0])
    const uses = new Array<number>(fn.slots).fill(0)
    for (const block of fn.blocks) {
        const live = liveness.statements(block)
        block.statements.forEach(({ op, number, arguments: args }, n) => {
            if (setsReturnValue(op)) {
                // what is needed behind it would be gone
                if (!(op === Op.StoreReturnValue && args[0].op === Op.LoadLocal)) barred |= live[n]
                else barred |= live[n] & ~slotBit(args[0].number)
            }
            if (op !== Op.StoreLocal) return
            uses[number]++
            // what is the value of the last call here would be gone, unless it is what is stored
            if ((live[n] & RETURN_VALUE) !== 0n && args[0].op !== Op.ReturnValue) barred |= slotBit(number)
        })
        // the VM makes null undefined, and a jump out of a try block throws
        const { kind } = block.end
        if (kind === "nullish" || kind === "throwJump" || kind === "rethrow") barred |= liveness.after(block)
    }
    rewriteFunction(fn, tree => {
        if (tree.op === Op.LoadLocal) uses[tree.number]++
        return tree
    })
    let best: number | undefined
    for (let slot = 0; slot < fn.slots; slot++) {
        if (uses[slot] === 0 || isLive(barred, slot)) continue
        if (best === undefined || uses[slot] > uses[best]) best = slot
    }
    return best
}
