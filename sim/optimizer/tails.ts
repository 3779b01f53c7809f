// Joins equal blocks at the ends of a function, if they cannot throw: an exception would name the line of the other block.

import { isPure } from "./effects"
import { type Bodies, codeSize, measureBodies } from "./encode"
import { Op } from "./opcodes"
import { type Block, endValue, equal, type Node, type ProgramFunction, retarget } from "./program"

export function mergeTails(fn: ProgramFunction): boolean {
    let changed = false
    const bodies = measureBodies(fn)
    let size = codeSize(fn, bodies)
    for (let n = 0; n < fn.blocks.length; n++) {
        for (let m = fn.blocks.length - 1; m > n; m--) {
            const now = tryMerge(fn, n, m, size, bodies)
            if (now === undefined) continue
            size = now
            changed = true
            n = Math.max(-1, n - 1)
            break
        }
    }
    return changed
}

/** Redirects jumps to block `n` to the equal block `m`, if that makes the function smaller; returns its new size then. */
function tryMerge(
    fn: ProgramFunction,
    n: number,
    m: number,
    before: number,
    bodies: Bodies
): number | undefined {
    const [from, to] = [fn.blocks[n], fn.blocks[m]]
    if (n === 0 || !isSame(from, to)) return undefined
    const blocks = fn.blocks
    const redirect = (a: Block, b: Block, list: readonly Block[]) => {
        const touched: Block[] = []
        for (const block of list) {
            retarget(block.end, target => {
                if (target !== a) return target
                touched.push(block)
                return b
            })
        }
        return touched
    }
    const ends = blocks.map(({ end }) => ({ ...end }))
    redirect(from, to, blocks)
    fn.blocks = blocks.filter(block => block !== from)
    const size = codeSize(fn, bodies)
    if (size < before) return size
    blocks.forEach((block, k) => {
        block.end = ends[k]
    })
    fn.blocks = blocks
    return undefined
}

function isSame(a: Block, b: Block): boolean {
    if (a.statements.length !== b.statements.length || a.end.kind !== b.end.kind) return false
    if (a.end.kind !== "return" && a.end.kind !== "jump") return false
    if (a.end.kind === "jump" && b.end.kind === "jump" && a.end.to !== b.end.to) return false
    const [x, y] = [endValue(a.end), endValue(b.end)]
    if (x !== undefined && y !== undefined && !(equal(x, y) && isPure(x))) return false
    return a.statements.every((statement, n) => isQuiet(statement) && equal(statement, b.statements[n]))
}

/** Returns whether a statement cannot throw and calls nothing. */
function isQuiet({ op, arguments: args }: Node): boolean {
    return (op === Op.StoreLocal || op === Op.StoreReturnValue || op === Op.StoreGlobal) && args.every(isPure)
}
