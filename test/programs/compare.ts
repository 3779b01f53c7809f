// Carries out one function of the runtime for each line, with the arguments in it: the VM and its stand-in have to give the same.
//
// A line is `FUNCTION ARGUMENT...`, and there may be several with | in between. An argument is a letter and hexadecimal digits: s text in UTF-8, b a buffer, n the eight bytes
// of a number; u is undefined. So is the result, within [ ] when it is an array, and ! with its kind when it was an error.

import "../../boards/host/pipe"
import { Buffer, sleep } from "@devicescript/core"
import { lines } from "../../src/device/command-hook"

type Value = string | number | boolean | Buffer | undefined | null | Value[]

function numberOf(hex: string): number {
    return Buffer.from(hex, "hex").getAt(0, "f64")
}

function argument(word: string): Value {
    const kind = word.slice(0, 1)
    const hex = word.slice(1, word.length)
    if (kind === "s") return Buffer.from(hex, "hex").toString("utf-8")
    if (kind === "b") return Buffer.from(hex, "hex")
    return kind === "n" ? numberOf(hex) : undefined
}

function shown(value: unknown): string {
    if (typeof value === "string") return `s${Buffer.from(value).toString("hex")}`
    if (typeof value === "number") {
        // biome-ignore lint/suspicious/noSelfCompare: the VM has no Number.isNaN
        if (value !== value) return "NaN"
        const bits = Buffer.alloc(8)
        // there is one 0 on the VM
        bits.setAt(0, "f64", value + 0)
        return `n${bits.toString("hex")}`
    }
    if (value instanceof Buffer) return `b${value.toString("hex")}`
    if (value && typeof value === "object" && !Array.isArray(value)) {
        const fields = value as { [key: string]: unknown }
        return `{${Object.keys(fields)
            .map(key => `${shown(key)}:${shown(fields[key])}`)
            .join(" ")}}`
    }
    if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`
    return `${value}`
}

type Call = (a: Value[]) => unknown

/** Takes no radix on the VM. */
const integer: (text: string) => number = parseInt

const text = (value: Value) => value as string
const number = (value: Value) => value as number
const buffer = (value: Value) => value as Buffer

/** The compiler wants formats as they stand. */
function store(b: Buffer, at: number, format: string, value: number): void {
    if (format === "u8") b.setAt(at, "u8", value)
    if (format === "u16") b.setAt(at, "u16", value)
    if (format === "u32") b.setAt(at, "u32", value)
    if (format === "i8") b.setAt(at, "i8", value)
    if (format === "i16") b.setAt(at, "i16", value)
    if (format === "i32") b.setAt(at, "i32", value)
    if (format === "f32") b.setAt(at, "f32", value)
    if (format === "f64") b.setAt(at, "f64", value)
}

function load(b: Buffer, at: number, format: string): number {
    if (format === "u8") return b.getAt(at, "u8")
    if (format === "u16") return b.getAt(at, "u16")
    if (format === "u32") return b.getAt(at, "u32")
    if (format === "i8") return b.getAt(at, "i8")
    if (format === "i16") return b.getAt(at, "i16")
    if (format === "i32") return b.getAt(at, "i32")
    if (format === "f32") return b.getAt(at, "f32")
    return b.getAt(at, "f64")
}

function compute(name: string, a: Value[]): unknown {
    switch (name) {
        // text
        case "length":
            return [text(a[0]).length, text(a[0]).byteLength]
        case "charCodeAt":
            return text(a[0]).charCodeAt(number(a[1]))
        case "at":
            return text(a[0])[number(a[1])]
        case "slice":
            return text(a[0]).slice(number(a[1]), number(a[2]))
        case "sliceFrom":
            return text(a[0]).slice(number(a[1]))
        case "indexOf":
            return text(a[0]).indexOf(text(a[1]), number(a[2]))
        case "split":
            return text(a[0]).split(text(a[1]))
        case "join":
            return text(a[0]).split(text(a[1])).join(text(a[2]))
        case "starts":
            return [text(a[0]).startsWith(text(a[1])), text(a[0]).endsWith(text(a[1]))]
        case "lower":
            return text(a[0]).toLowerCase()
        case "upper":
            return text(a[0]).toUpperCase()
        case "trim":
            return text(a[0]).trim()
        case "equal":
            return a[0] === a[1]
        case "concat":
            return `${text(a[0])}${text(a[1])}`
        // conversions
        case "parseInt":
            return integer(text(a[0]))
        case "parseNothing":
            return [integer(null as unknown as string), integer(undefined as unknown as string)]
        case "parseFloat":
            return parseFloat(text(a[0]))
        case "numberText":
            return `${number(a[0])}`
        case "stringify":
            return JSON.stringify(JSON.parse(text(a[0])))
        case "parse":
            return JSON.parse(text(a[0]))
        case "quote":
            return JSON.stringify(text(a[0]))
        // numbers
        case "bits": {
            const x = number(a[0])
            const y = number(a[1])
            return [x | y, x & y, x ^ y, ~x, x << y, x >> y, x >>> y]
        }
        case "arithmetic": {
            const x = number(a[0])
            const y = number(a[1])
            return [x + y, x - y, x * y, x / y]
        }
        case "remainder":
            return number(a[0]) % number(a[1])
        case "compare": {
            const x = number(a[0])
            const y = number(a[1])
            return [x < y, x <= y, x === y, x !== y]
        }
        case "round": {
            const x = number(a[0])
            return [Math.floor(x), Math.ceil(x), Math.round(x), Math.abs(x), -x]
        }
        case "pair": {
            const x = number(a[0])
            const y = number(a[1])
            return [Math.min(x, y), Math.max(x, y), Math.idiv(x, y), Math.imul(x, y)]
        }
        // buffers
        case "utf8":
            return buffer(a[0]).toString("utf-8")
        case "hex":
            return Buffer.from(text(a[0]), "hex")
        case "store": {
            const b = buffer(a[0]).slice(0)
            store(b, number(a[1]), text(a[3]), number(a[2]))
            return b
        }
        case "load":
            return load(buffer(a[0]), number(a[1]), text(a[2]))
        case "blit": {
            const b = buffer(a[0]).slice(0)
            b.blitAt(number(a[1]), buffer(a[2]), number(a[3]), number(a[4]))
            return b
        }
        case "blitText": {
            const b = buffer(a[0]).slice(0)
            b.blitAt(number(a[1]), a[2] as Buffer, number(a[3]), number(a[4]))
            return b
        }
        case "fill": {
            const b = buffer(a[0]).slice(0)
            b.fillAt(number(a[1]), number(a[2]), number(a[3]))
            return b
        }
        case "cut":
            return buffer(a[0]).slice(number(a[1]), number(a[2]))
        case "find":
            return buffer(a[0]).indexOf(number(a[1]), number(a[2]), number(a[3]))
        case "both":
            return buffer(a[0]).concat(buffer(a[1]))
        default:
            return `what is ${name}?`
    }
}

const call: Call = words => {
    try {
        return shown(
            compute(
                words[0] as string,
                words.slice(1).map(word => argument(word as string))
            )
        )
    } catch (error) {
        return `!${(error as Error).name}`
    }
}

lines.run = async (line, print) => {
    for (const one of line.split("|")) {
        await print(`${call(one.split(" "))}`)
        await sleep(0)
    }
    return 0
}
