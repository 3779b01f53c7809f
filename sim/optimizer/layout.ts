// Orders the blocks of a function: moving a block directly after a jump to it saves that jump.

import { codeSize, endSize, measureBodies } from "./encode"
import type { Block, ProgramFunction } from "./program"

export function layOutBlocks(fn: ProgramFunction): boolean {
    let changed = false
    const bodies = measureBodies(fn)
    let size = codeSize(fn, bodies)
    for (let moved = true; moved; ) {
        moved = false
        for (const block of [...fn.blocks]) {
            for (const target of jumpsTo(block, fn.blocks[fn.blocks.indexOf(block) + 1])) {
                const before = fn.blocks
                const better = ordersWithBehind(before, block, target).find(order => {
                    fn.blocks = order
                    return codeSize(fn, bodies) < size
                })
                fn.blocks = better ?? before
                if (better === undefined) continue
                size = codeSize(fn, bodies)
                moved = true
                changed = true
                break
            }
        }
    }
    return changed
}

/** Returns the targets of a block's jumps that another order of the blocks could save. */
function jumpsTo({ end }: Block, following: Block | undefined): Block[] {
    switch (end.kind) {
        case "jump":
            return end.to === following ? [] : [end.to]
        case "branch":
            return end.next === following ? [] : [end.next, end.otherwise]
        case "nullish":
        case "try":
        case "rethrow":
            return end.next === following ? [] : [end.next]
        default:
            return []
    }
}

/** Returns shorter orders with `target` after `block`: with all blocks that `target` falls into, and alone. */
function ordersWithBehind(blocks: readonly Block[], block: Block, target: Block): Block[][] {
    const from = blocks.indexOf(target)
    if (from <= 0 || target === block) return []
    let to = from + 1
    while (to < blocks.length && fallsInto(blocks[to - 1], blocks[to])) to++
    return [to, from + 1].flatMap(end => {
        const chain = blocks.slice(from, end)
        const at = blocks.indexOf(block)
        if (at >= from && at < end) return []
        // the ends of three blocks change
        const last = blocks[end - 1]
        const [before, after] = [blocks[from - 1], blocks[end]]
        const next = at + 1 === from ? after : blocks[at + 1]
        const old =
            endSize(block, blocks[at + 1]) +
            endSize(last, after) +
            (before === block ? 0 : endSize(before, target))
        const made =
            endSize(block, target) + endSize(last, next) + (before === block ? 0 : endSize(before, after))
        if (made >= old) return []
        const rest = blocks.filter((_, n) => n < from || n >= end)
        rest.splice(rest.indexOf(block) + 1, 0, ...chain)
        return [rest]
    })
}

/** Returns whether control can reach the following block without a jump. */
function fallsInto({ end }: Block, following: Block): boolean {
    switch (end.kind) {
        case "jump":
            return end.to === following
        case "branch":
            return end.next === following || end.otherwise === following
        case "nullish":
        case "try":
        case "rethrow":
            return end.next === following
        default:
            return false
    }
}
