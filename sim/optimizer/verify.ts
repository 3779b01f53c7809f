// Checks an image as the VM's own verifier does, and also what the VM checks only at run time: each operation, jump and index of
// each function.

import { decodeFunction } from "./decode"
import { ImageError } from "./errors"
import { CODE_LIMIT, Flag, type FunctionRecord, type ImageRecord, limitedBytes, readImage } from "./image"
import { Op } from "./opcodes"
import { type Block, type Node, type ProgramFunction, successors, walkFunction } from "./program"

/** The number of entries in each table to whose entries an operation can refer. */
interface Counts {
    globals: number
    functions: number
    floats: number
    ascii: number
    utf8: number
    buffers: number
    specs: number
}

const BUILTIN_STRINGS = 226
const BUILTIN_OBJECTS = 44
/** Indices of sections in ImageRecord.rest. */
const Rest = { Floats: 0, Roles: 1, Ascii: 2, Utf8: 3, Buffers: 4, Strings: 5 } as const
const LONGEST_ASCII = 200
const Kind = { Buffer: 0, Builtin: 1, Ascii: 2, Utf8: 3 } as const
const KIND_SHIFT = 14

/**
 * Throws an ImageError when the VM would reject the image, or could meet invalid code in it at run time. It does not check the
 * size of the code: see overLimit.
 */
export function verifyImage(image: Uint8Array): void {
    const record = readImage(image)
    verifySections(record)
    const counts = count(record)
    record.functions.forEach((fn, n) => {
        const what = `function ${n}`
        verifyDescriptor(fn, counts, what)
        verifyCode(decodeFunction(fn, what), counts, what)
    })
}

/** Returns the bytes of code above the VM's limit; 0 when the code is within it. */
export function overLimit(functions: { code: Uint8Array }[]): number {
    return Math.max(0, limitedBytes(functions) - CODE_LIMIT + 1)
}

function count({ globals, functions, head, rest }: ImageRecord): Counts {
    return {
        globals,
        functions: functions.length,
        floats: rest[Rest.Floats].length / 8,
        ascii: rest[Rest.Ascii].length / 2,
        utf8: rest[Rest.Utf8].length / 4,
        buffers: rest[Rest.Buffers].length / 8,
        specs: head[14] | (head[15] << 8),
    }
}

function verifySections({ rest }: ImageRecord): void {
    const fail = (what: string): never => {
        throw new ImageError(`the image is damaged: ${what}`)
    }
    const strings = rest[Rest.Strings]
    if (rest[Rest.Floats].length % 8 !== 0) fail("its table of floats does not have eight bytes per float")
    if (rest[Rest.Roles].length > 0) fail("it has roles of an old version")
    if (strings.length === 0 || strings.at(-1) !== 0) fail("its strings do not end with a zero")
    const words = (section: Uint8Array) => new DataView(section.buffer, section.byteOffset, section.length)
    const buffers = words(rest[Rest.Buffers])
    for (let at = 0; at + 8 <= buffers.byteLength; at += 8) {
        if (buffers.getUint32(at, true) + buffers.getUint32(at + 4, true) >= strings.length)
            fail(`buffer ${at / 8} ends after the string section`)
    }
    const utf8 = words(rest[Rest.Utf8])
    for (let at = 0; at + 4 <= utf8.byteLength; at += 4) {
        const start = utf8.getUint32(at, true)
        if (start % 2 !== 0 || start + 5 >= strings.length)
            fail(`UTF-8 string ${at / 4} is outside the string section`)
        const size = strings[start] | (strings[start + 1] << 8)
        const length = strings[start + 2] | (strings[start + 3] << 8)
        const end = start + 4 + 2 * (length >> 4) + size
        if (end + 1 >= strings.length || strings[end] !== 0)
            fail(`UTF-8 string ${at / 4} does not end with a zero`)
    }
    const ascii = words(rest[Rest.Ascii])
    for (let at = 0; at + 2 <= ascii.byteLength; at += 2) {
        const start = ascii.getUint16(at, true)
        const end = strings.indexOf(0, start)
        if (start >= strings.length || end - start >= LONGEST_ASCII)
            fail(`ASCII string ${at / 2} is outside the string section`)
    }
}

function verifyDescriptor(fn: FunctionRecord, counts: Counts, what: string): void {
    const { parameters, slots, flags, name } = fn
    if (parameters > slots) throw new ImageError(`${what}: ${parameters} parameters in ${slots} slots`)
    if ((flags & Flag.Constructor) !== 0 && (flags & Flag.This) === 0)
        throw new ImageError(`${what}: a constructor without "this"`)
    const own = ((flags & Flag.This) !== 0 ? 1 : 0) + ((flags & Flag.Rest) !== 0 ? 1 : 0)
    if (parameters < own) throw new ImageError(`${what}: no slots for "this" and the remaining arguments`)
    const index = name & ((1 << KIND_SHIFT) - 1)
    const kind = name >> KIND_SHIFT
    const known =
        kind === Kind.Buffer
            ? counts.buffers
            : kind === Kind.Builtin
              ? BUILTIN_STRINGS
              : kind === Kind.Ascii
                ? counts.ascii
                : counts.utf8
    if (index >= known)
        throw new ImageError(`${what}: its name is string ${index}, but there are only ${known}`)
}

function verifyCode(fn: ProgramFunction, counts: Counts, what: string): void {
    walkFunction(fn, ({ op, number }: Node) => {
        const limit = limitOf(op, counts, fn.slots)
        if (limit !== undefined && (number < 0 || number >= limit))
            throw new ImageError(`${what}: ${Op[op]} ${number}, but there are only ${limit}`)
    })
    verifyHandlers(fn, what)
}

/** Returns the number of entries in the table to whose entry an operation refers; undefined for other operations. */
function limitOf(op: Op, counts: Counts, slots: number): number | undefined {
    switch (op) {
        case Op.LoadLocal:
        case Op.StoreLocal:
            return slots
        case Op.LoadGlobal:
        case Op.StoreGlobal:
            return counts.globals
        case Op.StaticFunction:
        case Op.MakeClosure:
            return counts.functions
        case Op.LiteralFloat:
            return counts.floats
        case Op.StaticAsciiString:
        case Op.AsciiField:
            return counts.ascii
        case Op.StaticUtf8String:
        case Op.Utf8Field:
            return counts.utf8
        case Op.StaticBuffer:
            return counts.buffers
        case Op.StaticBuiltinString:
        case Op.BuiltinField:
        case Op.MathField:
        case Op.DsField:
        case Op.ObjectField:
            return BUILTIN_STRINGS
        case Op.BuiltinObject:
            return BUILTIN_OBJECTS
        case Op.StaticSpec:
        case Op.StaticSpecPrototype:
            return counts.specs
        default:
            return undefined
    }
}

/**
 * Checks the handlers: each begins with catch or finally, which are nowhere else, and no path is in more try blocks than the
 * function declares.
 */
function verifyHandlers(fn: ProgramFunction, what: string): void {
    const handlers = new Set(fn.blocks.flatMap(({ end }) => (end.kind === "try" ? [end.handler] : [])))
    for (const block of fn.blocks) {
        block.statements.forEach(({ op }, n) => {
            if ((op === Op.Catch || op === Op.Finally) && (n > 0 || !handlers.has(block)))
                throw new ImageError(`${what}: it has a catch or finally without a try`)
        })
        if (handlers.has(block) && !isHandler(block))
            throw new ImageError(`${what}: the handler of a try does not begin with catch or finally`)
    }
    verifyDepth(fn, what)
}

function isHandler({ statements }: Block): boolean {
    const op = statements[0]?.op
    return op === Op.Catch || op === Op.Finally
}

/** Checks that all paths to a block are in the same try blocks. */
function verifyDepth(fn: ProgramFunction, what: string): void {
    const inside = new Map<Block, readonly Block[]>([[fn.blocks[0], []]])
    const enter = (block: Block, handlers: readonly Block[]) => {
        const known = inside.get(block)
        if (known === undefined) inside.set(block, handlers)
        else if (known.length !== handlers.length || known.some((handler, n) => handler !== handlers[n]))
            throw new ImageError(`${what}: two paths from different try blocks meet`)
    }
    // `enter` adds further blocks to the map during the loop
    for (const [block, before] of inside) {
        const { end } = block
        let handlers = before
        // on the normal path a finally removes itself from the handlers; an exception has removed it already
        if (block.statements[0]?.op === Op.Finally && handlers.at(-1) === block)
            handlers = handlers.slice(0, -1)
        if (end.kind === "try") {
            if (handlers.length >= fn.tries)
                throw new ImageError(`${what}: it has more nested try blocks than it declares`)
            enter(end.next, [...handlers, end.handler])
            if (end.handler.statements[0]?.op === Op.Catch) enter(end.handler, handlers)
            else enter(end.handler, [...handlers, end.handler])
        } else if (end.kind === "endTry") {
            if (handlers.length === 0)
                throw new ImageError(`${what}: it ends a try block that it has not begun`)
            enter(end.to, handlers.slice(0, -1))
        } else if (end.kind === "throwJump") {
            const levels = end.levels.op === Op.Literal ? end.levels.number : Number.NaN
            if (!(levels >= 0 && levels <= handlers.length))
                throw new ImageError(`${what}: it jumps out of more try blocks than it is in`)
            enter(end.to, handlers.slice(0, handlers.length - levels))
        } else for (const next of successors(end)) enter(next, handlers)
    }
}
