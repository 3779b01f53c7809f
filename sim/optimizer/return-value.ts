// Keeps values as the value of the last call instead of in slots. That value lasts until the next call, and an operation of one
// byte reads or sets it, where a slot takes two bytes.

import { setsReturnValue } from "./effects"
import { forgetLiveness, isLive, type Live, livenessOf, RETURN_VALUE, slotBit } from "./flow"
import { Op } from "./opcodes"
import { type ProgramFunction, rewriteFunction } from "./program"

export function useReturnValue(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    for (let changed = false; ; changed = true) {
        const slots = chooseSlots(fn, shared)
        if (slots.size === 0) return changed
        forgetLiveness(fn)
        for (const block of fn.blocks) {
            for (const statement of block.statements) {
                if (statement.op !== Op.StoreLocal || !slots.has(statement.number)) continue
                statement.op = Op.StoreReturnValue
                statement.number = 0
            }
        }
        rewriteFunction(fn, tree => {
            if (tree.op !== Op.LoadLocal || !slots.has(tree.number)) return tree
            return { ...tree, op: Op.ReturnValue, number: 0 }
        })
        // a store of the value to itself has no effect
        for (const block of fn.blocks) {
            block.statements = block.statements.filter(
                ({ op, arguments: args }) => op !== Op.StoreReturnValue || args[0].op !== Op.ReturnValue
            )
        }
    }
}

/** Returns slots whose values can be the value of the last call. No two of them are needed at the same time; the most used come first. */
function chooseSlots(fn: ProgramFunction, shared: ReadonlySet<number>): Set<number> {
    const liveness = livenessOf(fn, shared)
    let barred: Live = liveness.inHandlers
    for (let slot = 0; slot < fn.parameters; slot++) barred |= slotBit(slot)
    for (const slot of shared) barred |= slotBit(slot)
    barred |= liveness.at(fn.blocks[0])
    const uses = new Array<number>(fn.slots).fill(0)
    /** By slot, the slots that are needed after a store to it. */
    const beside = new Array<Live>(fn.slots).fill(0n)
    for (const block of fn.blocks) {
        const live = liveness.statements(block)
        block.statements.forEach(({ op, number, arguments: args }, n) => {
            if (setsReturnValue(op)) {
                // the statement would overwrite a value that is needed after it
                if (!(op === Op.StoreReturnValue && args[0].op === Op.LoadLocal)) barred |= live[n]
                else barred |= live[n] & ~slotBit(args[0].number)
            }
            if (op !== Op.StoreLocal) return
            uses[number]++
            beside[number] |= live[n]
            // the store would overwrite the value of the last call, which is needed, unless it stores that very value
            if ((live[n] & RETURN_VALUE) !== 0n && args[0].op !== Op.ReturnValue) barred |= slotBit(number)
        })
        // here the VM changes the value itself: null becomes undefined, and a jump out of a try block throws
        const { kind } = block.end
        if (kind === "nullish" || kind === "throwJump" || kind === "rethrow") barred |= liveness.after(block)
    }
    rewriteFunction(fn, tree => {
        if (tree.op === Op.LoadLocal) uses[tree.number]++
        return tree
    })
    const chosen = new Set<number>()
    let taken: Live = 0n
    let stored: Live = 0n
    const order = uses.map((_, slot) => slot).sort((a, b) => uses[b] - uses[a] || a - b)
    for (const slot of order) {
        if (uses[slot] === 0 || isLive(barred, slot)) continue
        if ((beside[slot] & taken) !== 0n || isLive(stored, slot)) continue
        chosen.add(slot)
        taken |= slotBit(slot)
        stored |= beside[slot] & ~slotBit(slot)
    }
    return chosen
}
