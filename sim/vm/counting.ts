// Counts what a program does on the VM: operations, calls and allocations, each by its place in the image. For that a few
// instructions are added to the VM's WebAssembly: one count per operation in `devs_vm_exec_opcodes`, and one per block of the
// heap in `jd_gc_any_try_alloc`. The counts are in the VM's memory, above all that it uses. Functions are found by their names in
// the module.

/** Addresses of the counts, in the last of the memory's 16 MB; each table has a word for each place in the image. */
const Table = { Operations: 0xe0_0000, Entries: 0xe4_0000, Blocks: 0xe8_0000, Bytes: 0xec_0000 } as const
/** Addresses of the place and of the frame of the last operation. */
const Last = { Place: 0xf0_0000, Frame: 0xf0_0004 } as const
const PLACES = 0x1_0000

/** The counts by place, an offset in the image. */
export interface Counts {
    operations: Uint32Array
    /** Operations that followed an operation of another frame: at a function's first place, its calls. */
    entries: Uint32Array
    /** Blocks of the heap that the operation at a place has allocated, and the bytes that it requested. */
    blocks: Uint32Array
    bytes: Uint32Array
}

/** Returns a copy of the counts since the VM's start. The VM must have been created with counting. */
export function readCounts(vm: { HEAPU32: Uint32Array }): Counts {
    const table = (at: number) => vm.HEAPU32.slice(at >> 2, (at >> 2) + PLACES)
    return {
        operations: table(Table.Operations),
        entries: table(Table.Entries),
        blocks: table(Table.Blocks),
        bytes: table(Table.Bytes),
    }
}

/** Adds counting to the VM's WebAssembly. */
export function withCounts(wasm: Uint8Array): Uint8Array {
    const sections = sectionsOf(wasm)
    const index = functionsByName(sections)
    const changes = new Map([
        [index("devs_vm_exec_opcodes"), countOperation],
        [index("jd_gc_any_try_alloc"), countBlock],
    ])
    const imported = importedFunctions(sections)
    const parts = sections.map(({ id, body }) =>
        section(id, id === Section.Code ? changedCode(body, imported, changes) : body)
    )
    return Uint8Array.from([...wasm.subarray(0, 8), ...parts.flatMap(part => Array.from(part))])
}

const Section = { Custom: 0, Import: 2, Code: 10 } as const
const Kind = { Function: 0, Table: 1, Memory: 2, Global: 3 } as const
const Wasm = {
    Loop: 0x03,
    Block: 0x02,
    NoResult: 0x40,
    LocalGet: 0x20,
    LocalSet: 0x21,
    Load: 0x28,
    Load16: 0x2f,
    Store: 0x36,
    Constant: 0x41,
    NotEqual: 0x47,
    Add: 0x6a,
    ShiftLeft: 0x74,
    /** Alignments, as a power of two. */
    Half: 1,
    Word: 2,
} as const

/** The offset of the next operation in the image, in a function's frame. */
const FRAME_PC = 4
/** Locals: the frame in `devs_vm_exec_opcodes`, the size in `jd_gc_any_try_alloc`. */
const FRAME = 2
const SIZE = 2

const constant = (value: number) => [Wasm.Constant, ...signed(value)]
const load = (at: number) => [Wasm.Load, Wasm.Word, ...unsigned(at)]
const store = (at: number) => [Wasm.Store, Wasm.Word, ...unsigned(at)]
const frame = [Wasm.LocalGet, FRAME]
const place = [...frame, Wasm.Load16, Wasm.Half, FRAME_PC]
const last = [...constant(0), ...load(Last.Place)]
const words = [...constant(2), Wasm.ShiftLeft]

/** Returns instructions that add the value that `amount` leaves on the stack to a table's word; `at` leaves the place there. */
const count = (table: number, at: number[], amount: number[]) => [
    ...[...at, ...words, ...at, ...words],
    ...[...load(table), ...amount, Wasm.Add, ...store(table)],
]

/** Puts the count at the start of the interpreter's loop, which executes one operation per turn. */
function countOperation(code: number[]): number[] {
    const start = [
        ...[...constant(131_072), Wasm.LocalSet, 3],
        ...[Wasm.Block, Wasm.NoResult, Wasm.Loop, Wasm.NoResult],
    ]
    const at = code.findIndex((_, i) => start.every((byte, n) => code[i + n] === byte))
    if (at < 0) throw new Error("the VM's interpreter has an unknown form; the VM may be another version")
    const loop = at + start.length
    const counting = [
        ...count(Table.Operations, place, constant(1)),
        ...count(Table.Entries, place, [...constant(0), ...load(Last.Frame), ...frame, Wasm.NotEqual]),
        ...[...constant(0), ...place, ...store(Last.Place)],
        ...[...constant(0), ...frame, ...store(Last.Frame)],
    ]
    return [...code.slice(0, loop), ...counting, ...code.slice(loop)]
}

/** Puts the count before the allocator's first instruction. */
function countBlock(code: number[]): number[] {
    const counting = [
        ...count(Table.Blocks, last, constant(1)),
        ...count(Table.Bytes, last, [Wasm.LocalGet, SIZE]),
    ]
    const start = localsEnd(code)
    return [...code.slice(0, start), ...counting, ...code.slice(start)]
}

/** Reads numbers of a WebAssembly module. */
class Reader {
    at = 0

    constructor(readonly bytes: Uint8Array) {}

    get more(): boolean {
        return this.at < this.bytes.length
    }

    byte(): number {
        return this.bytes[this.at++]!
    }

    number(): number {
        let value = 0
        for (let shift = 0; ; shift += 7) {
            const byte = this.byte()
            value += (byte & 0x7f) * 2 ** shift
            if (byte < 0x80) return value
        }
    }

    take(length: number): Uint8Array {
        this.at += length
        return this.bytes.subarray(this.at - length, this.at)
    }

    text(): string {
        return new TextDecoder().decode(this.take(this.number()))
    }
}

function sectionsOf(wasm: Uint8Array): { id: number; body: Uint8Array }[] {
    const reader = new Reader(wasm)
    reader.take(8)
    const sections: { id: number; body: Uint8Array }[] = []
    while (reader.more) {
        const id = reader.byte()
        sections.push({ id, body: reader.take(reader.number()) })
    }
    return sections
}

type Sections = ReturnType<typeof sectionsOf>

/** Returns a function that finds a function's number by its name. */
function functionsByName(sections: Sections): (name: string) => number {
    const numbers = new Map<string, number>()
    for (const { id, body } of sections) {
        if (id !== Section.Custom) continue
        const reader = new Reader(body)
        if (reader.text() !== "name") continue
        while (reader.more) {
            const kind = reader.byte()
            const names = new Reader(reader.take(reader.number()))
            if (kind !== 1) continue
            for (let left = names.number(); left > 0; left--) {
                const number = names.number()
                numbers.set(names.text(), number)
            }
        }
    }
    return name => {
        const number = numbers.get(name)
        if (number === undefined) throw new Error(`the VM has no function ${name}; it may be another version`)
        return number
    }
}

/** Returns how many functions the module imports, after which its own are numbered. */
function importedFunctions(sections: Sections): number {
    const body = sections.find(({ id }) => id === Section.Import)?.body
    if (body === undefined) return 0
    const reader = new Reader(body)
    let functions = 0
    for (let left = reader.number(); left > 0; left--) {
        reader.text()
        reader.text()
        const kind = reader.byte()
        if (kind === Kind.Function) functions++
        if (kind === Kind.Global || kind === Kind.Table) reader.byte()
        if (kind === Kind.Function) reader.number()
        else if (kind === Kind.Global) reader.byte()
        else if (reader.number() === 0) reader.number()
        else {
            reader.number()
            reader.number()
        }
    }
    return functions
}

function changedCode(
    body: Uint8Array,
    imported: number,
    changes: ReadonlyMap<number, (code: number[]) => number[]>
): Uint8Array {
    const reader = new Reader(body)
    const functions = reader.number()
    const parts: number[][] = [unsigned(functions)]
    for (let n = 0; n < functions; n++) {
        const code = Array.from(reader.take(reader.number()))
        const changed = changes.get(imported + n)?.(code) ?? code
        parts.push(unsigned(changed.length), changed)
    }
    return Uint8Array.from(parts.flat())
}

/** Returns where the instructions of a function begin. */
function localsEnd(code: number[]): number {
    const reader = new Reader(Uint8Array.from(code))
    for (let left = reader.number(); left > 0; left--) {
        reader.number()
        reader.byte()
    }
    return reader.at
}

function section(id: number, body: Uint8Array): Uint8Array {
    return Uint8Array.from([id, ...unsigned(body.length), ...body])
}

/** LEB128. */
function unsigned(value: number): number[] {
    const bytes: number[] = []
    let left = value
    for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
    return [...bytes, left]
}

/** Signed LEB128 of a number that is not negative. */
function signed(value: number): number[] {
    const bytes: number[] = []
    let left = value
    for (; left >= 0x40; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
    return [...bytes, left]
}
