// Node runtime: prepares the stack's sources for V8, as sim/optimizer prepares its image for the VM. A source says the same on both; what
// costs little differs. No line moves to another place.

import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Plugin } from "esbuild"
import { featuresText } from "../build/features"
import { PACKAGE } from "../build/places"

const STACK = join(PACKAGE, "src", "/")

/** Returns whether a file is a source of the stack. */
export function isStack(path: string): boolean {
    return path.startsWith(STACK)
}

/** An esbuild plugin for bundles that contain the stack. */
export const specialized: Plugin = {
    name: "specialized",
    setup({ onLoad }) {
        onLoad({ filter: /\.ts$/ }, async ({ path }) =>
            isStack(path)
                ? { contents: specialize(await readFile(path, "utf8"), featuresText()), loader: "ts" }
                : undefined
        )
    },
}

/** A call on a buffer that was allocated. What another call has returned may be a hash, for which a view would be made each time. */
const CALL = /(?<!\)\s*)\.(getAt|setAt)\(/g

/** The methods of View by a call's name and format. */
const METHODS: { readonly [call: string]: string } = {
    'getAt"u8"': "u8",
    'getAt"u16"': "u16",
    'getAt"u32"': "u32",
    'getAt"i32"': "i32",
    'setAt"u8"': "setU8",
    'setAt"u16"': "setU16",
    'setAt"i32"': "setI32",
}

/** A hash that a function of its module returns to callers that only read a number of it: such a hash needs no buffer. */
const HASH = /\breturn digest\("sha256", (\w+)\)(?=\n)/g

/** The names that a source imports from src/features.ts. */
const FEATURE_NAMES = /\bimport \{([^{}]*)\} from "(?:\.\.?\/)+features"/

/** A feature in the text of src/features.ts. */
const FEATURE = /^export const (\w+) = (true|false)$/gm

/** Returns a source of src/ as V8 runs it best. `features` is the text of src/features.ts. */
export function specialize(source: string, features: string): string {
    return callViews(readThrough(foldFeatures(source, features)).replace(HASH, "return $1.view.sha256()"))
}

/**
 * Replaces the names of features by their values. A bundle has the constants of a module as variables, which V8 reads and tests at
 * each use; it drops the branches of a literal.
 */
function foldFeatures(source: string, features: string): string {
    const [statement, list] = FEATURE_NAMES.exec(source) ?? []
    if (statement === undefined || list === undefined) return source
    const names = list.match(/\w+/g) ?? []
    const values = new Map([...features.matchAll(FEATURE)].map(([, name, value]) => [name!, value!]))
    const lines = statement.replace(/[^\n]/g, "")
    // a string, whose words stay as they are, or a name that is no property's
    const name = new RegExp(`"(?:[^"\\\\\n]|\\\\.)*"|(?<!\\.)\\b(?:${names.join("|")})\\b`, "g")
    return source.replace(statement, lines).replace(name, found => values.get(found) ?? found)
}

/** A copy of a constant number of bytes to the start of a block, and a statement that does nothing but add up numbers at constant places of the block. */
const COPIED =
    /\b(\w+)\.blitAt\(0, (\w+), (\w+), [A-Z]\w*\.[A-Z]\w*\)(\n(?:\s*\/\/.*\n)*\s*\w+ \+=(?:\s+\1\.getAt\(\d+, "\w+"\)(?: \+)?)+)(?=\n)/g

/**
 * Has the checksum read its data where they are. On the VM a read at a constant offset costs a third of a read at a variable one, so
 * it copies a block and reads there. On Node the copy takes longer than all that is read.
 */
function readThrough(source: string): string {
    return source.replace(COPIED, (_all, block: string, from: string, at: string, sum: string) =>
        sum.replaceAll(`${block}.getAt(`, `${from}.getAt(${at} + `)
    )
}

/**
 * Has accesses to buffers whose formats are constant call the View themselves: `b.getAt(at, "u16")` becomes `b.view.u16(at)`. V8 inlines
 * a limited number of bytecodes into a function, and a function of the stack makes dozens of such calls.
 */
function callViews(source: string): string {
    let text = source
    // from the last call to the first: an argument may be a call, too
    for (const match of [...source.matchAll(CALL)].reverse()) {
        const [open, name] = match
        const start = match.index + open.length
        const commas = argumentsFrom(text, start)
        const end = commas.pop()
        const comma = commas[0]
        if (end === undefined || comma === undefined) continue
        const formatEnd = commas[1] ?? end
        const method = METHODS[name + text.slice(comma + 1, formatEnd).trim()]
        if (method === undefined) continue
        const lines = text.slice(comma, formatEnd).replace(/[^\n]/g, "")
        text = `${text.slice(0, match.index)}.view.${method}(${text.slice(start, comma)}${lines}${text.slice(formatEnd)}`
    }
    return text
}

/** Returns where the commas between a call's arguments are, and its closing parenthesis. */
function argumentsFrom(text: string, start: number): number[] {
    const places: number[] = []
    for (let at = start, depth = 0; at < text.length; at++) {
        const char = text[at]!
        if ("([{".includes(char)) depth++
        else if (")]}".includes(char)) {
            if (depth-- > 0) continue
            places.push(at)
            return places
        } else if (char === "," && depth === 0) places.push(at)
    }
    return []
}
