// Redirects jumps to jumps to their final target, drops unreachable blocks, and appends a block with one predecessor to it.

import { isPure } from "./effects"
import { constantTruth } from "./numbers"
import { type Block, type ProgramFunction, retarget, successors } from "./program"

export function threadFunction(fn: ProgramFunction): boolean {
    let changed = false
    for (let before = -1; before !== fn.blocks.length; ) {
        if (before >= 0) changed = true
        before = fn.blocks.length
        for (const block of fn.blocks) if (decideBranch(block)) changed = true
        for (const { end } of fn.blocks) {
            retarget(end, block => {
                const to = destination(block)
                if (to !== block) changed = true
                return to
            })
        }
        dropUnreachable(fn)
        joinBlocks(fn)
    }
    return changed
}

/** Replaces a branch that always goes the same way with a jump; returns whether it did. */
function decideBranch(block: Block): boolean {
    const { end } = block
    if (end.kind !== "branch") return false
    const { condition, place } = end
    const truth = constantTruth(condition)
    if (truth !== undefined) block.end = { kind: "jump", to: truth ? end.next : end.otherwise, place }
    else if (end.next === end.otherwise && isPure(condition))
        block.end = { kind: "jump", to: end.next, place }
    return block.end !== end
}

/** Returns the block that control reaches from a block, past blocks that only jump. */
function destination(block: Block): Block {
    const seen = new Set<Block>()
    let at = block
    while (at.statements.length === 0 && at.end.kind === "jump" && !seen.has(at)) {
        seen.add(at)
        at = at.end.to
    }
    return at
}

/** Drops the blocks that control cannot reach. */
function dropUnreachable(fn: ProgramFunction): void {
    const reached = new Set([fn.blocks[0]])
    for (const block of reached) for (const next of successors(block.end)) reached.add(next)
    fn.blocks = fn.blocks.filter(block => reached.has(block))
}

/** Appends a block to its only predecessor, if that ends with a jump to it. */
function joinBlocks(fn: ProgramFunction): void {
    const ways = new Map<Block, number>([[fn.blocks[0], 1]])
    for (const { end } of fn.blocks) for (const to of successors(end)) ways.set(to, (ways.get(to) ?? 0) + 1)
    const gone = new Set<Block>()
    for (const block of fn.blocks) {
        if (gone.has(block)) continue
        while (block.end.kind === "jump" && block.end.to !== block && ways.get(block.end.to) === 1) {
            const { to } = block.end
            gone.add(to)
            block.statements.push(...to.statements)
            block.end = to.end
        }
    }
    fn.blocks = fn.blocks.filter(block => !gone.has(block))
}
