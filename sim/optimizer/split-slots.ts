// Assigns each independent use of a slot its own slot, because the compiler uses few slots for many temporary values. The pass in
// slots.ts joins slots again.

import { forgetLiveness, isLive, livenessOf } from "./flow"
import { Op } from "./opcodes"
import { type Block, endValue, type Node, type ProgramFunction, walk, waysOn } from "./program"

/** Sets of numbers that can be joined (union-find). */
class Groups {
    private readonly parents: number[] = []

    make(): number {
        this.parents.push(this.parents.length)
        return this.parents.length - 1
    }

    find(member: number): number {
        let at = member
        while (this.parents[at] !== at) {
            this.parents[at] = this.parents[this.parents[at]]
            at = this.parents[at]
        }
        return at
    }

    /** Joins two groups; the lower number becomes the name of the group. */
    join(a: number, b: number): void {
        const [x, y] = [this.find(a), this.find(b)]
        this.parents[Math.max(x, y)] = Math.min(x, y)
    }
}

/** Splits slots; returns whether it split any. Slots may get other numbers in any case. */
export function splitSlots(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    const liveness = livenessOf(fn, shared)
    const groups = new Groups()
    const whole = (slot: number) => shared.has(slot) || isLive(liveness.inHandlers, slot)
    // the values at the start of the function come first, so that parameters keep their slots
    const atStart = Array.from({ length: fn.slots }, () => groups.make())
    const entries = new Map<Block, number[]>()
    for (const block of fn.blocks) {
        const ids = Array.from({ length: fn.slots }, (_, slot) =>
            whole(slot) ? atStart[slot] : groups.make()
        )
        entries.set(block, ids)
    }
    const nextOf = waysOn(fn)
    const first = entries.get(fn.blocks[0])!
    for (let slot = 0; slot < fn.slots; slot++)
        if (slot < fn.parameters || isLive(liveness.at(fn.blocks[0]), slot))
            groups.join(first[slot], atStart[slot])
    const uses: { tree: Node; id: number }[] = []
    for (const block of fn.blocks) {
        const current = [...entries.get(block)!]
        const read = (tree: Node) => {
            walk(tree, inner => {
                if (inner.op === Op.LoadLocal) uses.push({ tree: inner, id: current[inner.number] })
            })
        }
        for (const statement of block.statements) {
            for (const argument of statement.arguments) read(argument)
            if (statement.op !== Op.StoreLocal) continue
            const { number } = statement
            if (!whole(number)) current[number] = groups.make()
            uses.push({ tree: statement, id: current[number] })
        }
        const value = endValue(block.end)
        if (value !== undefined) read(value)
        for (const next of nextOf(block)) {
            const live = liveness.at(next)
            const ids = entries.get(next)!
            for (let slot = 0; slot < fn.slots; slot++)
                if (isLive(live, slot)) groups.join(current[slot], ids[slot])
        }
    }
    const members = new Set(uses.map(({ tree }) => tree.number)).size
    rename(fn, groups, uses, atStart, shared)
    forgetLiveness(fn)
    return new Set(uses.map(({ tree }) => tree.number)).size > members
}

function rename(
    fn: ProgramFunction,
    groups: Groups,
    uses: { tree: Node; id: number }[],
    atStart: number[],
    shared: ReadonlySet<number>
): void {
    const slots = new Map<number, number>()
    atStart.forEach((id, slot) => {
        if (slot < fn.parameters || shared.has(slot)) slots.set(groups.find(id), slot)
    })
    const taken = new Set(slots.values())
    let next = fn.parameters
    for (const { tree, id } of uses) {
        const group = groups.find(id)
        let slot = slots.get(group)
        if (slot === undefined) {
            while (taken.has(next)) next++
            slot = next++
            slots.set(group, slot)
        }
        tree.number = slot
    }
    fn.slots = Math.max(next, ...[...taken].map(slot => slot + 1))
}
