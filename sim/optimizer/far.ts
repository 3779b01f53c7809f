// Replaces a far jump, which takes four bytes, with a near jump of two bytes to another jump with the same target.

import { type Bodies, codeSize, type Jump, measure, measureBodies } from "./encode"
import { type Block, type ProgramFunction, retarget } from "./program"

/** The size of a far jump, bytes. */
const FAR = 4
/** The least distance that a jump of two bytes forward, or of three bytes backward, reaches. */
const NEAR = 247

export function shortenFarJumps(fn: ProgramFunction): boolean {
    let changed = false
    const bodies = measureBodies(fn)
    for (let found = true; found; ) {
        found = false
        const { size, jumps } = measure(fn, bodies)
        for (const jump of jumps) {
            // a try has to name its handler directly
            if (jump.width < FAR || jump.from.end.kind === "try" || !shorten(fn, jump, jumps, size, bodies))
                continue
            changed = true
            found = true
            break
        }
    }
    return changed
}

function shorten(
    fn: ProgramFunction,
    jump: Jump,
    jumps: readonly Jump[],
    before: number,
    bodies: Bodies
): boolean {
    const forward = fn.blocks.indexOf(jump.to) > fn.blocks.indexOf(jump.from)
    const distance = ({ offset }: Jump) => (forward ? offset - jump.offset : jump.offset - offset)
    const reachable = jumps.filter(
        other =>
            other.to === jump.to &&
            other.from.end.kind === "jump" &&
            other.from !== jump.from &&
            distance(other) > 0 &&
            distance(other) <= NEAR
    )
    // the farthest jump is best: with it the jumps in between can be shortened, too
    const by = reachable.sort((a, b) => distance(b) - distance(a))[0]
    if (by === undefined) return false
    const { blocks } = fn
    const [from, middle] = [jump.from, by.from]
    const ends = { from: { ...from.end }, middle: middle.end }
    const step = middle.statements.length === 0 ? middle : splitJump(fn, middle)
    retarget(from.end, to => (to === jump.to ? step : to))
    if (codeSize(fn, bodies) < before) return true
    fn.blocks = blocks
    middle.end = ends.middle
    from.end = ends.from
    return false
}

/** Moves the jump at the end of a block into a block of its own. */
function splitJump(fn: ProgramFunction, block: Block): Block {
    const step: Block = { statements: [], end: block.end }
    block.end = { kind: "jump", to: step, place: undefined }
    const at = fn.blocks.indexOf(block) + 1
    fn.blocks = [...fn.blocks.slice(0, at), step, ...fn.blocks.slice(at)]
    return step
}
