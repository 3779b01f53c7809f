// Inlines a function that is called in only one place, or that is hardly longer than a call. That saves its descriptor, the call
// and the frame on the heap.

import { isPure } from "./effects"
import { codeSize, expressionSize } from "./encode"
import { forgetLiveness, isLive, livenessOf, RETURN_VALUE } from "./flow"
import { DESCRIPTOR } from "./image"
import { Op } from "./opcodes"
import type { Place } from "./places"
import {
    type Block,
    copy,
    type End,
    endValue,
    type Node,
    node,
    type ProgramFunction,
    retarget,
    setEndValue,
    walk,
    walkFunction,
} from "./program"

/** The limit of a caller's slots: slots with higher numbers take longer operations. */
const MOST_SLOTS = 240
/** The largest number of calls of a function that is inlined. */
const MOST_CALLS = 4
/** The largest function that is inlined in more than one place, bytes. */
const MOST_COPIED = 40
/** The size of a store or a load of a slot, bytes. */
const STORE = 2
/** The size to which a caller may grow, bytes: larger functions have longer jumps, and make the passes slow. */
const MOST_CODE = 6000

interface Call {
    caller: ProgramFunction
    block: Block
    /** Index of the statement in the block. */
    at: number
}

/** Inlines functions. `names` are the functions' names for the stack of an exception. */
export function inlineFunctions(functions: readonly ProgramFunction[], names: readonly string[]): void {
    const references = countReferences(functions)
    const callersOf = findCallers(functions)
    const sizes = new Map<ProgramFunction, number>()
    functions.forEach((callee, n) => {
        if (n === 0 || references[n] === 0 || references[n] > MOST_CALLS || !canMove(callee)) return
        if (references[n] > 1 && codeSize(callee) > MOST_COPIED) return
        const callers = callersOf.get(n)
        if (callers === undefined || callers.has(callee)) return
        if (!tryInline(callee, n, references[n], [...callers], names[n], sizes)) return
        // the callers of an inlined function now call what it calls
        for (const others of callersOf.values()) {
            if (!others.delete(callee)) continue
            for (const caller of callers) others.add(caller)
        }
    })
}

/** Returns for each function those that call it by its number. */
function findCallers(functions: readonly ProgramFunction[]): Map<number, Set<ProgramFunction>> {
    const callers = new Map<number, Set<ProgramFunction>>()
    for (const caller of functions) {
        for (const { statements } of caller.blocks) {
            for (const statement of statements) {
                const callee = calledFunction(statement)
                if (callee === undefined) continue
                const known = callers.get(callee)
                if (known === undefined) callers.set(callee, new Set([caller]))
                else known.add(caller)
            }
        }
    }
    return callers
}

function countReferences(functions: readonly ProgramFunction[]): number[] {
    const references = functions.map(() => 0)
    for (const fn of functions) {
        walkFunction(fn, ({ op, number }) => {
            if (op === Op.StaticFunction || op === Op.MakeClosure) references[number]++
        })
    }
    return references
}

function calledFunction({ op, arguments: args }: Node): number | undefined {
    const isCall = op >= Op.Call0 && op <= Op.Call8
    return isCall && args[0].op === Op.StaticFunction ? args[0].number : undefined
}

/** Returns a call of a function in another one, if any. */
function locate(caller: ProgramFunction, callee: number): Call | undefined {
    for (const block of caller.blocks) {
        const at = block.statements.findIndex(statement => calledFunction(statement) === callee)
        if (at >= 0) return { caller, block, at }
    }
    return undefined
}

/** Returns whether a function can be inlined: it has no closures, no handlers and no `this`. */
function canMove(callee: ProgramFunction): boolean {
    if (callee.flags !== 0 || callee.tries > 0) return false
    let plain = true
    walkFunction(callee, ({ op }) => {
        if (op === Op.MakeClosure || op === Op.LoadClosure || op === Op.StoreClosure || op === Op.Debugger)
            plain = false
    })
    return plain
}

/**
 * Inlines a function in all of its callers if that makes the program smaller. The program may grow instead: a return of two bytes
 * becomes a jump, which takes four bytes if it is far, and the jumps of the callers get longer.
 */
function tryInline(
    callee: ProgramFunction,
    number: number,
    references: number,
    callers: readonly ProgramFunction[],
    name: string,
    sizes: Map<ProgramFunction, number>
): boolean {
    const sizeOf = (fn: ProgramFunction) => {
        const size = sizes.get(fn) ?? codeSize(fn)
        sizes.set(fn, size)
        return size
    }
    const saved = callers.map(({ blocks, slots }) => ({
        blocks,
        slots,
        contents: blocks.map(({ statements, end }) => ({ statements, end })),
    }))
    const before = callers.reduce((sum, caller) => sum + sizeOf(caller), sizeOf(callee) + DESCRIPTOR)
    let foreseen = 0
    let done = 0
    for (const caller of callers) {
        caller.blocks = [...caller.blocks]
        let grown = sizeOf(caller)
        for (let call = locate(caller, number); call !== undefined; call = locate(caller, number)) {
            grown += sizeOf(callee)
            if (caller.slots + callee.slots > MOST_SLOTS || grown > MOST_CODE) break
            foreseen += foreseenSavings(callee, call)
            inline(callee, call, name)
            done++
        }
    }
    const after = callers.map(caller => codeSize(caller))
    if (done === references && after.reduce((sum, size) => sum + size, 0) - foreseen < before) {
        for (const [n, caller] of callers.entries()) sizes.set(caller, after[n])
        return true
    }
    callers.forEach((caller, n) => {
        const { blocks, slots, contents } = saved[n]
        caller.blocks = blocks
        caller.slots = slots
        blocks.forEach((block, k) => {
            block.statements = contents[k].statements
            block.end = contents[k].end
        })
        forgetLiveness(caller)
    })
    return false
}

/**
 * Returns the bytes that other passes will save after the inlining: stores of arguments that can be read directly, and
 * results that are not used.
 */
function foreseenSavings(callee: ProgramFunction, { caller, block, at }: Call): number {
    const reads = new Array<number>(callee.slots).fill(0)
    walkFunction(callee, ({ op, number }) => {
        if (op === Op.LoadLocal) reads[number]++
    })
    let saved = 0
    const args = block.statements[at].arguments.slice(1)
    args.forEach((argument, n) => {
        if (n >= callee.parameters) return
        if (argument.arguments.length === 0) saved += STORE + expressionSize(argument)
        else if (reads[n] === 1) saved += 2 * STORE
    })
    saved += Math.max(0, callee.parameters - args.length) * (STORE + 1)
    const used = (livenessOf(caller, new Set()).statements(block)[at] & RETURN_VALUE) !== 0n
    if (used) return saved
    for (const { end } of callee.blocks) {
        if (end.kind === "return" && isPure(end.value)) saved += 1 + expressionSize(end.value)
    }
    return saved
}

function inline(callee: ProgramFunction, { caller, block, at }: Call, name: string): void {
    const call = block.statements[at]
    const base = caller.slots
    caller.slots += callee.slots
    forgetLiveness(caller)
    const behind: Block = { statements: block.statements.slice(at + 1), end: block.end }
    const within = { name, place: call.place }
    const nested = new Map<Place | undefined, Place>()
    const placed = (place: Place | undefined): Place => {
        let made = nested.get(place)
        if (made === undefined) {
            made = nest(place ?? { position: call.place?.position ?? 0, length: 0 }, within)
            nested.set(place, made)
        }
        return made
    }
    block.statements = [
        ...block.statements.slice(0, at),
        ...passArguments(call, callee, base),
        ...clearSlots(callee, base, call.place),
    ]
    const moved = new Map(callee.blocks.map(old => [old, { statements: [], end: old.end } as Block]))
    for (const [old, made] of moved) {
        made.statements = old.statements.map(statement => moveTree(statement, base, placed))
        made.end = moveEnd(old.end, made, behind, base, placed)
        retarget(made.end, to => moved.get(to) ?? to)
    }
    block.end = { kind: "jump", to: moved.get(callee.blocks[0])!, place: undefined }
    caller.blocks.splice(caller.blocks.indexOf(block) + 1, 0, ...moved.values(), behind)
}

/** Returns a place inside of a function that has been inlined. */
function nest(place: Place, within: { name: string; place: Place | undefined }): Place {
    const outer = place.within
    return outer === undefined
        ? { ...place, within }
        : {
              ...place,
              within: { name: outer.name, place: nest(outer.place ?? { position: 0, length: 0 }, within) },
          }
}

/** Returns the statements that store a call's arguments to the slots of the callee's parameters. */
function passArguments(
    { arguments: args, place }: Node,
    { parameters }: ProgramFunction,
    base: number
): Node[] {
    const statements = args.slice(1).flatMap((argument, n) => {
        if (n < parameters) return [node(Op.StoreLocal, argument.place, [argument], base + n)]
        return isPure(argument) ? [] : [node(Op.StoreReturnValue, argument.place, [argument])]
    })
    for (let n = args.length - 1; n < parameters; n++)
        statements.push(node(Op.StoreLocal, place, [node(Op.Undefined, place)], base + n))
    return statements
}

/** Returns the statements that set the callee's other slots to undefined, as they are at the start of each call. */
function clearSlots(callee: ProgramFunction, base: number, place: Place | undefined): Node[] {
    const live = livenessOf(callee, new Set()).at(callee.blocks[0])
    const statements: Node[] = []
    for (let slot = callee.parameters; slot < callee.slots; slot++) {
        if (isLive(live, slot))
            statements.push(node(Op.StoreLocal, place, [node(Op.Undefined, place)], base + slot))
    }
    return statements
}

function moveTree(tree: Node, base: number, placed: (place: Place | undefined) => Place): Node {
    const moved = copy(tree)
    walk(moved, inner => {
        if (inner.op === Op.LoadLocal || inner.op === Op.StoreLocal) inner.number += base
        inner.place = placed(inner.place)
    })
    return moved
}

/** Returns the end of a callee's block in the caller: a return stores the value of the call and jumps to the block after it. */
function moveEnd(
    end: End,
    made: Block,
    behind: Block,
    base: number,
    placed: (place: Place | undefined) => Place
): End {
    const place = placed(end.place)
    const value = endValue(end)
    const moved = value && moveTree(value, base, placed)
    if (end.kind === "return") {
        made.statements.push(node(Op.StoreReturnValue, place, [moved!]))
        return { kind: "jump", to: behind, place }
    }
    const copied = { ...end, place }
    if (moved !== undefined) setEndValue(copied, moved)
    return copied
}
