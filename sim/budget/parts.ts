// Finds the package, folder, file and function of each byte of an image's code, from the positions that a build keeps for each
// operation. So code that the optimizer has moved counts at its place in the sources.

import { DESCRIPTOR, limitedBytes, readImage } from "../optimizer/image"
import { lastAtMost } from "../optimizer/places"
import type { DebugInfo } from "../vm/positions"

/** A package, folder, file or function, with the bytes of code in it. */
export interface Part {
    name: string
    bytes: number
    parts: Part[]
}

/** Debug information with the places of functions. */
export interface SizedDebugInfo extends DebugInfo {
    functions: {
        name: string
        startpc: number
        /** Position and length of the function in the sources. */
        location?: [number, number]
    }[]
}

/**
 * The name for operations outside of all functions: the statements of a module, and functions that the optimizer has inlined
 * there.
 */
const OUTSIDE = "(top level, inlined)"
/** The package of files without a package in their paths. */
const OWN = "devicescript-tcp"
/** The name for code without a position, which the compiler and the optimizer have generated. */
const MADE = "(made by the compiler)"

/** Returns the code of an image as a tree. Its `bytes` are those that the VM's limit counts. */
export function partsOf(image: Uint8Array, debug: SizedDebugInfo): Part {
    const { functions } = readImage(image)
    const places = new Places(debug)
    const root: Part = { name: "code", bytes: 0, parts: [] }
    functions.forEach(({ start, code }, index) => {
        add(root, places.ofFunction(index), DESCRIPTOR)
        for (const { path, bytes } of places.within(index, start, start + code.length)) add(root, path, bytes)
    })
    // functions are padded to whole words
    add(root, ["(image)", "header and padding"], limitedBytes(functions) - root.bytes)
    order(root)
    return root
}

/** Returns all files, the largest first, with their paths; the path of another package's file begins with the package. */
export function filesOf(root: Part): { path: string; bytes: number; parts: Part[] }[] {
    const files = root.parts.flatMap(pack =>
        pack.parts.flatMap(folder =>
            folder.parts.map(({ name, bytes, parts }) => ({
                path: [pack.name, folder.name, name].filter(word => word !== OWN && word !== ".").join("/"),
                bytes,
                parts,
            }))
        )
    )
    return files.sort((a, b) => b.bytes - a.bytes)
}

function add(root: Part, path: readonly string[], bytes: number): void {
    let part = root
    part.bytes += bytes
    for (const name of path) {
        let next = part.parts.find(child => child.name === name)
        if (next === undefined) {
            next = { name, bytes: 0, parts: [] }
            part.parts.push(next)
        }
        next.bytes += bytes
        part = next
    }
}

function order(part: Part): void {
    part.parts.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
    for (const child of part.parts) order(child)
}

/** A run of bytes from one position; positions count through all the sources. */
interface Span {
    position: number | undefined
    bytes: number
}

/** Returns the code of an image by positions; a function's descriptor has the position where the function begins. */
export function spansOf(image: Uint8Array, debug: SizedDebugInfo): Span[] {
    const places = new Places(debug)
    return readImage(image).functions.flatMap(({ start, code }, index) => [
        { position: debug.functions[index]?.location?.[0], bytes: DESCRIPTOR },
        ...places.spans(start, start + code.length),
    ])
}

/** Finds the package, folder, file and function of bytecode. */
class Places {
    /** The position where each source begins. */
    private readonly begins: number[] = []
    private readonly pcs: number[] = []
    private readonly positions: number[] = []
    /** The functions in the order of their positions. */
    private readonly texts: { from: number; to: number; name: string }[] = []

    constructor(private readonly debug: SizedDebugInfo) {
        let offset = 0
        for (const { length } of debug.sources) {
            this.begins.push(offset)
            offset += length
        }
        let position = 0
        let pc = 0
        for (let i = 0; i + 2 < debug.srcmap.length; i += 3) {
            position += debug.srcmap[i]
            pc += debug.srcmap[i + 2]
            this.pcs.push(pc)
            this.positions.push(position)
        }
        debug.functions.forEach(({ name, location }, index) => {
            // function 0 is the program itself, which spans its whole module
            if (index === 0 || location === undefined) return
            this.texts.push({ from: location[0], to: location[0] + location[1], name })
        })
        this.texts.sort((a, b) => a.from - b.from || b.to - a.to)
    }

    /** Returns the path of a function. */
    ofFunction(index: number): string[] {
        const { location, name } = this.debug.functions[index] ?? {}
        if (location === undefined) return ["(image)", MADE]
        return [...this.file(location[0]), index === 0 ? OUTSIDE : (this.named(location[0]) ?? name ?? MADE)]
    }

    /** Returns the paths of the bytes between two offsets of the image, both in one function. */
    within(index: number, start: number, end: number): { path: string[]; bytes: number }[] {
        return this.spans(start, end).map(({ position, bytes }) => ({
            path:
                position === undefined
                    ? this.ofFunction(index)
                    : [...this.file(position), this.named(position) ?? OUTSIDE],
            bytes,
        }))
    }

    /** Returns the positions of the bytes between two offsets of the image; undefined for bytes without a position. */
    spans(start: number, end: number): Span[] {
        const found: Span[] = []
        let at = start
        let position: number | undefined
        for (let i = Math.max(0, lastAtMost(this.pcs, start)); at < end; i++) {
            const until = i < this.pcs.length ? Math.min(end, this.pcs[i]) : end
            if (until > at) found.push({ position, bytes: until - at })
            at = Math.max(at, until)
            // a position before the function's start belongs to another function
            if (at < end && this.pcs[i] >= start) position = this.positions[i]
        }
        return found
    }

    /** Returns the package, folder and file of a position. */
    private file(position: number): string[] {
        const index = lastAtMost(this.begins, position)
        const path = this.debug.sources[index]?.path
        if (path === undefined) return ["(image)", MADE]
        const words = path.split("/")
        const modules = words.lastIndexOf("node_modules")
        if (modules < 0) return [OWN, words.slice(0, -1).join("/") || ".", words[words.length - 1]]
        const name = words.slice(modules + 1, modules + (words[modules + 1].startsWith("@") ? 3 : 2))
        const inside = words.slice(modules + 1 + name.length)
        return [name.join("/"), inside.slice(0, -1).join("/") || ".", inside[inside.length - 1]]
    }

    /** Returns the innermost function that contains a position; undefined outside of all functions. */
    private named(position: number): string | undefined {
        for (let i = this.texts.length - 1; i >= 0; i--) {
            const { from, to, name } = this.texts[i]
            if (from <= position && position < to)
                return name === "inline" ? `(function in line ${this.line(from)})` : name
        }
        return undefined
    }

    private line(position: number): number {
        const index = lastAtMost(this.begins, position)
        const { text } = this.debug.sources[index]
        return text.slice(0, position - this.begins[index]).split("\n").length
    }
}
