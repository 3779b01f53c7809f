// Replaces reads of a slot with reads of the other slot, constant or value of the last call of which the slot is a copy.

import { setsReturnValue } from "./effects"
import { expressionSize } from "./encode"
import { isLive, livenessOf } from "./flow"
import { Op } from "./opcodes"
import {
    type Block,
    copy,
    endValue,
    type Node,
    type ProgramFunction,
    rewriteFunction,
    setEndValue,
} from "./program"

/** The size of a store or a load of a slot, bytes. */
const ACCESS = 2

export function propagateCopies(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    let changed = propagateEverywhere(fn, shared)
    for (const block of fn.blocks)
        if (holdsCheap(block, shared) && propagateInBlock(block, shared)) changed = true
    return changed
}

interface Known {
    value: Node
    stores: number
    loads: number
}

/** Replaces the reads of slots with one store, of a constant or of a parameter without stores. */
function propagateEverywhere(fn: ProgramFunction, shared: ReadonlySet<number>): boolean {
    const known = new Map<number, Known>()
    for (const { statements } of fn.blocks) {
        for (const { op, number, arguments: args } of statements) {
            if (op !== Op.StoreLocal) continue
            const before = known.get(number)
            if (before === undefined) known.set(number, { value: args[0], stores: 1, loads: 0 })
            else before.stores++
        }
    }
    let some = false
    for (const { value, stores } of known.values())
        if (stores === 1 && (value.op === Op.LoadLocal || isConstant(value))) some = true
    if (!some) return false
    rewriteFunction(fn, tree => {
        if (tree.op === Op.LoadLocal) {
            const slot = known.get(tree.number)
            if (slot !== undefined) slot.loads++
        }
        return tree
    })
    const unchanged = (slot: number) => slot < fn.parameters && !known.has(slot) && !shared.has(slot)
    const replaced = (slot: number): Node | undefined => {
        const one = known.get(slot)
        if (one === undefined || one.stores !== 1 || slot < fn.parameters) return undefined
        if (shared.has(slot)) return undefined
        const { value, loads } = one
        if (value.op === Op.LoadLocal) return unchanged(value.number) ? value : undefined
        if (!isConstant(value)) return undefined
        const size = expressionSize(value)
        return loads * size <= ACCESS + size + loads * ACCESS ? value : undefined
    }
    const values = new Map<number, Node>()
    for (const slot of known.keys()) {
        const value = replaced(slot)
        // a slot that may be read before its store is undefined there
        if (value !== undefined && !isLive(livenessOf(fn, shared).at(fn.blocks[0]), slot))
            values.set(slot, value)
    }
    if (values.size === 0) return false
    let changed = false
    rewriteFunction(fn, tree => {
        const value = tree.op === Op.LoadLocal ? values.get(tree.number) : undefined
        if (value === undefined) return tree
        changed = true
        return { ...copy(value), place: tree.place }
    })
    return changed
}

/** Returns whether a block stores a value that can be read instead of the slot. */
function holdsCheap({ statements }: Block, shared: ReadonlySet<number>): boolean {
    for (const { op, arguments: args } of statements)
        if (op === Op.StoreLocal && isCheap(args[0], shared)) return true
    return false
}

/** Replaces reads of copies within a block. */
function propagateInBlock(block: Block, shared: ReadonlySet<number>): boolean {
    const holds = new Map<number, Node>()
    let changed = false
    const replace = (tree: Node): Node => {
        tree.arguments.forEach((argument, n) => {
            tree.arguments[n] = replace(argument)
        })
        const value = tree.op === Op.LoadLocal ? holds.get(tree.number) : undefined
        if (value === undefined) return tree
        changed = true
        return { ...copy(value), place: tree.place }
    }
    const forget = (dropped: (slot: number, value: Node) => boolean) => {
        for (const [slot, value] of holds) if (dropped(slot, value)) holds.delete(slot)
    }
    for (const statement of block.statements) {
        statement.arguments.forEach((argument, n) => {
            statement.arguments[n] = replace(argument)
        })
        const { op, number } = statement
        if (setsReturnValue(op)) forget((_, value) => value.op === Op.ReturnValue)
        if (op === Op.Debugger) holds.clear()
        if (op !== Op.StoreLocal) continue
        forget((slot, value) => slot === number || (value.op === Op.LoadLocal && value.number === number))
        const [value] = statement.arguments
        if (!shared.has(number) && isCheap(value, shared) && !isSlot(value, number)) holds.set(number, value)
    }
    const value = endValue(block.end)
    if (value !== undefined) setEndValue(block.end, replace(value))
    return changed
}

function isSlot({ op, number }: Node, slot: number): boolean {
    return op === Op.LoadLocal && number === slot
}

/** Returns whether reading a value takes no more code than reading a slot. */
function isCheap(value: Node, shared: ReadonlySet<number>): boolean {
    if (value.op === Op.LoadLocal) return !shared.has(value.number)
    return value.op === Op.ReturnValue || (isConstant(value) && expressionSize(value) <= ACCESS)
}

function isConstant({ op }: Node): boolean {
    switch (op) {
        case Op.Literal:
        case Op.LiteralFloat:
        case Op.True:
        case Op.False:
        case Op.Undefined:
        case Op.Null:
        case Op.NaN:
        case Op.Infinity:
        case Op.StaticFunction:
        case Op.StaticBuffer:
        case Op.StaticAsciiString:
        case Op.StaticUtf8String:
        case Op.StaticBuiltinString:
            return true
        default:
            return false
    }
}
