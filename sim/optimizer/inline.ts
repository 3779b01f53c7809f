// A function that is called in one place only is put there: its descriptor, the call and the frame on the heap are saved.

import { isPure } from "./effects"
import { codeSize } from "./encode"
import { forgetLiveness, isLive, livenessOf } from "./flow"
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

/** Slots with higher numbers take longer operations. */
const MOST_SLOTS = 240
/** Bytes of code that a function may grow to: jumps get longer with it, and the passes slower. */
const MOST_CODE = 6000

interface Call {
    caller: ProgramFunction
    block: Block
    /** Which statement of the block it is. */
    at: number
}

/** Puts functions where they are called. `names` are for the stack that an exception shows. */
export function inlineFunctions(functions: readonly ProgramFunction[], names: readonly string[]): void {
    const references = countReferences(functions)
    const calls = findCalls(functions)
    functions.forEach((callee, n) => {
        const call = calls.get(n)
        if (n === 0 || call === undefined || references[n] !== 1 || !canMove(callee)) return
        if (!canTake(callee, call)) return
        const found = locate(call.caller, n)
        if (found === undefined) return
        inline(callee, found, names[n])
        // calls in the callee are the caller's now
        for (const other of calls.values()) if (other.caller === callee) other.caller = call.caller
    })
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

/** By function, a call of it with a fixed name. */
function findCalls(functions: readonly ProgramFunction[]): Map<number, Call> {
    const calls = new Map<number, Call>()
    for (const caller of functions) {
        for (const block of caller.blocks) {
            block.statements.forEach((statement, at) => {
                const callee = calledFunction(statement)
                if (callee !== undefined) calls.set(callee, { caller, block, at })
            })
        }
    }
    return calls
}

function calledFunction({ op, arguments: args }: Node): number | undefined {
    const isCall = op >= Op.Call0 && op <= Op.Call8
    return isCall && args[0].op === Op.StaticFunction ? args[0].number : undefined
}

/** Where the call is now: other calls of the same function may have moved it. */
function locate(caller: ProgramFunction, callee: number): Call | undefined {
    for (const block of caller.blocks) {
        const at = block.statements.findIndex(statement => calledFunction(statement) === callee)
        if (at >= 0) return { caller, block, at }
    }
    return undefined
}

/** Whether a function does nothing that only a function of its own can: closures, handlers, this. */
function canMove(callee: ProgramFunction): boolean {
    if (callee.flags !== 0 || callee.tries > 0) return false
    let plain = true
    walkFunction(callee, ({ op }) => {
        if (op === Op.MakeClosure || op === Op.LoadClosure || op === Op.StoreClosure || op === Op.Debugger)
            plain = false
    })
    return plain
}

function canTake(callee: ProgramFunction, { caller }: Call): boolean {
    if (caller === callee || caller.slots + callee.slots > MOST_SLOTS) return false
    return codeSize(caller) + codeSize(callee) <= MOST_CODE
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

/** A place inside of a function that has been put into another. */
function nest(place: Place, within: { name: string; place: Place | undefined }): Place {
    const outer = place.within
    return outer === undefined
        ? { ...place, within }
        : {
              ...place,
              within: { name: outer.name, place: nest(outer.place ?? { position: 0, length: 0 }, within) },
          }
}

/** Stores a call's arguments to what were the callee's parameters. */
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

/** The callee's other slots are undefined at its start, also when it runs again. */
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

/** What the end of a block becomes in the caller: a return leaves its value as that of the call and goes on behind it. */
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
