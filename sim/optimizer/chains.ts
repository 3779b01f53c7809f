// Simplifies the code that the compiler generates for && and ||. A branch to a second branch whose outcome is then known goes
// straight to the target of the second. A value that is stored only to be returned is returned at once.

import { setsReturnValue } from "./effects"
import { constantTruth, foldConstants } from "./numbers"
import { Op } from "./opcodes"
import { type Block, copy, equal, type Node, type ProgramFunction } from "./program"

/** The limit of a walk along a chain, which ends a walk around a loop. No chain is as long. */
const LONGEST_CHAIN = 20

export function threadChains(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    let changed = false
    for (const block of fn.blocks) {
        const { end } = block
        if (end.kind === "branch") {
            const next = follow(block, end.next, end.condition, true, shared)
            const otherwise = follow(block, end.otherwise, end.condition, false, shared)
            if (next !== end.next || otherwise !== end.otherwise) changed = true
            end.next = next
            end.otherwise = otherwise
        } else if (end.kind === "jump") {
            const to = follow(block, end.to, undefined, false, shared)
            if (to !== end.to) changed = true
            end.to = to
            if (returnStored(block, to, shared)) changed = true
        }
    }
    return changed
}

/** Returns the block that control reaches from `from` through `to` if `condition` has the value `truth`. */
function follow(
    from: Block,
    to: Block,
    condition: Node | undefined,
    truth: boolean,
    shared: ReadonlySet<number>
): Block {
    let at = to
    for (let n = 0; n < LONGEST_CHAIN && at.statements.length === 0 && at.end.kind === "branch"; n++) {
        const known =
            condition !== undefined && equal(condition, at.end.condition)
                ? truth
                : storedTruth(from, at.end.condition, condition, truth, shared)
        if (known === undefined) break
        at = known ? at.end.next : at.end.otherwise
    }
    return at
}

/**
 * Returns whether a slot, or the value of the last call, is true after a block; undefined if the block's last store to it does not
 * show it.
 */
function storedTruth(
    { statements }: Block,
    tested: Node,
    condition: Node | undefined,
    truth: boolean,
    shared: ReadonlySet<number>
): boolean | undefined {
    if (tested.op === Op.ReturnValue) {
        const last = statements.filter(({ op }) => setsReturnValue(op)).at(-1)
        return last?.op === Op.StoreReturnValue ? constantTruth(last.arguments[0]) : undefined
    }
    const compared = comparedTruth(statements, tested, shared)
    if (compared !== undefined) return compared
    if (tested.op !== Op.LoadLocal || shared.has(tested.number)) return undefined
    const stored = new Set<number>()
    for (let n = statements.length - 1; n >= 0; n--) {
        const { op, number, arguments: args } = statements[n]
        if (op !== Op.StoreLocal) continue
        if (number !== tested.number) {
            stored.add(number)
            continue
        }
        const [value] = args
        const constant = constantTruth(value)
        if (constant !== undefined) return constant
        const isTested = value.op === Op.LoadLocal && condition !== undefined && equal(value, condition)
        return isTested && !stored.has(value.number) && !shared.has(value.number) ? truth : undefined
    }
    return undefined
}

/** Returns whether a slot's comparison with a constant is true after a block that stores a constant to it; undefined if it does not. */
function comparedTruth(
    statements: readonly Node[],
    tested: Node,
    shared: ReadonlySet<number>
): boolean | undefined {
    const slot = tested.arguments.find(({ op }) => op === Op.LoadLocal)
    if (slot === undefined || tested.arguments.length !== 2 || shared.has(slot.number)) return undefined
    const stored = statements
        .filter(({ op, number }) => op === Op.StoreLocal && number === slot.number)
        .at(-1)
    if (stored === undefined) return undefined
    const args = tested.arguments.map(argument => (argument === slot ? stored.arguments[0] : argument))
    const folded = foldConstants({ ...tested, arguments: args })
    return folded === undefined ? undefined : constantTruth(folded)
}

/** Ends a block with the return of the next block, if its last statement stores the value that the next block returns. */
function returnStored(block: Block, to: Block, shared: ReadonlySet<number>): boolean {
    const last = block.statements.at(-1)
    if (last?.op !== Op.StoreLocal || to.statements.length > 0 || to.end.kind !== "return") return false
    const { value, place } = to.end
    if (value.op !== Op.LoadLocal || value.number !== last.number || shared.has(value.number)) return false
    block.end = { kind: "return", value: copy(value), place }
    return true
}
