// Puts values that are not needed at the same time into one slot. Frames on the heap get smaller, and a copy from one slot to
// another is dropped when both become the same slot.

import { isLive, type Live, livenessOf, slotBit } from "./flow"
import { Op } from "./opcodes"
import { type ProgramFunction, walkFunction } from "./program"

/** By slot, the slots that must stay different from it, as bits. */
class Conflicts {
    private readonly sets: Live[]

    constructor(readonly slots: number) {
        this.sets = new Array<Live>(slots).fill(0n)
    }

    add(slot: number, others: Live): void {
        this.sets[slot] |= others & ~slotBit(slot)
        for (let other = 0; other < this.slots; other++)
            if (other !== slot && isLive(others, other)) this.sets[other] |= slotBit(slot)
    }

    has(a: number, b: number): boolean {
        return isLive(this.sets[a], b)
    }

    /** Adds the conflicts of `b` to those of `a`, because both become one slot. */
    merge(a: number, b: number): void {
        this.add(a, this.sets[b])
    }

    of(slot: number): Live {
        return this.sets[slot]
    }
}

export function shareSlots(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    const conflicts = findConflicts(fn, shared)
    const same = mergeCopies(fn, shared, conflicts)
    const of = (slot: number) => {
        let at = slot
        while (same[at] !== at) at = same[at]
        return at
    }
    const fixed = (slot: number) => slot < fn.parameters || shared.has(slot)
    const chosen = new Map<number, number>()
    for (let slot = 0; slot < fn.slots; slot++) if (fixed(slot)) chosen.set(slot, slot)
    const isFree = (slot: number, place: number) => {
        for (const [other, taken] of chosen) if (taken === place && conflicts.has(slot, other)) return false
        return !shared.has(place)
    }
    let slots = fn.parameters
    for (const slot of shared) slots = Math.max(slots, slot + 1)
    walkFunction(fn, ({ op, number }) => {
        if (op !== Op.LoadLocal && op !== Op.StoreLocal) return
        const slot = of(number)
        if (chosen.has(slot)) return
        let place = 0
        while (!isFree(slot, place)) place++
        chosen.set(slot, place)
        slots = Math.max(slots, place + 1)
    })
    walkFunction(fn, tree => {
        if (tree.op === Op.LoadLocal || tree.op === Op.StoreLocal) tree.number = chosen.get(of(tree.number))!
    })
    fn.slots = slots
    return true
}

function findConflicts(fn: ProgramFunction, shared: ReadonlySet<number>): Conflicts {
    const conflicts = new Conflicts(fn.slots)
    const liveness = livenessOf(fn, shared)
    for (const block of fn.blocks) {
        const live = liveness.statements(block)
        block.statements.forEach(({ op, number, arguments: [value] }, n) => {
            if (op !== Op.StoreLocal || shared.has(number)) return
            const copied = value.op === Op.LoadLocal && !shared.has(value.number) ? slotBit(value.number) : 0n
            conflicts.add(number, live[n] & ~copied)
        })
    }
    // at the start parameters hold the caller's arguments, and other slots that are read before a store hold undefined
    const entry = liveness.at(fn.blocks[0])
    for (let slot = 0; slot < fn.slots; slot++)
        if (slot < fn.parameters || isLive(entry, slot)) conflicts.add(slot, entry)
    for (let slot = fn.parameters; slot < fn.slots; slot++)
        if (isLive(entry, slot))
            for (let given = 0; given < fn.parameters; given++) conflicts.add(slot, slotBit(given))
    return conflicts
}

/** Joins a slot and its copy where no conflict forbids it; returns for each slot the slot that it has become part of. */
function mergeCopies(fn: ProgramFunction, shared: ReadonlySet<number>, conflicts: Conflicts): number[] {
    const same = Array.from({ length: fn.slots }, (_, slot) => slot)
    const of = (slot: number) => {
        let at = slot
        while (same[at] !== at) at = same[at]
        return at
    }
    for (const { statements } of fn.blocks) {
        for (const {
            op,
            number,
            arguments: [value],
        } of statements) {
            if (op !== Op.StoreLocal || value.op !== Op.LoadLocal) continue
            if (shared.has(number) || shared.has(value.number)) continue
            const [a, b] = [of(number), of(value.number)].sort((x, y) => x - y)
            if (a === b || conflicts.has(a, b) || b < fn.parameters) continue
            conflicts.merge(a, b)
            same[b] = a
        }
    }
    return same
}
