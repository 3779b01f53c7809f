// Whose the bytes of an image's code are: by package, folder, file and function, from the positions that a build keeps for each
// operation. So what the optimizer put elsewhere still counts where it was written.

import { DESCRIPTOR, limitedBytes, readImage } from "../optimizer/image"
import { lastAtMost } from "../optimizer/places"
import type { DebugInfo } from "../vm/positions"

/** A package, folder, file or function, with the bytes of code in it. */
export interface Part {
    name: string
    bytes: number
    parts: Part[]
}

/** Debug information with what names functions. */
export interface SizedDebugInfo extends DebugInfo {
    functions: {
        name: string
        startpc: number
        /** Where it begins, and how long its text is. */
        location?: [number, number]
    }[]
}

/** Operations that belong to no function: a module's own statements, functions that were put into their only caller. */
const OUTSIDE = "(top level)"
/** The project's own files have no package in their paths. */
const OWN = "devicescript-tcp"
/** Without a position: what the compiler and the optimizer made themselves. */
const MADE = "(made by the compiler)"

/** The code of an image as a tree; its `bytes` are what the VM's limit counts. */
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

/** All files, the largest first, with their paths; those of other packages have its name before them. */
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

/** Bytes, and where in all the sources, one behind the other, they come from. */
export interface Span {
    position: number | undefined
    bytes: number
}

/** The code of an image by the places that it comes from; a function's descriptor is where its text begins. */
export function spansOf(image: Uint8Array, debug: SizedDebugInfo): Span[] {
    const places = new Places(debug)
    return readImage(image).functions.flatMap(({ start, code }, index) => [
        { position: debug.functions[index]?.location?.[0], bytes: DESCRIPTOR },
        ...places.spans(start, start + code.length),
    ])
}

/** Finds package, folder, file and function of bytecode. */
class Places {
    /** Where each source begins, counted through all of them. */
    private readonly begins: number[] = []
    private readonly pcs: number[] = []
    private readonly positions: number[] = []
    /** Functions in the order in which their text begins. */
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
            // the first is the program itself: its text is all of its module's
            if (index === 0 || location === undefined) return
            this.texts.push({ from: location[0], to: location[0] + location[1], name })
        })
        this.texts.sort((a, b) => a.from - b.from || b.to - a.to)
    }

    /** A function's own place. */
    ofFunction(index: number): string[] {
        const { location, name } = this.debug.functions[index] ?? {}
        if (location === undefined) return ["(image)", MADE]
        return [...this.file(location[0]), index === 0 ? OUTSIDE : (this.named(location[0]) ?? name ?? MADE)]
    }

    /** Whose the bytes between two places of the image are, which lie in one function. */
    within(index: number, start: number, end: number): { path: string[]; bytes: number }[] {
        return this.spans(start, end).map(({ position, bytes }) => ({
            path:
                position === undefined
                    ? this.ofFunction(index)
                    : [...this.file(position), this.named(position) ?? OUTSIDE],
            bytes,
        }))
    }

    /** Where in the sources the bytes between two places of the image come from, as far as that is known. */
    spans(start: number, end: number): Span[] {
        const found: Span[] = []
        let at = start
        let position: number | undefined
        for (let i = Math.max(0, lastAtMost(this.pcs, start)); at < end; i++) {
            const until = i < this.pcs.length ? Math.min(end, this.pcs[i]) : end
            if (until > at) found.push({ position, bytes: until - at })
            at = Math.max(at, until)
            // what lies before the function's start says nothing of it
            if (at < end && this.pcs[i] >= start) position = this.positions[i]
        }
        return found
    }

    /** Package, folder and file. */
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

    /** The innermost function whose text a position is in. */
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
